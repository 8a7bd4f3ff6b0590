"""The page that explains a deadline can be read by everybody, also under the headers it is sent with."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Route

from schemas.values import Language
from services.routing.pages.explanation import HEADERS, ExplanationPage
from tests.browser.visiting import faults, picture
from tests.support.accounts import CASES, account_of

SHOWN = ("tet_with_a_make_up_saturday", "paused_over_a_holiday", "calendar_edited_since", "berlin_springs_forward")
TELEPHONE, SMALLEST, DESK = 380, 320, 1100
PAUSED = next(path for path in CASES if path.stem == "paused_over_a_holiday")
BRAND = "rgb(11, 61, 107)"


def page_of(path: Path, language: Language) -> str:
    account, org = account_of(path)
    return ExplanationPage(org.name).render(account, language)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("width", [DESK, TELEPHONE, SMALLEST])
async def test_an_explanation_can_be_read_by_everybody(chromium: Browser, language: Language, width: int) -> None:
    page = await chromium.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    found: dict[str, list[str]] = {}
    pages = {path.stem: page_of(path, language) for path in CASES if path.stem in SHOWN}

    async def answer(route: Route) -> None:
        html = pages[route.request.url.rpartition("/")[2]]
        await route.fulfill(body=html, headers={**HEADERS, "Content-Type": "text/html; charset=utf-8"})

    await page.route("http://officers.example/**", answer)
    for name in pages:
        await page.goto(f"http://officers.example/{name}")
        found[name] = await faults(page)
        assert (
            await page.eval_on_selector(".banner", "element => getComputedStyle(element).backgroundColor") == BRAND
        )  # the style is let in
        assert await page.locator("table").count() == await page.locator("caption").count() == 2
        if width != SMALLEST:
            await picture(page, f"explain-{name}-{language}-{width}")
    await page.close()
    assert found == {name: [] for name in sorted(SHOWN)}
    assert [url for url in asked if not url.startswith("http://officers.example/")] == []
    assert complaints == []


async def test_a_screen_reader_meets_the_days_as_a_table_on_a_telephone_too(chromium: Browser) -> None:
    page = await chromium.new_page(viewport={"width": TELEPHONE, "height": 900})
    await page.set_content(page_of(PAUSED, "en"))
    table = page.get_by_role("table").first
    assert await table.get_by_role("row").count() == 5
    assert await table.get_by_role("columnheader").all_inner_texts() == ["Day", "Counted and not counted", "Counted", "Running total"]
    assert (await table.get_by_role("row").last.inner_text()).split()[-1] == "4:30"
    await page.close()


async def test_it_prints_without_losing_its_bars_or_its_sum(chromium: Browser) -> None:
    page = await chromium.new_page(viewport={"width": 794, "height": 1123})
    await page.set_content(page_of(PAUSED, "vi"))
    await page.emulate_media(media="print")
    assert await faults(page) == []
    assert await page.locator(".bar").first.is_visible()
    assert await page.get_by_text("Tổng cộng").is_visible()
    assert not await page.locator("footer").is_visible()
    await picture(page, "explain-print")
    await page.close()
