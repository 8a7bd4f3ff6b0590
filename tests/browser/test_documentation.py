"""The API's description as a page: everything it needs comes from here, and its own policy lets it work."""

from playwright.async_api import expect

from tests.browser.conftest import MakeVisitor
from tests.support.intake_running import RunningIntake


async def test_the_documentation_works_without_the_internet(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/docs")
    await expect(page.get_by_text("/api/v1/requests", exact=True).first).to_be_visible()
    await page.get_by_text("/api/v1/topics", exact=True).click()
    await expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    assert complaints == []
    assert [url for url in asked if not url.startswith((intake.url, "data:"))] == []
