"""The catcher through its two doors: mail in by SMTP, pages and JSON out by HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
import structlog
from aiosmtpd.smtp import Envelope

from helpdesk.catcher.chats import Chats
from helpdesk.catcher.letter import linked, read
from helpdesk.catcher.mailbox import Mailbox
from helpdesk.catcher.server import Catcher
from helpdesk.catcher.sink import TRY_AGAIN, Taker
from kit.webhooks import signed_headers

SECRET = "the-secret-of-the-demo-account"
MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    running = Catcher(tmp_path / "mail", 0, 0, clock=lambda: MORNING, logger=structlog.get_logger(), chat_secrets={"demo": [SECRET]})
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def web(catcher: Catcher) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{catcher.http_port}") as client:
        yield client


def answer(subject: str = "Mã HS của tôm đông lạnh", text: str = "Xem https://helpdesk.example/r/7K3M?t=a&b=1.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "helpdesk@customs.example", "lan@halong.example", subject
    mail.set_content(text)
    mail["Content-Language"] = "vi"
    mail.add_alternative("<p>Mã <b>0306.17</b><script>alert(1)</script></p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="tờ khai.pdf")
    return mail


async def send(catcher: Catcher, mail: EmailMessage | bytes, *to: str, sender: str = "helpdesk@customs.example") -> str:
    _, reply = await aiosmtplib.send(
        mail, hostname="127.0.0.1", port=catcher.smtp_port, sender=sender, recipients=to or ("lan@halong.example",)
    )
    return reply.rsplit(" ", 1)[-1]


async def test_a_mail_is_listed_with_its_envelope(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer(), "lan@halong.example", "ha@customs.example")
    [listed] = (await web.get("/api/messages")).json()
    assert listed == {
        "id": key,
        "at": "2026-11-23T01:30:00Z",
        "from": "helpdesk@customs.example",
        "to": ["lan@halong.example", "ha@customs.example"],
        "subject": "Mã HS của tôm đông lạnh",
        "size": listed["size"],
    }


async def test_a_mail_is_opened_with_text_html_and_attachments(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer())
    opened = (await web.get(f"/api/messages/{key}")).json()
    assert opened["text"] == "Xem https://helpdesk.example/r/7K3M?t=a&b=1.\n"
    assert "<b>0306.17</b>" in opened["html"]
    assert opened["attachments"] == [{"filename": "tờ khai.pdf", "content_type": "application/pdf", "size": 8}]
    assert ["Subject", "Mã HS của tôm đông lạnh"] in opened["headers"]


async def test_search_finds_recipients_by_a_part_of_their_address(catcher: Catcher, web: httpx.AsyncClient) -> None:
    await send(catcher, answer("one"), "Lan@halong.example")
    await send(catcher, answer("two"), "ha@customs.example")
    assert [mail["subject"] for mail in (await web.get("/api/messages", params={"to": "lan@"})).json()] == ["one"]
    assert "No mail to an address that contains" in (await web.get("/", params={"to": "<nobody>"})).text


async def test_the_newest_mail_comes_first(catcher: Catcher, web: httpx.AsyncClient) -> None:
    for subject in ("one", "two", "three"):
        await send(catcher, answer(subject))
    assert [mail["subject"] for mail in (await web.get("/api/messages", params={"limit": 2})).json()] == ["three", "two"]


async def test_an_empty_box_says_so(web: httpx.AsyncClient) -> None:
    assert "No mail yet" in (await web.get("/")).text


async def test_the_list_page_shows_the_mail_and_escapes_what_it_says(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer("<script>alert(1)</script>"))
    page = (await web.get("/")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert f'href="/messages/{key}"' in page
    assert "<script>alert" not in page


async def test_the_mail_page_escapes_text_links_addresses_and_names_the_language(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer(text="<i>x</i> https://helpdesk.example/r?a=1&b=2."))
    page = (await web.get(f"/messages/{key}")).text
    assert "&lt;i&gt;x&lt;/i&gt;" in page
    assert '<a href="https://helpdesk.example/r?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">' in page
    assert '<h1 lang="vi">' in page


async def test_the_html_part_is_shown_in_a_cage(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer())
    policy = (await web.get(f"/messages/{key}/html")).headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert 'sandbox="allow-popups' in (await web.get(f"/messages/{key}")).text


async def test_an_attachment_is_downloaded_never_shown(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer())
    found = await web.get(f"/messages/{key}/attachments/1")
    assert found.content == b"%PDF-1.7"
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"] == "attachment; filename*=UTF-8''t%E1%BB%9D%20khai.pdf"
    assert (await web.get(f"/messages/{key}/attachments/2")).status_code == 404


async def test_the_mail_can_be_read_as_it_came(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, answer())
    raw = await web.get(f"/messages/{key}/raw")
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.text.startswith("Delivered-To: lan@halong.example\r\nReturn-Path: <helpdesk@customs.example>\r\nFrom: ")
    automatic = await send(catcher, answer(), sender="")
    assert "\r\nReturn-Path: <>\r\n" in (await web.get(f"/messages/{automatic}/raw")).text


async def test_mails_survive_a_restart(catcher: Catcher, tmp_path: Path) -> None:
    key = await send(catcher, answer())
    reopened = Mailbox(tmp_path / "mail")
    reopened.open()
    assert reopened.find(key) == catcher.mailbox.find(key)


async def test_everything_can_be_thrown_away(catcher: Catcher, web: httpx.AsyncClient, tmp_path: Path) -> None:
    await send(catcher, answer())
    assert (await web.delete("/api/messages")).json() == {"deleted": 1}
    assert (await web.get("/api/messages")).json() == []
    assert list((tmp_path / "mail").iterdir()) == []


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, keep=2)
    box.open()
    for minute in range(3):
        await box.add(b"Subject: %d\r\n\r\n" % minute, "", ["lan@halong.example"], MORNING + timedelta(minutes=minute))
    assert [caught.subject for caught in box.newest()] == ["2", "1"]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "path", ["/messages/none", "/api/messages/none", "/messages/..%2F..%2Fetc", "/messages/none/html", "/messages/none/raw"]
)
async def test_an_unknown_mail_is_not_found(web: httpx.AsyncClient, path: str) -> None:
    assert (await web.get(path)).status_code == 404


async def test_a_limit_that_is_no_number_is_refused_with_the_reason(web: httpx.AsyncClient) -> None:
    refused = await web.get("/api/messages", params={"limit": "many"})
    assert (refused.status_code, refused.json()["detail"]) == (422, "`limit` must be a whole number.")


async def test_a_line_of_sixty_thousand_octets_is_taken(catcher: Catcher, web: httpx.AsyncClient) -> None:
    key = await send(catcher, b"Subject: long\r\n\r\n" + b"x" * 60_000 + b"\r\n")
    assert len((await web.get(f"/api/messages/{key}")).json()["text"]) == 60_001


async def test_a_disk_that_refuses_is_a_temporary_failure_for_the_sender(tmp_path: Path) -> None:
    never_opened = Mailbox(tmp_path / "missing")
    taker = Taker(never_opened, lambda: MORNING, structlog.get_logger())
    envelope = Envelope()
    envelope.content, envelope.rcpt_tos = b"Subject: x\r\n\r\n", ["lan@halong.example"]
    with pytest.raises(OSError, match="missing") as failure:
        await never_opened.add(b"", "", envelope.rcpt_tos, MORNING)
    assert await taker.handle_exception(failure.value) == TRY_AGAIN


@pytest.mark.parametrize("kind", ["smtp", "http"])
async def test_a_taken_port_is_named_and_nothing_stays_open(catcher: Catcher, tmp_path: Path, kind: str) -> None:
    smtp, http = (catcher.smtp_port, 0) if kind == "smtp" else (0, catcher.http_port)
    second = Catcher(tmp_path / "other", smtp, http, logger=structlog.get_logger())
    with pytest.raises(OSError, match=f"port {smtp or http} on 127.0.0.1 is taken"):
        await second.start()


async def test_stopping_does_not_wait_for_a_client_that_keeps_its_connection(tmp_path: Path) -> None:
    running = Catcher(tmp_path, 0, 0, logger=structlog.get_logger())
    await running.start()
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.smtp_port)
    await client.connect()
    await running.stop()
    client.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: =?unknown-charset?b?/w==?=\r\n\r\n\xff",
        b"Content-Type: text/plain; charset=martian\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=missing\r\n\r\nno parts",
        b"From: <>>@[\r\nTo: a@b, ,;;\r\nContent-Disposition: attachment; filename*=''\r\n\r\nx",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
    ],
)
def test_a_broken_mail_can_still_be_read(raw: bytes) -> None:
    assert read(raw).headers is not None


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("(http://a.example/x?y=1&z=2)", ["http://a.example/x?y=1&z=2"]),
        ("javascript:alert(1) ftp://a.example", []),
        ("<https://a.example/>", ["https://a.example/"]),
    ],
)
def test_only_web_addresses_become_links(text: str, links: list[str]) -> None:
    pieces = list(linked(text))
    assert [piece for piece, is_link in pieces if is_link] == links
    assert "".join(piece for piece, _ in pieces) == text


async def post(web: httpx.AsyncClient, text: str, *, secret: str = SECRET, account: str = "demo") -> httpx.Response:
    raw = json.dumps({"conversation": "phòng 7", "reference": "HD-AAA-BBB-CCC", "text": text}).encode()
    return await web.post(f"/chat/{account}", content=raw, headers=signed_headers(secret, "delivery-1", MORNING, raw))


async def test_an_answer_in_a_chat_is_shown_beside_the_mails_once(catcher: Catcher, web: httpx.AsyncClient, tmp_path: Path) -> None:
    before = (await web.get("/api/newest")).json()
    assert [(await post(web, "<b>Đã</b> duyệt")).status_code for _ in range(2)] == [204, 409]
    [said] = (await web.get("/api/chats")).json()
    assert (said["account"], said["conversation"], said["text"]) == ("demo", "phòng 7", "<b>Đã</b> duyệt")
    page = (await web.get("/")).text
    assert "phòng 7" in page
    assert "&lt;b&gt;Đã&lt;/b&gt; duyệt" in page
    assert (await web.get("/api/newest")).json() != before
    reopened = Chats(tmp_path / "mail", {})
    reopened.open()
    assert reopened.newest() == catcher.chats.newest()
    assert (await web.delete("/api/chats")).json() == {"deleted": 1}
    assert list((tmp_path / "mail").iterdir()) == []


async def test_what_the_account_has_not_signed_is_not_believed(web: httpx.AsyncClient) -> None:
    assert (await post(web, "x", secret="another-secret-altogether")).status_code == 401
    assert (await post(web, "x", account="nobody")).status_code == 404
    raw = b"[]"
    assert (await web.post("/chat/demo", content=raw, headers=signed_headers(SECRET, "a", MORNING, raw))).status_code == 400
    assert (await web.post("/chat/demo", content=b"x" * 1_000_001)).status_code == 413
    assert (await web.get("/api/chats")).json() == []
