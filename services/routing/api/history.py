"""The history of a ticket in words: who, when, what, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.organisation import Organisation
from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    ClockFinished,
    ClockRepaired,
    DeadlineMissed,
    DeadlinesMoved,
    DeadlineWarned,
    DeliveryTroubled,
    Known,
    MovedDeadline,
    NoteAdded,
    QuestionAsked,
    TicketAssigned,
    TicketClaimed,
    TicketClosed,
    TicketEscalated,
    TicketEventBase,
    TicketOpened,
    TicketPrioritised,
    TicketReferred,
    TicketReopened,
    TicketResolved,
)
from schemas.values import ClockKind, Language, LocalText
from services.routing.api.bodies import HistoryEntry
from services.routing.domain.sentences import PRIORITY, fill, joined
from services.routing.history import Unread

SYSTEM: Final = LocalText(vi="Hệ thống", en="The system")

CLOCKS: Final[Mapping[ClockKind, LocalText]] = {
    "first_response": LocalText(vi="Thời hạn phản hồi lần đầu", en="First response"),
    "next_response": LocalText(vi="Thời hạn phản hồi tiếp theo", en="Next response"),
    "resolution": LocalText(vi="Thời hạn giải quyết", en="Resolution"),
    "hand_over": LocalText(vi="Thời hạn xử lý tại nhóm", en="Hand-over"),
}
VERDICTS: Final[Mapping[str, LocalText]] = {
    "met": LocalText(vi="đúng hạn", en="met"),
    "missed": LocalText(vi="trễ hạn", en="missed"),
    "cancelled": LocalText(vi="đã hủy", en="cancelled"),
}

WHAT: Final[Mapping[type[TicketEventBase], LocalText]] = {
    TicketOpened: LocalText(vi="Tiếp nhận yêu cầu và giao cho {group}", en="Opened and given to the group {group}"),
    TicketAssigned: LocalText(vi="Giao cho {officer} (nhóm {group})", en="Given to {officer} ({group})"),
    TicketPrioritised: LocalText(vi="Đổi mức ưu tiên từ {old} thành {new}", en="Priority changed from {old} to {new}"),
    TicketClaimed: LocalText(vi="Nhận xử lý, giữ đến {until}", en="Claimed until {until}"),
    BusinessReplied: LocalText(vi="Doanh nghiệp gửi tin nhắn", en="Message from the business"),
    AnswerGiven: LocalText(vi="Trả lời doanh nghiệp", en="Answered the business"),
    QuestionAsked: LocalText(vi="Hỏi doanh nghiệp và chờ trả lời", en="Asked the business and waits for it"),
    NoteAdded: LocalText(vi="Ghi chú nội bộ", en="Internal note"),
    TicketReferred: LocalText(vi="Chuyển đến {authority}", en="Referred to {authority}"),
    TicketResolved: LocalText(vi="Đánh dấu đã giải quyết", en="Resolved"),
    TicketReopened: LocalText(vi="Mở lại", en="Reopened"),
    TicketClosed: LocalText(vi="Đóng", en="Closed"),
    ClockFinished: LocalText(vi="{clock}: {verdict}", en="{clock}: {verdict}"),
    DeadlineWarned: LocalText(vi="{clock}: đã dùng {percent} %, đến hạn {due}", en="{clock}: {percent} % used up, due {due}"),
    DeadlineMissed: LocalText(vi="{clock}: quá hạn từ {due}", en="{clock}: missed at {due}"),
    TicketEscalated: LocalText(vi="Chuyển cấp; nhóm phụ trách: {group}", en="Escalated; now with the group {group}"),
    DeadlinesMoved: LocalText(vi="Thời hạn thay đổi: {moves}", en="Deadlines moved: {moves}"),
    ClockRepaired: LocalText(vi="{clock}: sửa “{old}” thành “{new}”", en="{clock}: corrected from “{old}” to “{new}”"),
    DeliveryTroubled: LocalText(vi="Không gửi được cho doanh nghiệp", en="What was sent did not reach the business"),
}
RUNNING: Final = LocalText(vi="đang tính", en="still measured")
DUE: Final = LocalText(vi="{said}, đến hạn {due}", en="{said}, due {due}")
MOVED: Final = LocalText(vi="{clock}: {old} → {new}", en="{clock}: {old} → {new}")
TO_QUEUE: Final = LocalText(vi="Chuyển vào hàng đợi của {group}", en="Put into the queue of the group {group}")
REJECTED: Final = LocalText(vi="Từ chối yêu cầu", en="Rejected")
REOPENING: Final = LocalText(vi="Doanh nghiệp gửi tin nhắn; yêu cầu được xử lý tiếp", en="Message from the business; work goes on")
AUTOMATIC: Final = LocalText(vi="Thư tự động từ địa chỉ của doanh nghiệp", en="Automatic mail from the business's address")
UNREADABLE: Final = LocalText(vi="Một sự kiện không đọc được", en="An event that cannot be read")
WINDOW_OVER: Final = LocalText(vi="Đã hết thời gian có thể mở lại", en="The time in which it could be reopened has passed")


def entry(event: Known | Unread, organisation: Organisation, language: Language) -> HistoryEntry:
    if isinstance(event, Unread):
        return _unread(event, language)
    what = fill(_sentence(event), **_gaps(event))
    return HistoryEntry(
        version=event.sequence,
        at=event.occurred_at,
        type=event.type,
        who=_who(event, organisation, language),
        what=what.in_language(language),
        why=_why(event, language),
        message_id=_message_id(event),
    )


def _unread(event: Unread, language: Language) -> HistoryEntry:
    """Its place stays, so that nobody takes the history for complete."""
    return HistoryEntry(
        version=event.sequence,
        at=event.at,
        type=event.type,
        who=SYSTEM.in_language(language),
        what=UNREADABLE.in_language(language),
        why=None,
        message_id=None,
    )


def _sentence(event: Known) -> LocalText:
    match event:
        case TicketAssigned() if event.ticket.officer is None:
            return TO_QUEUE
        case AnswerGiven() if event.ticket.status == "rejected":
            return REJECTED
        case BusinessReplied() if event.message.automatic:
            return AUTOMATIC
        case BusinessReplied() if event.reopened:
            return REOPENING
        case _:
            return WHAT[type(event)]


def _gaps(event: Known) -> dict[str, str | LocalText]:
    ticket = event.ticket
    gaps: dict[str, str | LocalText] = {"group": ticket.group.name, "officer": ticket.officer.name if ticket.officer else ""}
    match event:
        case TicketClaimed():
            gaps |= {"until": _local(event.until, ticket.group.timezone)}
        case TicketPrioritised():
            gaps |= {"old": PRIORITY[event.from_priority], "new": PRIORITY[event.priority]}
        case TicketReferred():
            gaps |= {"authority": event.authority}
        case _:
            gaps |= _gaps_of_clocks(event, ticket.group.timezone)
    return gaps


def _gaps_of_clocks(event: Known, zone: str) -> dict[str, str | LocalText]:
    match event:
        case ClockFinished():
            return {"clock": CLOCKS[event.clock], "verdict": VERDICTS[event.verdict]}
        case DeadlineWarned():
            return {"clock": CLOCKS[event.clock], "percent": str(event.percent), "due": _local(event.due_at, zone)}
        case DeadlineMissed():
            return {"clock": CLOCKS[event.clock], "due": _local(event.due_at, zone)}
        case ClockRepaired():
            old, new = _record(event.old_verdict, event.old_due_at, zone), _record(event.new_verdict, event.new_due_at, zone)
            return {"clock": CLOCKS[event.clock], "old": old, "new": new}
        case DeadlinesMoved():
            return {"moves": joined([_moved(move, zone) for move in event.moves], "; ")}
        case _:
            return {}


def _record(verdict: str | None, due_at: datetime | None, zone: str) -> LocalText:
    """A verdict with its deadline, as far as there are any."""
    said = VERDICTS[verdict] if verdict else RUNNING
    return fill(DUE, said=said, due=_local(due_at, zone)) if due_at else said


def _moved(move: MovedDeadline, zone: str) -> LocalText:
    old, new = (_local(at, zone) if at else "-" for at in (move.old_due_at, move.new_due_at))
    return fill(MOVED, clock=CLOCKS[move.clock], old=old, new=new)


def _who(event: Known, organisation: Organisation, language: Language) -> str:
    if isinstance(event, TicketOpened | BusinessReplied):
        return event.message.author_name or event.ticket.business.name
    key: str = getattr(event, "by", "system")
    officer = organisation.officer(key)
    return officer.name if officer else SYSTEM.in_language(language) if key == "system" else key


def _why(event: Known, language: Language) -> str | None:
    if isinstance(event, TicketClosed):
        return WINDOW_OVER.in_language(language)
    if isinstance(event, BusinessReplied):
        return event.message.automatic
    reason: str | None = getattr(event, "because", None) or getattr(event, "reason", None)
    measured_by: str | None = getattr(event, "policy_because", None)
    return ". ".join(filter(None, (reason, measured_by))) or None


def _message_id(event: Known) -> str | None:
    if isinstance(event, DeliveryTroubled):
        return event.message_id or None
    message = getattr(event, "message", None)
    return message.id if message else None


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M %d/%m/%Y} ({zone})"
