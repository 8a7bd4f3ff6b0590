"""Ticket events as the notifier meets them; any field can be given another value."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeadlineWarned,
    DeliveryTroubled,
    Known,
    QuestionAsked,
    TicketAssigned,
    TicketEscalated,
    TicketOpened,
    TicketResolved,
)
from schemas.values import Attachment, Business, Contact, Deadline, Group, LocalText, Message, Named, Person, Ticket

AT: Final = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
DUE: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TICKET_ID: Final = "01935b8e-7c00-7000-8000-00000000c0de"
MINH: Final = Person(key="minh", name="Trần Quang Minh", email="minh@customs.example", language="vi")
ANNA: Final = Person(key="anna", name="Anna O'Neil", email="anna@customs.example", language="en")
SILENT: Final = Person(key="nobody", name="Không Có Thư", email=None, language="vi")


def group(key: str = "hon-gai", **changes: object) -> Group:
    fields: dict[str, object] = {
        "key": key,
        "name": LocalText(vi="Tổ hỗ trợ doanh nghiệp Hòn Gai", en="Hon Gai Support Group"),
        "unit": Named(key="hon-gai", name=LocalText(vi="Hải quan cửa khẩu cảng Hòn Gai", en="Hon Gai Seaport Customs")),
        "mailbox": "hon-gai@customs.example",
        "timezone": "Asia/Ho_Chi_Minh",
    }
    return Group.model_validate(fields | changes)


def ticket(**changes: object) -> Ticket:
    fields: dict[str, object] = {
        "reference": "HQ-7K3M-9P2X",
        "status": "open",
        "subject": "Vướng mắc về mã HS của tôm đông lạnh",
        "topic": Named(key="hs", name=LocalText(vi="Phân loại hàng hóa, mã HS", en="HS classification")),
        "language": "vi",
        "channel": "form",
        "business": Business(name="Công ty TNHH Thủy sản Hạ Long", tax_code="5700123456"),
        "contact": Contact(name="Nguyễn Thị Lan", email="lan@halong.example", phone="+84203555010"),
        "group": group(),
        "officer": MINH,
        "deadlines": (
            Deadline(kind="first_response", cycle=1, state="running", due_at=DUE),
            Deadline(kind="resolution", cycle=1, state="running", due_at=DUE + timedelta(days=6)),
            Deadline(kind="hand_over", cycle=1, state="running", due_at=DUE - timedelta(days=1)),
        ),
        "opened_at": AT,
        "version": 1,
    }
    return Ticket.model_validate(fields | changes)


def message(**changes: object) -> Message:
    fields: dict[str, object] = {
        "id": "m-1",
        "kind": "answer",
        "public": True,
        "author_role": "officer",
        "author_name": "Trần Quang Minh",
        "text": "Mã HS phù hợp là 0306.17.\n\nXin xem công văn <đính kèm> & trang 2.\nChào Quý công ty.",
        "attachments": (Attachment(id="a", filename="công văn 12.pdf", content_type="application/pdf", size=9, sha256="0" * 64),),
        "at": AT,
    }
    return Message.model_validate(fields | changes)


def _asked() -> Message:
    return message(kind="request", author_role="business", author_name="Nguyễn Thị Lan", text="Lô tôm bị phân luồng đỏ.\nXin hướng dẫn.")


_OWN: Final[Mapping[type[Known], Callable[[], dict[str, Any]]]] = {
    TicketOpened: lambda: {"message": _asked(), "because": "luật: mã HS của Hòn Gai", "recipients": (MINH, ANNA)},
    TicketAssigned: lambda: {"because": "trưởng nhóm phân công", "by": "lead", "from_group": "ha-long", "recipients": (MINH,)},
    BusinessReplied: lambda: {"message": _asked(), "reopened": True, "recipients": (MINH,)},
    AnswerGiven: lambda: {"message": message(), "by": "minh"},
    QuestionAsked: lambda: {"message": message(kind="question", text="Xin gửi tờ khai số 105."), "by": "minh"},
    TicketResolved: lambda: {"message": message(kind="resolution", text="Lô hàng đã thông quan."), "by": "minh"},
    DeadlineWarned: lambda: {"clock": "resolution", "cycle": 1, "percent": 75, "due_at": DUE, "recipients": (MINH,)},
    DeadlineMissed: lambda: {"clock": "first_response", "cycle": 1, "due_at": DUE, "late_by": timedelta(seconds=1), "recipients": (MINH,)},
    TicketEscalated: lambda: {
        "step": 2,
        "clock": "resolution",
        "cycle": 1,
        "due_at": DUE,
        "because": "quá hạn 4 giờ làm việc",
        "from_group": group("team", name=LocalText(vi="Đội thủ tục", en="Procedures Team")),
        "recipients": (MINH,),
    },
    DeliveryTroubled: lambda: {"message_id": "m-1", "reason": "550 5.1.1 no such mailbox", "recipients": (MINH,)},
}
TOLD: Final = tuple(_OWN)
"""Every kind of event somebody is told of."""


def event(kind: type[Known], **changes: object) -> Known:
    """One event of that kind; ids, times and words are always the same."""
    fields: dict[str, object] = {
        "id": f"01935b8e-7c00-7000-8000-{TOLD.index(kind):012d}",
        "source": "helpdesk/routing",
        "occurred_at": AT,
        "ticket_id": TICKET_ID,
    }
    return kind.model_validate({**fields, "ticket": ticket(), **_OWN[kind](), **changes})
