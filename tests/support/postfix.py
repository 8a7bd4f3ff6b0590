"""A real mail server (Postfix) of a test's own in front of ours: its configuration, queue and processes in one folder, on loopback.

Postfix starts as root alone, whatever its configuration says. Its own user does the work, as the package installs it; nothing of the
system's Postfix is touched.
"""

import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.ports import free_ports
from tests.support.programs import program

MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.customs.example
mydestination =
mynetworks = 127.0.0.0/8
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = customs.example, elsewhere.example
smtpd_relay_restrictions = permit_mynetworks, reject
relay_recipient_maps =
transport_maps = inline:{{ {{customs.example = {transport}:[127.0.0.1]:{port}}}, {{elsewhere.example = smtp:[127.0.0.1]:{sender_port}}} }}
default_transport = smtp:[127.0.0.1]:{sender_port}
recipient_delimiter = +
message_size_limit = {limit}
smtpd_forbid_bare_newline = yes
smtp_skip_5xx_greeting = yes
smtp_connection_cache_on_demand = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_data_done_timeout = 20s
smtp_dns_support_level = disabled
"""

MASTER = """
{smtp_port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Delivers mail for customs.example to `port`; everything else, bounces above all, to `sender_port`."""

    def __init__(self, home: Path, port: int, sender_port: int, *, lmtp: bool, limit: int) -> None:
        if os.geteuid() != 0:
            sentence = "Postfix starts as root alone: run this test as root"
            (pytest.fail if os.environ.get("HELPDESK_NO_SKIPS") == "1" else pytest.skip)(sentence)
        self._home = home
        self.port = free_ports(1)[0]
        self._program = program("postfix", "postfix")
        self._queue = program("postqueue", "postfix")
        values = {"home": home, "port": port, "sender_port": sender_port, "limit": limit, "transport": "lmtp:inet" if lmtp else "smtp"}
        (home / "main.cf").write_text(MAIN.format(**values))
        (home / "master.cf").write_text(MASTER.format(smtp_port=f"127.0.0.1:{self.port}"))

    def start(self) -> None:
        owner = pwd.getpwnam("postfix")
        self._home.chmod(0o755)
        for name in ("queue", "data"):
            (self._home / name).mkdir(exist_ok=True)
        shutil.chown(self._home / "data", owner.pw_uid, owner.pw_gid)
        self._run(self._program, "-c", str(self._home), "start")

    def stop(self) -> None:
        with suppress(OSError, ValueError):
            os.kill(int((self._home / "queue" / "pid" / "master.pid").read_text()), signal.SIGTERM)

    def send(self, content: bytes, *to: str, sender: str = "Lan@anbinh.example") -> None:
        """As a stranger's mail server would. smtplib's exceptions."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.sendmail(sender, list(to), content)

    def flush(self) -> None:
        """Try at once what waits."""
        self._run(self._queue, "-c", str(self._home), "-f")

    def waiting(self) -> int:
        """Mails in the queue."""
        return self._run(self._queue, "-c", str(self._home), "-j").count("\n")

    def log(self) -> str:
        path = self._home / "log"
        return path.read_text() if path.exists() else ""

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.log()}"
        return done.stdout


@contextmanager
def running_postfix(port: int, sender_port: int, *, lmtp: bool = False, limit: int = 10_240_000) -> Iterator[Postfix]:
    home = Path(tempfile.mkdtemp(prefix="postfix"))
    server = Postfix(home, port, sender_port, lmtp=lmtp, limit=limit)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
