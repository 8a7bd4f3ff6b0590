"""A mail from the door to the officer who reads it: the new text first, the whole beside it, and its HTML form harmless in any browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from kit.links import thread_id
from kit.service import Service
from schemas.requests import MessageReceived, RequestReceived, request_events
from services.intake.app import build_web
from services.intake.desk import Desk
from services.intake.mail.parsing import parse
from services.intake.status import Conversations, Links
from services.intake.storing import FileStore
from tests.component.routing.conftest import PUBLIC_URL, SECRET, Answer, Routing
from tests.support import mailroom
from tests.support.mailroom import HON_GAI, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer

SAMPLES = Path(__file__).parents[2] / "data" / "mail"

EVIL = """\
<p onclick="alert(1)">Bảng kê:</p>
<table><tr><td>Tờ khai</td><td>105</td></tr></table>
<script>alert(2)</script>
<img src="x" onerror="alert(3)">
<img src="https://theo-doi.example/pixel.gif" alt="logo">
<img src="cid:anh1" alt="ảnh chụp">
<a href="javascript:alert(4)">bấm vào đây</a>
<a href="https://anbinh.example/bang-ke">bảng kê</a>
<form action="https://xau.example"><input name="password"></form>
<iframe src="https://xau.example"></iframe><link rel="stylesheet" href="https://xau.example/a.css"><base href="https://xau.example/">
<style>@import "https://xau.example/b.css";</style><p style="background:url(https://xau.example/c)">Hết.</p>
"""


@dataclass(frozen=True)
class Way:
    """Everything a mail goes through, with the events carried by hand."""

    room: Mailroom
    routing: Routing
    intake: httpx.AsyncClient

    async def read(self, content: EmailMessage | bytes) -> Answer:
        """Posted at the door, and its ticket as the officer has it then."""
        row = await self.room.deliver_and_read(content, HON_GAI)
        (*_, body) = await self.room.bodies(row["ticket_id"])
        event = request_events.validate_json(body)
        assert isinstance(event, RequestReceived | MessageReceived)
        await self.routing.handlers.on_requests([event])
        return await self.routing.get(f"/tickets/{row['ticket_id']}")

    async def message(self, content: EmailMessage | bytes) -> dict[str, Any]:
        message: dict[str, Any] = (await self.read(content)).body["messages"][-1]
        return message


@pytest.fixture(name="way")
async def _way(routing: Routing, mongo_server: MongoServer) -> AsyncIterator[Way]:
    async with open_mailroom(mongo_server.uri) as room:
        links = Links(PUBLIC_URL, (SECRET,))
        desk = Desk(room.acceptance, FileStore(room.database), room.organisation, Conversations(room.database), links, routing.clock)
        app = build_web(Service("intake", structlog.get_logger()), desk)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=PUBLIC_URL) as http:
            yield Way(room, routing, http)


def html_mail(html: str, plain: str | None = "Bảng kê ở dưới.") -> EmailMessage:
    message = mail()
    if plain is None:
        message.set_content(html, subtype="html")
    else:
        message.set_content(plain)
        message.add_alternative(html, subtype="html")
    return message


async def test_a_quote_is_cut_from_what_is_read_first_and_the_whole_stays(way: Way) -> None:
    raw = (SAMPLES / "gmail_web_vi.eml").read_bytes()
    message = await way.message(raw)
    assert message["text"] == parse(raw).text
    assert "đã viết:" in message["text"]
    assert message["new_text"].startswith("Kính gửi Quý cơ quan,")
    assert message["new_text"].endswith("khi nào lô hàng được thông quan?")
    assert message["html"] is None


async def test_an_answer_on_a_ticket_is_read_the_same_way(way: Way) -> None:
    opened = await way.read(mail())
    thread = thread_id(mailroom.SECRET, opened.body["id"], "customs.example")
    quoted = "Đã gửi bổ sung.\n\nOn Mon, Mar 3, 2025 at 9:12 AM Customs <hq@customs.example> wrote:\n\n> Xin bổ sung.\n> Hạn: thứ Sáu.\n"
    answer = await way.read(mail("Re", quoted, in_reply_to=thread))
    assert answer.body["id"] == opened.body["id"]
    first, second = answer.body["messages"]
    assert (first["new_text"], first["html"]) == (first["text"], None)
    assert (second["text"], second["new_text"]) == (quoted.strip(), "Đã gửi bổ sung.")


async def test_of_a_plain_mail_nothing_is_cut_and_nothing_is_linked(way: Way) -> None:
    message = await way.message(mail())
    assert (message["new_text"], message["text"], message["html"]) == (message["text"], "Chúng tôi không rõ cách tính.", None)
    row = await way.room.database["submissions"].find_one({})
    assert row is not None
    assert "html" not in row


async def test_html_is_linked_and_harmless_where_it_is_opened(way: Way) -> None:
    linked = (await way.message(html_mail(EVIL)))["html"]
    assert (linked["filename"], linked["content_type"]) == ("thu.html", "text/html")
    shown = await way.intake.get(linked["url"])
    assert (shown.status_code, shown.headers["content-type"], len(shown.content)) == (200, "text/html; charset=utf-8", linked["size"])
    assert shown.headers["content-disposition"] == "inline"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["referrer-policy"] == "no-referrer"
    policy = {rule.split()[0]: rule.split()[1:] for rule in shown.headers["content-security-policy"].split("; ")}
    assert (policy["sandbox"], policy["default-src"], policy["img-src"]) == ([], ["'none'"], ["data:", "cid:"])
    for gone in ("alert", "onclick", "onerror", "<script", "javascript", "theo-doi", "xau.example", "<form", "<input", "<iframe", "<base"):
        assert gone not in shown.text, gone
    for kept in ("<td>105</td>", 'alt="logo"', "ảnh chụp", 'href="https://anbinh.example/bang-ke"', "bấm vào đây", "Hết."):
        assert kept in shown.text, kept


async def test_html_alone_is_linked_though_the_text_is_made_of_it(way: Way) -> None:
    message = await way.message(html_mail("<p>Xin <b>chào</b>.</p>", plain=None))
    assert message["text"] == "Xin chào."
    assert "<p>Xin <b>chào</b>.</p>" in (await way.intake.get(message["html"]["url"])).text


async def test_pictures_in_the_text_are_shown_on_the_page_and_are_attachments_beside_it(way: Way) -> None:
    message = html_mail('<p>Xem: <img src="cid:anh1"></p>')
    (_, html) = message.iter_parts()
    html.add_related(b"\x89PNG\r\n\x1a\n" + bytes(40), "image", "png", cid="<anh1>", filename="anh.png")
    read = await way.message(message)
    assert [file["filename"] for file in read["attachments"]] == ["anh.png"]
    assert '<img src="data:image/png;base64,iVBORw0KGgoAAAA' in (await way.intake.get(read["html"]["url"])).text


async def test_a_page_that_somebody_attached_is_saved_and_never_shown(way: Way) -> None:
    message = html_mail("<table><tr><td>1</td></tr></table>")
    message.add_attachment(b"<!DOCTYPE html><script>alert(1)</script>", "text", "html", filename="hoa-don.html")
    read = await way.message(message)
    (attached,) = read["attachments"]
    saved = await way.intake.get(attached["url"])
    assert (saved.status_code, saved.headers["content-type"]) == (200, "application/octet-stream")
    assert saved.headers["content-disposition"].startswith("attachment;")
    assert "thu.html" not in saved.headers["content-disposition"]


async def test_the_page_of_another_ticket_is_not_found(way: Way) -> None:
    mine, other = [(await way.message(html_mail(EVIL, plain)))["html"]["url"] for plain in ("Một.", "Hai.")]
    crossed = mine.partition("?")[0] + "?" + other.partition("?")[2]
    assert (await way.intake.get(mine)).status_code == 200
    assert (await way.intake.get(crossed)).status_code == 404


async def test_the_page_stays_when_old_files_nobody_names_are_swept(way: Way) -> None:
    url = (await way.message(html_mail(EVIL)))["html"]["url"]
    files = way.room.database["files.files"]
    (stored,) = await files.find({}).to_list(None)
    assert (stored["filename"], stored["metadata"]["content_type"]) == ("thu.html", "text/html")
    await files.update_many({}, {"$set": {"uploadDate": way.routing.clock.at.replace(year=2020)}})
    await FileStore(way.room.database).sweep(way.routing.clock.at)
    assert (await way.intake.get(url)).status_code == 200


async def test_a_message_of_an_older_release_is_read_as_all_new(way: Way) -> None:
    ticket_id = (await way.read((SAMPLES / "gmail_web_vi.eml").read_bytes())).body["id"]
    forgotten = {"message.new_text": "", "message.html": ""}
    await way.routing.database["messages"].update_many({"ticket_id": ticket_id}, {"$unset": forgotten})
    (message,) = (await way.routing.get(f"/tickets/{ticket_id}")).body["messages"]
    assert (message["new_text"], message["html"]) == (message["text"], None)


async def test_the_same_mail_again_stores_no_second_page(way: Way) -> None:
    message = html_mail(EVIL)
    await way.message(message)
    again = await way.room.deliver_and_read(message, HON_GAI)
    assert again["as"] == "duplicate"
    assert await way.room.database["files.files"].count_documents({}) == 1
