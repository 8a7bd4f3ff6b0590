"""A small organisation for tests: the shape of the worked example, with round numbers for the arithmetic."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas.organisation import Organisation
from services.routing.domain.calendar import Calendar
from services.routing.domain.context import Context

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE_DAY = (("08:00", "12:00"), ("13:00", "17:00"))
"""Eight hours, so that a working day and eight working hours can be told apart only by where they end."""

ROUND_THE_CLOCK = (("00:00", "24:00"),)


def local(wall: str) -> datetime:
    """`2025-03-03 09:00` on the wall in Vietnam, as the instant it is. 2025-03-03 is a Monday."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZONE).astimezone(UTC)


def named(vi: str, en: str) -> dict[str, str]:
    return {"vi": vi, "en": en}


def officer(key: str, *groups: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "email": f"{key}@customs.example", "groups": list(groups), **more}


def as_written() -> dict[str, Any]:
    """What the organisation file would hold; change it before it is read."""
    return {
        "name": named("Hải quan", "Customs"),
        "units": [
            {"key": "general", "name": named("Tổng cục", "General Department"), "level": "general_department"},
            {"key": "board", "name": named("Ban cải cách", "Reform Board"), "parent": "general", "level": "department"},
            {"key": "legal", "name": named("Vụ Pháp chế", "Legal Department"), "parent": "general", "level": "department"},
            {"key": "quang-ninh", "name": named("Cục Quảng Ninh", "Quang Ninh"), "parent": "general", "level": "department"},
            {"key": "hon-gai", "name": named("Chi cục Hòn Gai", "Hon Gai"), "parent": "quang-ninh", "level": "sub_department"},
            {"key": "ha-tinh", "name": named("Cục Hà Tĩnh", "Ha Tinh"), "parent": "general", "level": "department"},
            {"key": "cau-treo", "name": named("Chi cục Cầu Treo", "Cau Treo"), "parent": "ha-tinh", "level": "sub_department"},
        ],
        "topics": [
            {"key": "valuation", "name": named("Trị giá hải quan", "Customs valuation")},
            {"key": "origin", "name": named("Xuất xứ", "Origin")},
            {"key": "proposal", "name": named("Đề xuất chính sách", "Law and policy proposal")},
        ],
        "calendars": [
            {
                "key": "office",
                "timezone": "Asia/Ho_Chi_Minh",
                "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY),
            },
            {
                "key": "border",
                "timezone": "Asia/Ho_Chi_Minh",
                "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ROUND_THE_CLOCK),
            },
        ],
        "policies": [
            {
                "key": "border",
                "units": ["cau-treo"],
                "targets": [{"clock": "first_response", "hours": 1}, {"clock": "resolution", "hours": 24}],
            },
            {
                "key": "standard",
                "targets": [
                    {"clock": "first_response", "hours": 4},
                    {"clock": "next_response", "hours": 8},
                    {"clock": "resolution", "days": 5},
                    {"clock": "hand_over", "hours": 16},
                ],
            },
        ],
        "groups": [
            {"key": "focal", "name": named("Đầu mối", "Focal point"), "unit": "board", "calendar": "office", "lead": "phuc"},
            {
                "key": "legal",
                "name": named("Pháp chế", "Legal"),
                "unit": "legal",
                "calendar": "office",
                "lead": "luat",
                "topics": ["proposal"],
            },
            {"key": "quang-ninh", "name": named("Quảng Ninh", "Quang Ninh"), "unit": "quang-ninh", "calendar": "office", "lead": "quang"},
            {
                "key": "hon-gai",
                "name": named("Hòn Gai", "Hon Gai"),
                "unit": "hon-gai",
                "calendar": "office",
                "lead": "hong",
                "topics": ["valuation"],
            },
            {
                "key": "cau-treo",
                "name": named("Cầu Treo", "Cau Treo"),
                "unit": "cau-treo",
                "calendar": "border",
                "lead": "cam",
                "assignment": "automatic",
                "on_duty_always": True,
            },
        ],
        "officers": [
            officer("phuc", "focal"),
            officer("luat", "legal"),
            officer("quang", "quang-ninh", language="en"),
            officer("hong", "hon-gai"),
            officer("hai", "hon-gai", substitute="hung"),
            officer("hung", "hon-gai"),
            officer("cam", "cau-treo"),
            officer("chi", "cau-treo"),
            officer("cuc", "cau-treo"),
            officer("sau", supervises=["quang-ninh"]),
            officer("tong", supervises=["general"]),
            officer("quan", roles=["administrator"]),
        ],
        "rules": [{"name": "Proposals go to Legal", "topics": ["proposal"], "group": "legal"}],
        "focal_point": "focal",
        "competent_authority": {"name": named("Bộ Tài chính", "Ministry of Finance"), "email": "mof@gov.example"},
    }


def organisation(**changed: Any) -> Organisation:
    return Organisation.model_validate({**as_written(), **changed})


def with_officers(*changed: dict[str, Any], **more: Any) -> Organisation:
    """The organisation with these officers in the places of those of the same keys."""
    by_key = {spec["key"]: spec for spec in [*as_written()["officers"], *changed]}
    return organisation(officers=list(by_key.values()), **more)


def context(org: Organisation | None = None, revision: int = 1) -> Context:
    org = org or organisation()
    calendars = {spec.key: Calendar.from_spec(spec) for spec in org.calendars}
    return Context(org=org, revision=revision, calendar_of=calendars.__getitem__)
