"""Every page can be read by everybody: labels, headings, contrast, and no sideways scrolling on a telephone."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import MakeVisitor
from tests.browser.test_status import expired, reference_of
from tests.browser.visiting import ask, faults, fill_in, happen, picture, send
from tests.support.intake_running import RunningIntake

LONG = "Khôngcókhoảngtrắng" * 12
TELEPHONE, SMALLEST, DESK = 380, 320, 1100


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("width", [DESK, TELEPHONE, SMALLEST])
async def test_every_page_can_be_read_by_everybody(visitor: MakeVisitor, intake: RunningIntake, language: str, width: int) -> None:
    page = await visitor(language, width=width)
    found: dict[str, list[str]] = {}

    async def look(name: str) -> None:
        found[name] = await faults(page)
        if width != SMALLEST:
            await picture(page, f"{name}-{language}-{width}")

    await page.goto("/")
    await look("form")
    await page.click("main button[type=submit]")
    await look("form-mistakes")
    address = await sent_with_long_words(page)
    await look("received")
    await page.goto(address)
    await look("status-soon")
    await send(page)
    await look("status-mistakes")
    await happen(
        intake.settings, reference_of(address), "ticket_opened", "answer_given", "question_asked", "deadline_missed", "business_replied"
    )
    await page.goto(f"{address}&sent=1")
    await look("status")
    await page.goto(expired(intake, address))
    await look("expired")
    await page.goto("/nowhere")
    await look("nowhere")
    assert found == {name: [] for name in found}


async def sent_with_long_words(page: Page) -> str:
    await fill_in(page, text=LONG, subject=LONG[:150], business_name=LONG[:120])
    await send(page)
    address = await page.get_attribute(".address a", "href")
    assert address is not None
    return address


async def test_the_pages_run_no_script_and_ask_no_other_site_for_anything(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    address = await ask(page)
    await page.goto(address)
    assert [url for url in asked if not url.startswith(intake.url)] == []
    assert await page.locator("script").count() == 0
    assert complaints == []
    await page.goto("/nowhere")
