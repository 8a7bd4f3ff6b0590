"""The form, as people meet it in a browser."""

import pytest
from playwright.async_api import Page

from kit.mongo import Mongo
from tests.browser.conftest import NOWHERE, MakeVisitor, is_ready
from tests.browser.visiting import REFERENCE, WORDS, attach, fill_in, picture, send
from tests.support.intake_running import RunningIntake, intake_settings, load_organisation, running_intake
from tests.support.servers import MongoFactory
from tests.support.waiting import wait_until

TITLES = {"vi": "Gửi vướng mắc của doanh nghiệp", "en": "Tell us about your difficulty"}
RECEIVED = {"vi": "Đã nhận được yêu cầu", "en": "We have your request"}
LANGUAGES = pytest.mark.parametrize("language", ["vi", "en"])
STOPS = (
    "topic",
    "unit",
    "subject",
    "text",
    "attachments",
    "business-name",
    "business-tax_code",
    "contact-name",
    "contact-email",
    "contact-phone",
)


async def focused(page: Page) -> str:
    """Id of the element that has the focus, else its words."""
    here = page.locator(":focus")
    return await here.get_attribute("id") or (await here.inner_text()).strip()


@LANGUAGES
async def test_the_form_speaks_the_language_of_the_browser(visitor: MakeVisitor, language: str) -> None:
    page = await visitor(language)
    await page.goto("/")
    assert await page.inner_text("h1") == TITLES[language]
    assert await page.get_attribute("html", "lang") == language
    assert (await page.title()).startswith(TITLES[language])


async def test_the_language_that_was_chosen_stays_through_mistakes_and_receipt(visitor: MakeVisitor) -> None:
    page = await visitor("vi")
    await page.goto("/")
    await page.click("text=English")
    assert await page.inner_text("h1") == TITLES["en"]
    await send(page)
    assert "There is a problem" in await page.inner_text(".summary")
    await fill_in(page)
    await send(page)
    assert await page.inner_text("h1") == RECEIVED["en"]
    await page.click("text=Tiếng Việt")
    assert await page.inner_text("h1") == RECEIVED["vi"]
    await page.goto("/")
    assert await page.inner_text("h1") == TITLES["vi"]


async def test_a_request_can_be_sent_with_the_keyboard_alone(visitor: MakeVisitor) -> None:
    page = await visitor("en")
    page.on("filechooser", lambda _: None)  # at once: catching begins late, and a key pressed before opens nothing
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to main content"
    await page.keyboard.press("Enter")
    typed = {"text": WORDS, "business-name": "Công ty Thử", "contact-email": "lan@company.example"}
    for stop in STOPS:
        await page.keyboard.press("Tab")
        assert await focused(page) == stop
        assert await page.locator(":focus").evaluate("field => getComputedStyle(field).outlineStyle") == "solid"
        if stop == "topic":
            await page.keyboard.press("ArrowDown")
        elif stop == "attachments":
            async with page.expect_file_chooser() as chooser:
                await page.keyboard.press("Space")
            await (await chooser.value).set_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"one page"})
        else:
            await page.keyboard.insert_text(typed.get(stop, ""))
    await page.keyboard.press("Tab")
    assert await focused(page) == "Send the request"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/received?k=*")
    assert await page.inner_text("h1") == RECEIVED["en"]


@pytest.mark.parametrize(("language", "title"), [("vi", "Lỗi: "), ("en", "Error: ")])
@pytest.mark.parametrize("scripts", [True, False])
async def test_what_is_missing_is_listed_in_focus_and_each_line_leads_to_its_field(
    visitor: MakeVisitor, language: str, title: str, scripts: bool
) -> None:
    page = await visitor(language, java_script_enabled=scripts)
    await page.goto("/")
    await page.fill("#subject", "Trị giá lô hàng <b>")
    await send(page)
    assert (await page.title()).startswith(title)
    assert await page.locator(".summary:focus").count() == 1
    links = page.locator(".summary a")
    assert [await link.get_attribute("href") for link in await links.all()] == ["#topic", "#text", "#business-name", "#contact-email"]
    for link in await links.all():
        await link.click()
        target = (await link.get_attribute("href") or "")[1:]
        assert await focused(page) == target
        assert await page.get_attribute(f"#{target}", "aria-invalid") == "true"
        assert await link.inner_text() in await page.inner_text(f"#{target}-error")
    assert await page.input_value("#subject") == "Trị giá lô hàng <b>"
    await picture(page, f"form-mistakes-{language}")


async def test_what_was_typed_and_chosen_survives_a_mistake_and_the_files_are_asked_for_again(visitor: MakeVisitor) -> None:
    page = await visitor("en")
    await page.goto("/")
    await fill_in(page, contact_email="lan@company")
    await page.select_option("#unit", "hon-gai-seaport")
    chosen = await page.input_value("#topic")
    await attach(page, "tờ khai.pdf")
    await send(page)
    assert "correct format" in await page.inner_text("#contact-email-error")
    assert [await page.input_value(field) for field in ("#topic", "#unit", "#contact-email")] == [chosen, "hon-gai-seaport", "lan@company"]
    assert await page.input_value("#text") == WORDS
    assert "choose them again" in await page.inner_text("#attachments-again")
    await page.fill("#contact-email", "lan@company.example")
    await send(page)
    assert await page.inner_text("h1") == RECEIVED["en"]


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False])
async def test_a_request_with_a_file_gets_a_reference_and_reloading_sends_nothing_again(
    visitor: MakeVisitor, intake: RunningIntake, language: str, scripts: bool
) -> None:
    page = await visitor(language, java_script_enabled=scripts)
    await page.goto("/")
    await fill_in(page)
    await attach(page, "tờ khai.pdf")
    await send(page)
    assert await page.inner_text("h1") == RECEIVED[language]
    reference = await page.inner_text(".reference")
    assert REFERENCE.fullmatch(reference)
    await page.reload()
    assert await page.inner_text(".reference") == reference
    assert await submissions(intake, reference=reference) == 1
    await page.click(".address a")
    assert reference in await page.inner_text("h1")
    assert "Lô tôm đông lạnh" in await page.inner_text(".timeline")


async def test_the_field_for_robots_is_seen_heard_and_reached_by_nobody(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("en")
    await page.goto("/")
    box = await page.locator("#website").bounding_box()
    assert box is None or box["x"] + box["width"] < 0
    tree = await page.locator("body").aria_snapshot()
    assert "Leave this empty" not in tree
    assert "Telephone number" in tree
    assert await page.get_attribute("#website", "tabindex") == "-1"
    assert await page.get_attribute("#website", "autocomplete") == "off"
    await fill_in(page)
    await page.evaluate("document.querySelector('#website').value = 'https://spam.example'")
    await send(page)
    assert await page.inner_text("h1") == RECEIVED["en"]
    assert await submissions(intake, reference=await page.inner_text(".reference")) == 0


async def test_pressing_the_button_twice_is_one_request(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("en")
    await page.goto("/")
    await fill_in(page, subject="Pressed twice")
    await page.dblclick("main button[type=submit]")
    await page.wait_for_url("**/received?k=*")
    assert await submissions(intake, subject="Pressed twice") == 1


async def test_with_the_database_away_nothing_typed_is_lost_and_sending_it_again_is_the_same_form(
    visitor: MakeVisitor, own_mongo: MongoFactory
) -> None:
    mongo = await own_mongo()
    settings = intake_settings(NOWHERE, mongo.uri)
    await load_organisation(settings)
    with running_intake(settings, roles=("web",)) as intake:
        await wait_until(lambda: is_ready(intake.url), "intake is ready")
        page = await visitor("en", base_url=intake.url)
        await page.goto("/")
        form_id = await page.get_attribute("[name=submission_id]", "value")
        await fill_in(page)
        await mongo.stop()
        await send(page)
        assert await page.inner_text("h1") == "The service is not available right now"
        await picture(page, "unavailable-en")
        await mongo.start()
        await wait_until(lambda: is_ready(intake.url), "intake is ready again")
        await page.go_back()
        assert await page.input_value("#text") == WORDS
        assert await page.get_attribute("[name=submission_id]", "value") == form_id
        await send(page)
        assert await page.inner_text("h1") == RECEIVED["en"]


async def test_a_new_visit_is_a_new_form(visitor: MakeVisitor) -> None:
    page = await visitor("en")
    ids = []
    for _ in range(2):
        await page.goto("/")
        ids.append(await page.get_attribute("[name=submission_id]", "value"))
    assert len(set(ids)) == 2


async def submissions(intake: RunningIntake, **query: str) -> int:
    """How many requests of that reference or subject were kept."""
    mongo = Mongo(intake.settings.mongodb_uri.get_secret_value())
    database = mongo.database(f"{intake.settings.mongodb_database_prefix}_intake")
    count = int(await database["conversations"].count_documents(query))
    await mongo.close()
    return count
