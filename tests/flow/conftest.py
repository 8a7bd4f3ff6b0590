"""One installation for all flows: the demo organisation with a chat account that can be answered and a border gate in a hurry."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from schemas.organisation import Organisation
from tests.support.chat_callback import ChatCallback
from tests.support.installation import Installation
from tests.support.ports import free_ports

CHAT_SECRET = "a-secret-of-this-chat-account-alone"

# In hours: a first response within 4 s, a resolution within 8 s, the ladder's last step 8 s later.
HURRIED: dict[str, Any] = {
    "key": "hurried",
    "units": ["ha-tinh"],
    "targets": [{"clock": "first_response", "hours": 4 / 3600}, {"clock": "resolution", "hours": 8 / 3600}],
    "ladder": [
        {"percent": 75, "tell": ["officer", "lead"]},
        {"percent": 100, "tell": ["lead", "supervisor"]},
        {"after_hours": 4 / 3600, "tell": ["lead", "supervisor"], "take_over": "parent_group"},
        {"after_hours": 8 / 3600, "tell": ["supervisor", "authority"], "take_over": "authority"},
    ],
}


# Promises answers within 4 s, day and night, but nobody is told of alarms before the day after tomorrow.
ASLEEP: dict[str, Any] = {
    "key": "asleep",
    "units": ["binh-duong-seaport"],
    "targets": [{"clock": "resolution", "hours": 4 / 3600}],
    "ladder": [{"percent": 75, "tell": ["lead"]}, {"percent": 100, "tell": ["lead", "supervisor"]}],
}


def daytime() -> dict[str, Any]:
    """Opens at 08:00 of the day after tomorrow, once."""
    day = (datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) + timedelta(days=2)).date()  # noqa: TID251 (the wall the calendar is read from)
    return {"key": "daytime", "timezone": "Asia/Ho_Chi_Minh", "extra": {day.isoformat(): [["08:00", "17:00"]]}}


def organisation(callback_url: str) -> Organisation:
    """The demo's; the groups of Ha Tinh work around the clock, so that seconds of the test are working time."""
    written = read(ORGANISATION).model_dump(mode="json", exclude_none=True)
    for group in written["groups"]:
        if group["key"] in {"ha-tinh", "cau-treo"}:
            group |= {"calendar": "around-the-clock", "on_duty_always": True}
        if group["key"] == "binh-duong-seaport":
            group |= {"calendar": "around-the-clock", "duty_calendar": "daytime"}
    written["calendars"].append(daytime())
    written["policies"] = [HURRIED, ASLEEP, *written["policies"]]
    written["chat_accounts"] = [{"key": "demo", "group": "focal-point", "secret": CHAT_SECRET, "callback_url": callback_url}]
    return Organisation.model_validate(written)


@pytest.fixture(scope="package")
async def callback() -> AsyncIterator[ChatCallback]:
    (port,) = free_ports(1)
    chat = ChatCallback(port, CHAT_SECRET)
    await chat.start()
    yield chat
    await chat.stop()


@pytest.fixture(scope="package")
async def installation(tmp_path_factory: pytest.TempPathFactory, callback: ChatCallback) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("flow"), organisation(callback.url)) as running:
        running.start()
        await running.ready()
        yield running
