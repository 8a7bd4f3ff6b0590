"""Places where tests let a process die, so that what a crash between two steps leaves behind is proved and not believed.

`HELPDESK_CRASH_AT=NAME` makes the process kill itself the first time it passes the point of that name. Unset, as in any real
installation, a point costs the comparison of a string. The names, in the order of the work:

transaction.before_commit   everything is written, nothing of it counts yet
transaction.after_commit    it counts, and whoever asked for it has not heard
relay.before_send           the journal was read, Kafka has heard nothing
relay.after_ack             Kafka has it, the journal does not know
relay.after_mark            the journal knows, the offsets are not remembered
inlet.before_apply          records were fetched
inlet.after_apply           they were applied, their offsets are not committed
sender.after_accept         the mail server took a mail, nobody wrote that down
"""

import os
import signal
from typing import Final, Literal

Point = Literal[
    "transaction.before_commit",
    "transaction.after_commit",
    "relay.before_send",
    "relay.after_ack",
    "relay.after_mark",
    "inlet.before_apply",
    "inlet.after_apply",
    "sender.after_accept",
]

VARIABLE: Final = "HELPDESK_CRASH_AT"

ARMED: Final = os.environ.get(VARIABLE)


def crash_point(name: Point) -> None:
    """Die here, as by `kill -9`, if this is the point the process was started to die at."""
    if name == ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
