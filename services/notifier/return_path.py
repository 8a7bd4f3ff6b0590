"""Where a mail comes back to when it can't be delivered."""

from dataclasses import dataclass

from kit.mail_tokens import bounce_address
from kit.mongo import Document
from services.notifier.repository import DIGEST


@dataclass(frozen=True)
class ReturnPaths:
    """`bounces`: the address that takes reports, to which each delivery adds its token; without it they go to the sender's."""

    sender: str
    bounces: str | None
    secret: str
    null_for_automatic: bool = True
    """RFC 3834 section 3.3; some relays refuse it."""

    def of(self, row: Document) -> str:
        """Empty is the null return path: what acknowledges is never answered by a machine that keeps the rules."""
        if row["template"] == "acknowledgement" and self.null_for_automatic:
            return ""
        return self._own(row) or self.bounces or self.sender

    def _own(self, row: Document) -> str | None:
        """A digest's is of a kind by which nothing is put on the one ticket that it names."""
        if self.bounces is None:
            return None
        try:
            alone, staff = row["template"] != DIGEST, row["audience"] == "staff"
            return bounce_address(self.secret, self.bounces, row["ticket_id"], row["_id"], alone=alone, staff=staff)
        except ValueError:  # a digest that was made before digests named a ticket
            return None
