"""Mails that could not be read: the request that stands for each, and what it is told when the mail is read after all."""

from typing import Final

from kit.mongo import Document
from schemas.values import Business, Contact
from services.intake.acceptance import Acceptance
from services.intake.accepted import Opening, Saying
from services.intake.domain import identity
from services.intake.mail.arrivals import Settled
from services.intake.mail.threads import Thread, Threads

NOBODY: Final = "(không rõ / unknown)"
_SYSTEM: Final = "Hệ thống / System"
_SUBJECT: Final = "Thư không đọc được / Unreadable mail"
_TEXT: Final = (
    "Hệ thống không đọc được một thư gửi đến {mailbox} (mã thư: {id}, lý do: {reason}). Thư gốc được giữ nguyên. "
    "Vui lòng nhờ quản trị viên mở thư, hoặc liên hệ người gửi: {sender}.\n\n"
    "A mail to {mailbox} could not be read (mail id: {id}, reason: {reason}). The original is kept as it came. "
    "Ask an administrator to open it, or contact the sender: {sender}."
)
_READ: Final = (
    "Nay đã đọc được thư này (mã thư: {id}) và chuyển vào yêu cầu {reference}. Có thể đóng yêu cầu này.\n\n"
    "The mail could be read now (mail id: {id}) and is on request {reference}. This request can be closed."
)
_KEPT: Final = (
    "Nay đã đọc được thư này (mã thư: {id}): thư không phải là yêu cầu (lý do: {reason}) và được giữ lại. Có thể đóng yêu cầu này.\n\n"
    "The mail could be read now (mail id: {id}): it is nobody's request (reason: {reason}) and is kept. This request can be closed."
)

READ_LATER: Final = "read_later"
"""Why the message about it is automatic: officers see those, the business does not, which may not know the other request."""


class Unread:
    """Every method may be repeated for the same row."""

    def __init__(self, acceptance: Acceptance, threads: Threads) -> None:
        self._acceptance = acceptance
        self._threads = threads

    async def park(self, row: Document, reason: str) -> Settled:
        """The mail stays as it came, and a request says so, so that somebody looks at it. Raises TransientError.

        The envelope alone may tell which ticket it belongs to: its request is linked to that.
        """
        if "stub" in row:
            return Settled(row["_id"], "parked", {"reason": reason, "ticket_id": row["stub"]})
        about = await self._threads.of_envelope(row["envelope"]["to"])
        receipt = await self._acceptance.open(_opening(row, reason, about))
        return Settled(row["_id"], "parked", {"reason": reason, "ticket_id": receipt.ticket_id})

    async def explain(self, row: Document, settled: Settled) -> None:
        """To those who have the request that stood for the mail, where it is not there that the mail is now. Raises TransientError."""
        ticket_id = settled.changes.get("ticket_id")
        if "stub" not in row or ticket_id == row["stub"]:
            return
        where = await self._threads.ticket(ticket_id) if ticket_id and settled.state == "done" else None
        text = _READ.format(id=row["_id"], reference=where.reference) if where else _kept(row, settled)
        saying = Saying(
            source=f"mail:{row['group']}:read-{row['sha256']}",
            fingerprint=row["sha256"],
            ticket_id=row["stub"],
            channel="email",
            text=text,
            received_at=row["received_at"],
            author_name=_SYSTEM,
            automatic=READ_LATER,
            raw={"mail": row["_id"]},
        )
        await self._acceptance.say(saying)


def _kept(row: Document, settled: Settled) -> str:
    return _KEPT.format(id=row["_id"], reason=settled.changes.get("reason") or settled.changes.get("as"))


def _opening(row: Document, reason: str, about: Thread | None) -> Opening:
    sender = identity.sender_address(row["envelope"]["from"] or "")
    return Opening(
        source=f"mail:{row['group']}:raw-{row['sha256']}",
        fingerprint=row["sha256"],
        channel="email",
        subject=_SUBJECT,
        text=_TEXT.format(mailbox=row["mailbox"], id=row["_id"], reason=reason, sender=sender or NOBODY),
        language="vi",
        business=Business(name=sender or NOBODY),
        contact=Contact(email=sender),
        received_at=row["received_at"],
        group=row["group"],
        raw={"mail": row["_id"]},
        linked_to=about.reference if about else None,
        root=about.root if about else None,
    )
