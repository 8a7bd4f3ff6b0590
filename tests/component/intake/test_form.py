"""The form and the status page as a browser uses them, without JavaScript."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from kit.ids import new_id
from kit.organisation import OrganisationStore
from schemas.requests import MessageReceived, RequestReceived
from services.intake.browsers import ForBrowsers, current_pages
from services.intake.domain.files import MEGABYTE
from services.intake.pages.headers import SECURITY_HEADERS
from tests.component.intake.conftest import Intake

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "vi"}
PDF = b"%PDF-1.7\n" + b"x" * 200


def typed(**changes: str) -> dict[str, str]:
    values = {
        "submission_id": new_id(),
        "topic": "tax",
        "text": "Tờ khai bị phân luồng đỏ.",
        "business.name": "Công ty <Thử>",
        "contact.phone": "0912 345 678",
        "language": "vi",
        "website": "",
    }
    return values | {name.replace("__", "."): value for name, value in changes.items()}


async def post(intake: Intake, values: dict[str, str], files: Any = (("attachments", ("", b"")),), path: str = "/") -> httpx.Response:
    return await intake.http.post(path, data=values, files=list(files), headers=BROWSER)


async def get(intake: Intake, path: str, **headers: str) -> httpx.Response:
    return await intake.http.get(path, headers=BROWSER | headers)


async def opened(intake: Intake, **changes: str) -> str:
    """Send the form; the address of the status page."""
    response = await post(intake, typed(**changes))
    assert response.status_code == 303
    return response.headers["location"].replace("/received", "")


def assert_a_page(response: httpx.Response, status: int) -> None:
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value


async def test_the_form_is_shown_in_the_language_chosen_and_remembers_it(intake: Intake) -> None:
    first = await get(intake, "/")
    assert_a_page(first, 200)
    assert "Gửi vướng mắc" in first.text
    chosen = await get(intake, "/?lang=en")
    assert 'lang="en"' in chosen.text
    assert "lang=en" in chosen.headers["set-cookie"]
    assert "SameSite=lax" in chosen.headers["set-cookie"]
    remembered = await get(intake, "/", Cookie="lang=en")
    assert "Tell us about your difficulty" in remembered.text


async def test_the_style_sheet_is_served(intake: Intake) -> None:
    form = await get(intake, "/")
    address = re.search(r'href="(/static/[^"]+\.css[^"]*)"', form.text)
    assert address is not None
    sheet = await get(intake, address[1])
    assert (sheet.status_code, sheet.headers["content-type"].partition(";")[0]) == (200, "text/css")


async def test_a_form_that_was_sent_leads_to_the_page_that_says_so(intake: Intake) -> None:
    values = typed(contact__email="lan@company.example")
    response = await post(intake, values, [("attachments", ("tờ khai.pdf", PDF)), ("attachments", ("tờ khai.pdf", PDF + b"2"))])
    assert response.status_code == 303
    received = await get(intake, response.headers["location"])
    assert_a_page(received, 200)
    assert received.headers["cache-control"] == "no-store"
    reference = urlsplit(response.headers["location"]).path.split("/")[2]
    assert reference in received.text
    (submission,) = await intake.database["submissions"].find({"_id": f"form:{values['submission_id']}"}).to_list(None)
    (entry,) = await intake.journalled(submission["ticket_id"])
    event = RequestReceived.model_validate_json(entry["body"])
    assert (event.channel, event.reference, event.business.name) == ("form", reference, "Công ty <Thử>")
    assert [file.filename for file in event.attachments] == ["tờ khai.pdf", "tờ khai (2).pdf"]
    assert [await intake.desk.files.fetch(event.ticket_id, file.id) is not None for file in event.attachments] == [True, True]


async def test_a_form_sent_twice_is_one_request(intake: Intake) -> None:
    values = typed()
    first, second = await post(intake, values), await post(intake, values)
    assert first.headers["location"] == second.headers["location"]


async def test_a_form_sent_again_with_other_words_is_a_conflict_that_says_what_to_do(intake: Intake) -> None:
    values = typed()
    await post(intake, values)
    response = await post(intake, values | {"text": "Khác"})
    assert_a_page(response, 409)
    assert "mở biểu mẫu mới" in response.text


async def test_a_form_with_mistakes_comes_back_filled_in_with_all_of_them(intake: Intake) -> None:
    values = typed(topic="", business__name="", contact__phone="12", text="Nội dung <b>giữ lại</b>", language="en")
    response = await post(intake, values, [("attachments", ("anh.png", PDF))])
    assert_a_page(response, 422)
    for said in ("There is a problem", "#topic", "#business-name", "#contact-phone", "#attachments", "a PDF document"):
        assert said in response.text
    assert "Nội dung &lt;b&gt;giữ lại&lt;/b&gt;" in response.text
    assert values["submission_id"] in response.text
    assert await intake.count("submissions", {"_id": f"form:{values['submission_id']}"}) == 0


@pytest.mark.parametrize("submission_id", ["", "17", "../../x"])
async def test_a_form_without_its_id_comes_back_with_a_new_one(intake: Intake, submission_id: str) -> None:
    response = await post(intake, typed(submission_id=submission_id))
    assert_a_page(response, 422)
    assert re.search(r'name="submission_id" value="[0-9a-f-]{36}"', response.text)


@pytest.mark.parametrize(("language", "says"), [("vi", "Biểu mẫu đã quá cũ"), ("en", "This form is out of date")])
async def test_a_form_without_its_id_is_told_everything_else_that_is_wrong_and_keeps_what_was_typed(
    intake: Intake, language: str, says: str
) -> None:
    values = typed(submission_id="", language=language, topic="", contact__phone="12", text="Nội dung giữ lại")
    response = await post(intake, values, [("attachments", ("lớn.pdf", PDF + bytes(11 * MEGABYTE)))])
    assert_a_page(response, 422)
    for said in (says, 'href="#topic"', 'href="#contact-phone"', 'href="#attachments"', "“lớn.pdf”", "Nội dung giữ lại"):
        assert said in response.text
    again = re.search(r'name="submission_id" value="([0-9a-f-]{36})"', response.text)
    assert again is not None
    assert (await post(intake, typed(submission_id=again[1]))).status_code == 303


async def test_a_form_that_was_cut_off_is_not_accepted_without_the_files_that_were_to_follow(intake: Intake) -> None:
    values = typed(language="en", text="Typed before")
    body, kind = multipart(values, "attachments", b"%PDF")
    response = await intake.http.post("/", content=body.removesuffix(b"\r\n--b--\r\n"), headers=BROWSER | {"Content-Type": kind})
    assert_a_page(response, 422)
    assert "Not all of the form arrived" in response.text
    assert "Typed before" in response.text
    assert "out of date" not in response.text
    assert await intake.count("submissions", {"_id": f"form:{values['submission_id']}"}) == 0


async def test_a_form_that_was_cut_off_early_is_told_what_is_missing(intake: Intake) -> None:
    body, kind = multipart({"language": "vi", "text": "Nội dung giữ lại"}, "topic", b"tax")
    response = await intake.http.post("/", content=body.removesuffix(b"\r\n--b--\r\n"), headers=BROWSER | {"Content-Type": kind})
    assert_a_page(response, 422)
    for said in ("Biểu mẫu không đến đầy đủ", 'href="#topic"', 'href="#business-name"', "Nội dung giữ lại"):
        assert said in response.text


async def test_the_language_of_the_form_is_kept_on_every_page_after_it_without_a_cookie(intake: Intake) -> None:
    sent = await post(intake, typed(language="en"))
    received = await get(intake, sent.headers["location"])
    intake.http.cookies.clear()
    assert '<html lang="en">' in received.text
    link = re.search(r'class="address"><a href="([^"]+)">([^<]+)<', received.text)
    assert link is not None
    assert "lang" not in link[2], "what is copied is only the link"
    status = await get(intake, link[1].replace("&amp;", "&"))
    intake.http.cookies.clear()
    assert '<html lang="en">' in status.text
    action = re.search(r'action="(/requests/[^"]+)"', status.text)
    assert action is not None
    path = action[1].replace("&amp;", "&")
    too_much = await intake.http.post(path, content=b"x", headers=BROWSER | {"Content-Length": "99000000", "Content-Type": "text/plain"})
    assert '<html lang="en">' in too_much.text
    said = await post(intake, {"submission_id": new_id(), "text": "More", "language": "en"}, path=path)
    assert '<html lang="en">' in (await get(intake, said.headers["location"])).text


async def test_who_reads_neither_language_at_home_sees_the_page_in_the_one_they_wrote_in(intake: Intake) -> None:
    address = (await opened(intake, language="en")).replace("&lang=en", "")  # as it stands in the mail
    intake.http.cookies.clear()
    for header, language in (("ko-KR,ko;q=0.9", "en"), ("", "en"), ("vi", "vi")):
        assert f'<html lang="{language}">' in (await get(intake, address, **{"Accept-Language": header})).text


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_what_is_too_large_is_said_in_the_language_of_the_form(intake: Intake, language: str) -> None:
    form = await get(intake, f"/?lang={language}")
    intake.http.cookies.clear()
    action = re.search(r'<form id="form" method="post" action="([^"]+)"', form.text)
    assert action is not None
    response = await intake.http.post(
        action[1], content=b"x", headers=BROWSER | {"Content-Length": "99000000", "Content-Type": "text/plain"}
    )
    assert f'<html lang="{language}">' in response.text


async def test_what_a_robot_sends_looks_received_and_is_not_kept(intake: Intake) -> None:
    before = await intake.count("submissions")
    response = await post(intake, typed(website="https://buy.example", language="en"))
    assert response.status_code == 303
    assert response.headers["location"].endswith("&lang=en")
    assert_a_page(await get(intake, response.headers["location"]), 200)
    assert await intake.count("submissions") == before


async def test_files_that_are_too_large_together_are_refused_beside_the_field(intake: Intake) -> None:
    files = [("attachments", (f"{n}.pdf", PDF + bytes(9 * MEGABYTE))) for n in range(2)] + [("attachments", ("z.pdf", bytes(8 * MEGABYTE)))]
    response = await post(intake, typed(), files)
    assert_a_page(response, 422)
    assert "tối đa 25 MB" in response.text


async def test_far_too_much_is_a_page_that_says_so(intake: Intake) -> None:
    for length in (28_500_000, 99_000_000):
        response = await intake.http.post(
            "/", content=b"x", headers=BROWSER | {"Content-Length": str(length), "Content-Type": "multipart/form-data; boundary=x"}
        )
        assert_a_page(response, 413)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("multipart/form-data; boundary=x", b"\x00" * 100),
    ],
)
async def test_a_form_that_cannot_be_read_is_no_error_of_ours(intake: Intake, content_type: str, content: bytes) -> None:
    response = await intake.http.post("/", content=content, headers=BROWSER | {"Content-Type": content_type})
    assert response.status_code in {400, 422}
    assert response.headers["content-type"].startswith("text/html")


async def test_the_status_page_shows_the_request_and_takes_more_words(intake: Intake) -> None:
    address = await opened(intake)
    page = await get(intake, address)
    assert_a_page(page, 200)
    assert "Tờ khai bị phân luồng đỏ." in page.text
    action = re.search(r'action="(/requests/[^"]+/messages[^"]*)"', page.text)
    assert action is not None
    path = action[1].replace("&amp;", "&")
    values = {"submission_id": new_id(), "text": "Bổ sung tài liệu", "language": "vi"}
    said = await post(intake, values, [("attachments", ("them.pdf", PDF))], path)
    again = await post(intake, values, [("attachments", ("them.pdf", PDF))], path)
    assert (said.status_code, again.headers["location"]) == (303, said.headers["location"])
    assert_a_page(await get(intake, said.headers["location"]), 200)
    reference = urlsplit(address).path.rpartition("/")[2]
    conversation = await intake.database["conversations"].find_one({"reference": reference})
    assert conversation is not None
    _, entry = await intake.journalled(conversation["_id"])
    event = MessageReceived.model_validate_json(entry["body"])
    assert (event.channel, event.text, event.attachments[0].filename) == ("form", "Bổ sung tài liệu", "them.pdf")


async def test_an_empty_follow_up_comes_back_with_what_is_missing(intake: Intake) -> None:
    address = urlsplit(await opened(intake))
    response = await post(intake, {"submission_id": new_id(), "text": " "}, path=f"{address.path}/messages?{address.query}")
    assert_a_page(response, 422)
    assert "Vui lòng nhập nội dung" in response.text


async def test_a_wrong_link_is_a_page_that_tells_nothing_about_the_reference(intake: Intake) -> None:
    address = urlsplit(await opened(intake))
    real, unknown = await get(intake, f"{address.path}?k=wrong"), await get(intake, "/requests/HD-222-222-222?k=wrong")
    foreign = await get(intake, f"{urlsplit(await opened(intake)).path}?{address.query}")
    for response in (real, unknown, foreign):
        assert_a_page(response, 404)
    assert real.text == unknown.text == foreign.text


async def test_an_expired_link_is_a_page_that_says_how_to_go_on(intake: Intake) -> None:
    address = await opened(intake)
    intake.clock.advance(timedelta(days=91))
    response = await get(intake, address)
    assert_a_page(response, 410)
    assert "thư gần nhất" in response.text
    assert_a_page(await get(intake, "/files/x?" + urlsplit(address).query), 410)


async def test_an_address_that_is_not_there_is_a_page_for_people_and_json_for_programs(intake: Intake) -> None:
    assert_a_page(await get(intake, "/nowhere"), 404)
    assert (await get(intake, "/api/v1/nowhere")).headers["content-type"] == "application/problem+json"
    assert (await intake.http.get("/nowhere")).headers["content-type"] == "application/problem+json"


async def test_out_of_service_is_a_page_with_the_time_to_come_again(intake: Intake) -> None:
    async def away(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"5"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    app = ForBrowsers(away, current_pages(OrganisationStore(intake.database)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        response = await client.get("/", headers=BROWSER)
    assert_a_page(response, 503)
    assert response.headers["retry-after"] == "5"


def urlencoded(values: dict[str, str], field: str, content: bytes) -> tuple[bytes, str]:
    return urlencode(values | {field: content}).encode(), "application/x-www-form-urlencoded"


def multipart(values: dict[str, str], field: str, content: bytes) -> tuple[bytes, str]:
    head = '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    parts = [(head % name).encode() + value for name, value in ({n: v.encode() for n, v in values.items()} | {field: content}).items()]
    return b"\r\n".join([*parts, b"--b--\r\n"]), "multipart/form-data; boundary=b"


@pytest.mark.parametrize("written", [urlencoded, multipart])
@pytest.mark.parametrize("field", ["text", "business.name"])
async def test_a_field_that_is_no_utf8_is_refused_at_that_field_and_nothing_is_kept(intake: Intake, written: Any, field: str) -> None:
    values = typed()
    body, kind = written(values, field, "Thuế".encode("cp1258", "replace") + b"\xff")
    response = await intake.http.post("/", content=body, headers=BROWSER | {"Content-Type": kind})
    assert response.status_code == 422
    assert "Nội dung này không phải UTF-8" in response.text
    assert f'href="#{field.replace(".", "-")}"' in response.text
    body, kind = written(values, field, "Công ty é Đặng".encode())
    assert (await intake.http.post("/", content=body, headers=BROWSER | {"Content-Type": kind})).status_code == 303


async def test_switching_the_language_of_a_form_with_mistakes_keeps_what_was_typed_and_sends_nothing(intake: Intake) -> None:
    values = typed(business__name="", switch="en")
    shown = await post(intake, values, path="/?lang=en")
    assert shown.status_code == 422
    assert "Enter the name of your business." in shown.text
    assert "Tờ khai bị phân luồng đỏ." in shown.text
    assert shown.cookies["lang"] == "en"
    right = await post(intake, typed(switch="en", submission_id=values["submission_id"]), path="/?lang=en")
    assert (right.status_code, "summary" in right.text) == (422, False)
    key = {"_id": f"form:{values['submission_id']}"}
    assert await intake.count("submissions", key) == 0
    assert (await post(intake, typed(submission_id=values["submission_id"]))).status_code == 303
    assert await intake.count("submissions", key) == 1


async def test_a_page_that_is_not_there_can_be_read_in_the_other_language(intake: Intake) -> None:
    assert 'href="?x=1&amp;lang=en"' in (await get(intake, "/nowhere?x=1&lang=vi")).text
    assert 'class="switch"' not in (await intake.http.post("/nowhere", headers=BROWSER)).text
