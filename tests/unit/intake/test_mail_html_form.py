"""When the HTML form of a mail is worth a page of its own, and that the page is harmless whoever wrote the mail."""

import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import Language
from services.intake.domain.request import LONGEST_TEXT
from services.intake.mail.enclosures import content_of
from services.intake.mail.html_form import page, shows_more
from services.intake.mail.markup import safe_html, text_of
from services.intake.mail.parsing import parse
from tests.support.mail_samples import OURS


@pytest.mark.parametrize(
    ("markup", "more"),
    [
        ("<p>Xin hỏi <b>thời hạn</b>?</p><ul><li>một</li></ul>", False),
        ("<table><tr><td>105</td></tr></table>", True),
        ('<img src="cid:anh1" alt="ảnh">', True),
        ('<img src="https://theo-doi.example/1.gif" alt="">', False),  # what is loaded from elsewhere is gone anyway
        ("Giá 100 <s>200</s>", True),
        ("Giá 100 <strike>200</strike>", True),
        ("Giá 100 <del>200</del>", True),
        ("<small>Giá</small> <strong>100</strong> <span>200</span>", False),
        ('<a href="https://xau.example">https://ngan-hang.example</a>', True),
        ('<a href="https://don.example/huong-dan">Hướng dẫn</a>', True),
        ('<a href="https://don.example/?a=1&amp;b=2">don.example/?a=1&amp;b=2</a>', False),
        ('<a href="https://Don.example/">https://don.example</a>', False),
        ('<a href="mailto:lan@don.example"><b>lan@</b>don.example</a>', False),
        ('<a href="https://don.example"></a>', False),
        ("&lt;table&gt; &lt;s&gt;", False),
    ],
)
def test_html_that_shows_more_than_its_own_words_by_hand(markup: str, more: bool) -> None:
    safe = safe_html(markup)
    assert shows_more(safe, f"Xin hỏi thời hạn {text_of(safe)}") is more


@pytest.mark.parametrize(
    ("markup", "plain", "more"),
    [
        ("<p>Xin hỏi <b>thời</b> hạn</p>", "Xin hỏi\n*thời* hạn", False),
        ("<h1>Xin hỏi</h1><ul><li>một<li>hai</ul>", "XIN HỎI\n\n * một\n * hai", False),
        ("<p>Tờ&shy;khai &nbsp;104\u200b</p>", "Tờkhai 104", False),
        ("<p>Xin hỏi gấp</p>", "Xin hỏi", True),
        ("<p>Lô A bị giữ, lô B bị giữ</p>", "Lô A bị giữ, lô B", True),
        ("<p>" + "chữ " * 60 + "</p>", "chữ", True),
    ],
)
def test_html_shows_more_as_soon_as_the_plain_text_lacks_one_of_its_words(markup: str, plain: str, more: bool) -> None:
    assert shows_more(safe_html(markup), plain) is more


def letter(subtype: str, body: str, plain: str | None = None) -> bytes:
    head = b"From: Lan <lan@anbinh.example>\nSubject: <b>x</b>\nMIME-Version: 1.0\n"
    html = f"Content-Type: text/{subtype}; charset=utf-8\n\n{body}".encode()
    if plain is None:
        return head + html
    return (
        head
        + b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n"
        + plain.encode()
        + b"\n--b\n"
        + html
        + b"\n--b--\n"
    )


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (letter("plain", "Xin chào."), None),
        (letter("html", "<p>Xin chào.</p>", plain="Xin chào."), None),
        (letter("html", "<p>Xin chào.</p>"), "<p>Xin chào.</p>"),
        (letter("html", "<p>Xin chào.</p>", plain=" "), "<p>Xin chào.</p>"),
        (letter("html", "<s>Xin chào.</s>", plain="Xin chào."), "<s>Xin chào.</s>"),
        (letter("html", "<script>x()</script> \n"), None),
        (letter("html", ""), None),
    ],
    ids=["plain", "the same in both", "no plain part", "an empty plain part", "more in HTML", "nothing but a script", "empty"],
)
def test_the_html_form_is_kept_where_there_is_no_plain_part_or_it_shows_more(raw: bytes, kept: str | None) -> None:
    assert parse(raw).html_safe == kept


WORDS = "Container TCLU1234567 bị giữ từ hôm qua, xin giải quyết gấp"


@pytest.mark.parametrize(
    ("stub", "text"),
    [
        (".", WORDS),
        ("\u200b", WORDS),
        ("[image: logo]", WORDS),
        ("Container TCLU1234567 …", WORDS),
        ("Thư này ở dạng HTML.", f"Thư này ở dạng HTML.\n\n{WORDS}"),
        ("Gấp, tờ khai 104.", f"Gấp, tờ khai 104.\n\n{WORDS}"),
        ("Nếu không đọc được thư này, hãy mở bằng một chương trình khác.", None),
    ],
)
def test_words_that_stand_in_html_alone_are_on_its_page_and_in_the_text_where_the_plain_form_is_a_stub(stub: str, text: str | None) -> None:
    read = parse(letter("html", f"<p>{WORDS}</p>", plain=stub))
    assert read.html_safe == f"<p>{WORDS}</p>"
    assert read.text == read.new_text == (text or stub)


@given(st.lists(st.sampled_from(["tôm", "giữ", "104", "."]), max_size=6), st.lists(st.sampled_from(["tôm", "giữ", "105"]), max_size=6))
def test_no_word_of_either_form_is_ever_lost(plain: list[str], shown: list[str]) -> None:
    read = parse(letter("html", f"<p>{' '.join(shown)}</p>", plain=" ".join(plain)))
    assert set(plain) - {"."} <= set(read.text.split()) | set(text_of(read.html_safe or "").split())
    assert not Counter(shown) - Counter(read.text.split()) or read.html_safe is not None
    assert read.html_safe is None or plain != shown or not read.text


def test_two_mails_of_one_form_that_differ_in_html_alone_are_two() -> None:
    head = b"Message-ID: <form@anbinh.example>\nDate: Mon, 3 Mar 2025 02:00:00 +0000\n"
    one, same, other = (parse(head + letter("html", f"<td>{words}</td>", plain="Chỉ có HTML.")) for words in ("tôm", "<b>tôm</b>", "cá"))
    assert one.text == other.text
    assert one.content_hash == same.content_hash != other.content_hash


FILLED = "Tên: Lan. Câu hỏi về thuế nhập khẩu máy bơm nước cho nhà máy mới ở Hải Phòng"


@pytest.mark.parametrize("around", ["form", "object", "iframe"])
def test_words_that_stand_in_a_form_or_a_frame_alone_are_on_the_page_and_tell_two_mails_apart(around: str) -> None:
    head = b"Message-ID: <form@anbinh.example>\nDate: Mon, 3 Mar 2025 02:00:00 +0000\n"
    one, other = (parse(head + letter("html", f"<p>{FILLED}</p><{around}>Mã HS {code}</{around}>", plain=FILLED)) for code in (8413, 8414))
    assert "Mã HS 8413" in (one.html_safe or "")
    assert one.content_hash != other.content_hash


@pytest.mark.parametrize(
    "markup",
    [
        '<form action="https://xau.example"><input name="a" autofocus onfocus=x()><button formaction="javascript:x()">Gửi</button></form>',
        '<iframe src="javascript:x()" srcdoc="<script>x()</script>"><script>x()</script><img src=x onerror=x()></iframe>',
        '<object data="data:text/html,x"><param name="a"><embed src="x.swf"><a href="javascript:x()">y</a></object>',
        '<form><svg><style><img src=x onerror=x()></style></svg><math><mtext><form></form><iframe><p title="</iframe><img onerror=x()>">',
    ],
)
def test_of_forms_and_frames_nothing_but_words_is_left(markup: str) -> None:
    tags = "".join(re.findall(r"<[^<>]*>", safe_html(markup)))
    assert not re.search(r"form|input|button|iframe|object|embed|param|svg|math|style|script|on\w+=|srcdoc|data:", tags)


OVERLAY = "\u0338"


@pytest.mark.parametrize("mark", [OVERLAY, "&#x338;", f"<script></script>{OVERLAY}"])
def test_no_mark_behind_a_tag_joins_its_end_and_makes_words_its_attributes(mark: str) -> None:
    safe = parse(letter("html", f"<div>{mark} onmouseover=alert(1) x </div><p>y</p>")).html_safe
    assert safe is not None
    assert safe == safe_html(safe)
    written = page(safe, f"{mark} onload=alert(2)").decode()
    assert OVERLAY not in written
    assert unicodedata.normalize("NFC", written) == written


PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<table><tr><td>", "</td>", "<img src=", '"cid:a"', '"https://x.example/1"', " onerror=alert(1)", ">", "<"),
        *("<a href=", '"javascript:alert(1)"', "</a>", "<svg onload=alert(1)>", "<math>", "<style>", "</style>", "<!--", "-->", "chữ"),
        *(OVERLAY, "&#x338;", "&lt;", "<script>", "</script>", "<iframe srcdoc=", "'", '"', "\x00", "<base href=//x>", "<meta http-equiv="),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_what_is_kept_of_any_html_is_what_would_be_kept_of_it_again(markup: str) -> None:
    safe = parse(letter("html", markup)).html_safe or ""
    assert safe_html(safe) == safe


def test_the_title_of_the_page_is_the_subject_as_words() -> None:
    written = page("<p>y</p>", "</title><script>x</script>").decode()
    assert "<title>&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;</title>" in written
    assert written.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_sample_is_whole_in_its_text_and_its_new_text_is_a_part_of_it_or_not_there(language: Language) -> None:
    for path in OURS:
        read = parse(path.read_bytes())
        content = await content_of(read, language)
        assert content.text.startswith(read.text), path.name
        assert content.new_text is None or content.new_text.startswith(read.new_text), path.name
        assert (content.new_text is None) == (read.new_text == read.text), path.name
        assert (content.page is None) == (read.html_safe is None), path.name


QUOTE = "\n\nVào 20/11/2025 lúc 09:12, Hải quan <hq@customs.example> đã viết:\n\n"


async def test_notes_stand_below_the_new_text_too_but_not_that_the_text_was_cut_where_the_new_one_is_whole() -> None:
    raw = b"In-Reply-To: <1@customs.example>\n" + letter("plain", f"Đã rõ.{QUOTE}" + "> dài\n" * 5_000)
    raw = raw.replace(b"MIME-Version: 1.0\n", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\n")
    raw += b'\n--m\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename="v.exe"\n\nMZ\x90\x00' + bytes(99)
    content = await content_of(parse(raw + b"\n--m--\n"), "vi")
    assert content.new_text is not None
    new, note = content.new_text.split("\n\n", 1)
    assert new == "Đã rõ."
    assert note.startswith("— Ghi chú của hệ thống: Không nhận tệp “v.exe”")
    assert "toan-van.txt" not in content.new_text
    assert "Toàn văn ở tệp “toan-van.txt”" in content.text
    assert note in content.text
    assert len(content.text) <= LONGEST_TEXT


async def test_of_a_text_that_is_cut_before_its_quote_the_new_text_is_no_other() -> None:
    raw = b"In-Reply-To: <1@customs.example>\n" + letter("plain", "Dài. " * 5_000 + QUOTE + "> a\n> b\n> c")
    content = await content_of(parse(raw), "en")
    assert (content.new_text, len(content.text) <= LONGEST_TEXT) == (None, True)
