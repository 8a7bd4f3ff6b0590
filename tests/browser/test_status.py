"""The status page: where a request stands, for whoever holds the link."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from kit.links import read_token, status_url
from tests.browser.conftest import MakeVisitor
from tests.browser.visiting import PDF, REFERENCE, ask, attach, fill_in, happen, picture, send
from tests.support.intake_running import RunningIntake

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_the_status_page_tells_group_deadlines_and_answers_in_both_languages(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("vi")
    address = await ask(page)
    await page.goto(address)
    assert "Đã tiếp nhận" in await page.inner_text(".tag")
    await happen(intake.settings, reference_of(address), "ticket_opened", "ticket_claimed", "answer_given")
    await page.reload()
    words = await page.inner_text("main")
    for said in ("Hải quan cửa khẩu cảng Hòn Gai", "Chậm nhất", "Trả lời", "Lô tôm đông lạnh"):
        assert said in words
    await picture(page, "status-vi")
    await page.click("text=English")
    words = await page.inner_text("main")
    for said in ("Hon Gai Seaport Customs", "First answer", "Answer"):
        assert said in words
    await picture(page, "status-en")


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_file_of_the_request_can_be_fetched_again(visitor: MakeVisitor, intake: RunningIntake, scripts: bool) -> None:
    page = await visitor("vi", java_script_enabled=scripts)
    await page.goto("/")
    await fill_in(page)
    await attach(page, "tờ khai 105.pdf")
    await send(page)
    await page.click(".address a")
    await happen(intake.settings, reference_of(page.url), "ticket_opened")
    await page.goto(page.url)
    async with page.expect_download() as started:
        await page.click(".files a")
    download = await started.value
    assert download.suggested_filename == "tờ khai 105.pdf"
    assert (await download.path()).read_bytes() == PDF


@pytest.mark.parametrize("scripts", [True, False])
async def test_something_can_be_added_and_is_shown_once_routing_has_it(visitor: MakeVisitor, intake: RunningIntake, scripts: bool) -> None:
    page = await visitor("en", java_script_enabled=scripts)
    address = await ask(page)
    await page.goto(address)
    await send(page)
    assert (await page.title()).startswith("Error: ")
    assert await page.locator(".summary:focus").count() == 1
    assert "Write your message" in await page.inner_text("#text-error")
    await page.fill("#text", "Here is the declaration.")
    await attach(page, "declaration.pdf")
    await send(page)
    assert "We have your message" in await page.inner_text("[role=status]")
    assert await page.input_value("#text") == ""
    await page.reload()
    await happen(intake.settings, reference_of(address), "ticket_opened", "business_replied")
    await page.goto(address)
    assert await page.locator(".timeline > li").count() == 2


@pytest.mark.parametrize(("language", "says"), [("vi", "Đường dẫn đã hết hạn"), ("en", "This link has expired")])
async def test_an_expired_link_says_so_and_what_to_do(visitor: MakeVisitor, intake: RunningIntake, language: str, says: str) -> None:
    page = await visitor(language)
    response = await page.goto(expired(intake, await ask(page)))
    assert response is not None
    assert response.status == 410
    assert await page.inner_text("h1") == says
    assert await page.locator("main a").count() == 1
    await picture(page, f"expired-{language}")


@pytest.mark.parametrize(("language", "says"), [("vi", "Đường dẫn không hợp lệ"), ("en", "This link is not valid")])
async def test_a_link_that_was_torn_or_changed_shows_nothing_of_the_request(visitor: MakeVisitor, language: str, says: str) -> None:
    page = await visitor(language)
    address, _, language_kept = (await ask(page)).rpartition("&lang=")
    assert language_kept == language
    torn = [address[:-1], address.partition("?")[0], address[:-8] + "aaaaaaaa", address.replace("HD-", "XX-")]
    for link in torn:
        response = await page.goto(link)
        assert response is not None
        assert response.status == 404
        assert await page.inner_text("h1") == says
        assert "Lô tôm" not in await page.inner_text("body")
    await page.click("main a")
    assert await page.locator("#form").count() == 1


def reference_of(address: str) -> str:
    found = REFERENCE.search(address)
    assert found is not None
    return found[0]


def expired(intake: RunningIntake, address: str) -> str:
    """The link as it would be had it been made long ago."""
    (secret,) = intake.settings.secrets()
    ticket_id = read_token(secret, parse_qs(urlsplit(address).query)["k"][0], LONG_AGO)
    return status_url(intake.url, secret, reference_of(address), ticket_id, LONG_AGO)
