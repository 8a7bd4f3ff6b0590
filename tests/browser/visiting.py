"""What a visitor does on intake's pages, and what is looked at on every one of them."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from kit.ids import new_id
from kit.mongo import Mongo
from schemas.envelope import Event
from schemas.requests import RequestReceived
from schemas.tickets import ticket_events
from services.intake.projection import Projection
from services.intake.settings import IntakeSettings
from services.intake.storage import CONVERSATIONS

HERE: Final = Path(__file__).parent
EVENTS: Final = HERE.parent / "data" / "events"
FAULTS: Final = (HERE / "faults.js").read_text(encoding="utf-8")
REFERENCE: Final = re.compile(r"HD-[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}")
PDF: Final = b"%PDF-1.7\n" + b"x" * 2000
WORDS: Final = "Lô tôm đông lạnh bị phân luồng đỏ ba ngày nay.\nXin hướng dẫn mã HS đúng."


async def fill_in(page: Page, **changes: str) -> None:
    """The form, as a business would; `business_name="…"` changes what is typed."""
    typed = {"text": WORDS, "business_name": "Công ty TNHH Thủy sản Hạ Long", "contact_email": "lan@halong-seafood.example"} | changes
    await page.select_option("#topic", index=1)
    for name, value in typed.items():
        await page.fill(f"#{name.replace('_', '-', 1)}", value)


async def attach(page: Page, name: str, content: bytes = PDF, kind: str = "application/pdf") -> None:
    await page.set_input_files("#attachments", {"name": name, "mimeType": kind, "buffer": content})


async def send(page: Page) -> None:
    await page.click("main button[type=submit]")


async def ask(page: Page) -> str:
    """Send a request; the address of its status page."""
    await page.goto("/")
    await fill_in(page)
    await send(page)
    address = await page.get_attribute(".address a", "href")
    assert address is not None
    return address


async def picture(page: Page, name: str) -> None:
    """For people to look at; git ignores it."""
    await page.screenshot(path=HERE / "screenshots" / f"{name}.png", full_page=True)


async def faults(page: Page) -> list[str]:
    """What is wrong with the page for somebody who reads it by screen reader, on a small screen, or with tired eyes; see faults.js."""
    return [str(fault) for fault in await page.evaluate(FAULTS)]


async def happen(settings: IntakeSettings, reference: str, *kinds: str) -> None:
    """What routing says about the request, by the examples in tests/data/events, brought to intake's database as its consumer does it."""
    mongo = Mongo(settings.mongodb_uri.get_secret_value())
    database = mongo.database(f"{settings.mongodb_database_prefix}_intake")
    row = await database[CONVERSATIONS.name].find_one({"reference": reference})
    assert row is not None
    journalled = await database["journal"].find_one({"stream": row["_id"], "seq": 1})
    assert journalled is not None
    request = RequestReceived.model_validate_json(journalled["body"])
    await Projection(mongo, database[CONVERSATIONS.name]).apply(told(request, kinds, after=row["seen"]))
    await mongo.close()


def told(request: RequestReceived, kinds: Sequence[str], after: int) -> list[Event]:
    """The examples as events of this ticket; what was asked and attached is its own."""
    events: list[Event] = []
    for sequence, kind in enumerate(kinds, start=after + 1):
        example = json.loads((EVENTS / f"{kind}.json").read_bytes())
        example |= {"ticket_id": request.ticket_id, "sequence": sequence, "id": new_id()}
        example["ticket"] |= {"reference": request.reference, "subject": request.subject, "version": sequence}
        if kind == "ticket_opened":
            files = [file.model_dump(mode="json") for file in request.attachments]
            example["message"] |= {"text": request.text, "attachments": files}
        events.append(ticket_events.validate_python(example))
    return events
