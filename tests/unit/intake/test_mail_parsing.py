"""Reading mail: what each program meant, and never an exception or a hang, whatever the bytes."""

import base64
import binascii
import email
import email.policy
import json
import quopri
import time
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.mail.charsets import decoded
from services.intake.mail.headers import base64_decoded, read_header, readable
from services.intake.mail.letter import Letter
from services.intake.mail.markup import text_of
from services.intake.mail.parsing import parse
from services.intake.mail.sender import first_sender, several_senders, writers

DATA = Path(__file__).parents[2] / "data" / "mails_in"
SAMPLES = sorted(DATA.glob("*.eml"))
SHARED = Path(__file__).parents[4] / "shared" / "mail"
FOUND = sorted(path for folder in ("malformed", "replies", "bounces") for path in (SHARED / folder).glob("*.eml"))
"""Mails collected elsewhere, where this checkout lies beside them."""

SECONDS = 3.0
"""For the worst of them on a busy machine; the ways that hang take minutes."""


def fields_of(letter: Letter) -> dict[str, Any]:
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(letter).items()},
        "attachments": [part.filename for part in letter.attachments],
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_is_read_as_its_sender_meant_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    read = fields_of(parse(path.read_bytes()))
    assert {name: read[name] for name in expected} == expected


def test_nothing_raises_and_nothing_is_lost_on_its_way_between_processes_for_any_collected_mail() -> None:
    for path in [*SAMPLES, *FOUND]:
        letter = parse(path.read_bytes())
        assert Letter.of_frames(*letter.to_frames()) == letter, path.name


def nested(depth: int, lines: int) -> bytes:
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(depth))
    return opening + b"\n" + b"words words words\n" * lines


BOMBS: dict[str, bytes] = {
    "a subject of 2 MB": b"Subject: " + b"x" * 2_000_000 + b"\n\nx",
    "a folded subject of 2 MB": b"Subject: x" + b"\n xxxxxxxxx" * 200_000 + b"\n\nx",
    "a subject of encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 150_000 + b"\n\nx",
    "half an encoded word many times": b"Subject: " + b"=?utf-8?q?" * 200_000 + b"\n\nx",
    "parentheses in addresses": b"From: " + b"(" * 2_000_000 + b"\nTo: " + b"(" * 500 + b"\n\nx",
    "quotes in addresses": b"From: " + b'"\\' * 1_000_000 + b"\n\nx",
    "a million parameters": b"Content-Type: multipart/mixed" + b'; a="' * 400_000 + b"\n\nx",
    "parameters in a part": b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain"
    + b";" * 2_000_000
    + b"\n\nx\n--b--",
    "a million headers": b"X: y\n" * 1_000_000 + b"\nx",
    "ten thousand levels": nested(10_000, 10),
    "many levels of many lines": nested(500, 500_000),
    "a million parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1_000_000,
    "boundaries that are none": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * 1_000_000,
    "references without end": b"References: " + b"<x@y> " * 300_000 + b"\n\nx",
    "open comments in HTML": b"Content-Type: text/html\n\n" + b"<!--" * 500_000,
    "open tags in HTML": b"Content-Type: text/html\n\n" + b"<p><b><i>" * 60_000,
    "nested tables in HTML": b"Content-Type: text/html\n\n" + b"<table><tr><td>" * 20_000,
    "base64 of padding": b"Content-Transfer-Encoding: base64\n\n" + b"=A" * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_mail_made_to_hang_a_parser_takes_no_longer_than_its_size_deserves(name: str) -> None:
    began = time.process_time()
    letter = parse(BOMBS[name])
    assert time.process_time() - began < SECONDS
    assert len(letter.subject) <= 5_000


def test_depth_and_number_of_parts_have_a_limit_and_what_is_beyond_is_a_file() -> None:
    deep, many = parse(nested(40, 1)), parse(BOMBS["a million parts"])
    assert deep.problems == ("too_deep", "no_sender")
    assert b"words words" in deep.attachments[0].content
    assert many.problems == ("too_many_parts", "no_sender")


@given(st.binary(max_size=2_000))
def test_any_bytes_at_all_are_read(raw: bytes) -> None:
    letter = parse(raw)
    assert Letter.of_frames(*letter.to_frames()) == letter
    for text in (letter.subject, letter.name, *(letter.message_id or "").split("\x00")):
        assert not set(text) & set("\r\n\x00")


@settings(max_examples=300)
@given(st.sampled_from(SAMPLES), st.data())
def test_mails_with_pieces_changed_doubled_or_missing_are_read(path: Path, data: st.DataObject) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 60)))
        raw[start:end] = data.draw(st.one_of(st.just(b""), st.binary(max_size=20), st.just(bytes(raw[start:end]) * 3)))
    parse(bytes(raw))


def leaves(message: EmailMessage) -> Iterable[bytes]:
    for part in message.walk():
        if not part.is_multipart():
            yield part.get_payload(decode=True)  # type: ignore[misc]  # bytes, since it is no multipart


WORDS = st.text(st.sampled_from("abc xyz\nàệđư"), min_size=1, max_size=40).map(lambda text: text.strip() + ".")


@given(
    text=WORDS, page=st.booleans(), files=st.lists(st.tuples(st.binary(max_size=40), st.sampled_from(["a.pdf", "tờ khai.png"])), max_size=4)
)
def test_every_leaf_of_a_sound_mail_is_text_or_a_file_exactly_once(text: str, page: bool, files: list[tuple[bytes, str]]) -> None:
    message = EmailMessage(email.policy.SMTP)
    message["Subject"] = "x"
    message.set_content(text)
    if page:
        message.add_alternative(f"<p>{text}</p>", subtype="html")
    for content, name in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    letter = parse(message.as_bytes())
    assert [(part.content, part.filename) for part in letter.attachments] == files
    assert letter.text == text.strip()
    assert len(list(leaves(message))) == len(files) + 1 + page


@given(st.binary(max_size=200))
def test_transfer_encodings_give_back_what_was_encoded(content: bytes) -> None:
    head = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: %s\r\n\r\n%s"
    for name, coded in ((b"base64", base64.encodebytes(content)), (b"quoted-printable", quopri.encodestring(content))):
        (part,) = parse(head % (name, coded)).attachments
        assert part.content.rstrip(b"\r\n") == content.rstrip(b"\r\n")
    assert base64_decoded(binascii.b2a_base64(content)) == content


def test_copies_that_came_by_different_ways_are_equal_and_other_words_are_not() -> None:
    mail = b"From: a@b.example\r\nSubject: x\r\nMessage-ID: <1@b>\r\nDate: Mon, 3 Mar 2025 09:00:00 +0700\r\n\r\nXin chao.\r\n"
    travelled = b"Return-Path: <a@b.example>\r\nReceived: from x\r\n\tby y\r\nDKIM-Signature: z\r\n" + mail.replace(b"chao.", b"chao. ")
    assert parse(mail).content_hash == parse(travelled).content_hash == parse(mail.replace(b"\r\n", b"\n")).content_hash
    for before, after in ((b"chao", b"hoi"), (b"Subject: x", b"Subject: y"), (b"a@b", b"c@b"), (b"09:00", b"09:01")):
        assert parse(mail.replace(before, after)).content_hash != parse(mail).content_hash


def test_two_mails_without_id_and_date_are_one_only_when_every_byte_is_the_same() -> None:
    mail = b"From: a@b.example\r\n\r\nChua co tra loi.\r\n"
    assert parse(mail).content_hash != parse(b"Received: later\r\n" + mail).content_hash
    assert parse(mail).content_hash == parse(bytes(mail)).content_hash


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"lan@x.example", ("lan@x.example", "")),
        (b"<lan@x.example>", ("lan@x.example", "")),
        (b"Lan <lan@x.example>, Mai <mai@x.example>", ("lan@x.example", "Lan")),
        (b'"Tr\\"an, Minh" <m@x.example>', ("m@x.example", 'Tr"an, Minh')),
        (b'"<a@x.example>" <b@y.example>', ("b@y.example", "<a@x.example>")),
        (b"=?utf-8?b?TMOqLCBMYW4=?= <lan@x.example>", ("lan@x.example", "Lê, Lan")),
        (b"MAILER-DAEMON (Mail Delivery)", ("", "Mail Delivery")),
        ("Hà <nguyễn.à@ví-dụ.vn>".encode(), ("nguyễn.à@ví-dụ.vn", "Hà")),
        ("nguyễn@ví-dụ.vn".encode(), ("nguyễn@ví-dụ.vn", "")),
        (b"(<a@b.example>) victim@v.example", ("victim@v.example", "<a@b.example>")),
        (b"Lan (nghi (tam) <a@b.example>) <lan@x.example>", ("lan@x.example", "Lan (nghi (tam) <a@b.example>)")),
        (b'("\x29 <lan@x.example> ("\x29', ("lan@x.example", '("\x29')),
        (b'"(" <lan@x.example> "\x29"', ("lan@x.example", "(")),
        (b"(un\\) <a@b.example>) lan@x.example", ("lan@x.example", "un\\")),
        (b"Lan <lan @ x.example>", ("lan@x.example", "Lan")),
        (b"lan @x.example", ("lan@x.example", "")),
        (b"Lan <lan@x.example.>", ("lan@x.example", "Lan")),
        (b"Lan <'lan@x.example'>", ("lan@x.example", "Lan")),
        (b"Lan <o'lan@x.example>", ("o'lan@x.example", "Lan")),
        (b'Lan <"lan"@x.example>', ("lan@x.example", "Lan")),
        (b'Lan <"victim@v.example"@evil.example>', ("@evil.example", "Lan")),
        (b"'@", ("", "")),
        (b"Lan <>", ("", "Lan")),
        (b"Lan <lan>", ("", "Lan")),
        (b"", ("", "")),
    ],
)
def test_the_sender_is_the_address_in_angle_brackets_whatever_the_name_says(raw: bytes, expected: tuple[str, str]) -> None:
    assert first_sender(raw) == expected


@pytest.mark.parametrize(
    ("raw", "several"),
    [
        (b"<victim@v.example>, <evil@e.example>", True),
        (b"Lan <victim@v.example>, evil@e.example", True),
        (b"victim@v.example; evil@e.example", True),
        (b"<victim@v.example> <evil@e.example>", True),
        (b"victim@v.example evil@e.example", True),
        (b'<victim@v.example> "x, <evil@e.example>', True),
        (b"<victim@v.example> (x, <evil@e.example>", True),
        (b"Phong: victim@v.example, evil@e.example;", True),
        (b"<victim@v.example>" + b" " * 20_000 + b", <evil@e.example>", True),
        (b"Lan <lan@x.example>", False),
        (b"lan@x.example <LAN@x.example>", False),
        (b"lan@old.example <lan@x.example>", False),
        (b"Tran, Lan <lan@x.example>", False),
        (b'"Lan, <mai@y.example>" <lan@x.example>', False),
        (b"(mai@y.example, <hoa@z.example>) lan@x.example", False),
        (b"=?utf-8?q?Lan,_mai=40y?= <lan@x.example>", False),
        (b"lan@x.example, Lan <Lan@X.example>", False),
        (b"", False),
    ],
)
def test_a_field_that_names_several_mailboxes_is_known_from_one_whose_name_looks_like_it(raw: bytes, several: bool) -> None:
    assert several_senders(raw) is several
    assert ("many_senders" in parse(b"From: " + raw + b"\n\nx").problems) is several


@pytest.mark.parametrize(
    ("raws", "expected"),
    [
        ([b"Lan <lan@x.example>, Hong <hong@c.example>"], ("lan@x.example", "hong@c.example")),
        ([b"Lan <lan@x.example> Hong <hong@c.example>"], ("lan@x.example", "hong@c.example")),
        ([b"lan@x.example hong@c.example"], ("lan@x.example", "hong@c.example")),
        ([b"Phong: lan@x.example, Hong@c.example;"], ("lan@x.example", "Hong@c.example")),
        ([b"<lan@x.example>", b"hong@c.example", b"LAN@x.example"], ("lan@x.example", "hong@c.example")),
        ([b'"hong@c.example" <lan@x.example>'], ("lan@x.example",)),
        ([b"", b"Lan"], ()),
    ],
)
def test_everybody_who_wrote_a_mail_is_found(raws: list[bytes], expected: tuple[str, ...]) -> None:
    assert writers(raws) == expected


def test_whoever_stands_in_sender_or_in_a_second_from_wrote_it_too() -> None:
    letter = parse(b"From: lan@x.example\nSender: Hong <hong@c.example>\nFrom: mai@y.example\n\nx")
    assert letter.writers == ("lan@x.example", "mai@y.example", "hong@c.example")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Reply-To: Hong <hong@c.example>, mai@y.example", ("lan@x.example", "hong@c.example", "mai@y.example")),
        ("X-Original-From: Hong <hong@c.example>\nX-Original-Sender: LAN@x.example", ("lan@x.example", "hong@c.example")),
        ("Reply-To: Tong@lists.example\nSender: tong@lists.example\nList-Post: <mailto:tong@lists.example>", ("lan@x.example",)),
        ("Reply-To: tong@lists.example\nX-BeenThere: tong@lists.example\nX-Original-From: h@c.example", ("lan@x.example", "h@c.example")),
        ("List-Post: <mailto:lan@x.example>", ("lan@x.example",)),
    ],
)
def test_who_wrote_what_a_list_passes_on_is_found_and_the_list_is_nobody(headers: str, expected: tuple[str, ...]) -> None:
    assert parse(f"From: Lan <lan@x.example>\n{headers}\n\nx".encode()).writers == expected


def test_who_hands_on_a_mail_is_not_who_wrote_it() -> None:
    letter = parse(b"From: lan@x.example\nResent-From: Hong <hong@c.example>\nResent-Sender: mai@y.example\n\nx")
    assert (letter.writers, letter.resenders) == (("lan@x.example",), ("hong@c.example", "mai@y.example"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"=?UTF-8?Q?Ti=E1=BA?= =?UTF-8?Q?=BFng?= Vi=?utf-8?q?=E1=BB=87?=t", "Tiếng Việt"),
        (b"=?utf-8?q?a b?= =?iso-8859-1?q?=E9?=", "a bé"),
        (b"=?nonsense?q?=41?= x", "A x"),
        ("Tiếng Việt trần".encode(), "Tiếng Việt trần"),
        (b"=?utf-8?b?!!!?= =?utf-8?q??=", ""),
        (b"1 < 2 =? 3", "1 < 2 =? 3"),
    ],
)
def test_words_in_headers(raw: bytes, expected: str) -> None:
    assert readable(raw) == expected


def test_a_header_ends_where_no_field_is() -> None:
    fields, body = read_header(b"A: 1\r\nB : 2\r\nno field here\r\n\r\nx", 0, 32)
    assert (fields.items, body) == ((("a", b"1"), ("b", b"2")), 13)


@pytest.mark.parametrize("declared", ["punycode", "unicode_escape", "utf-7", "hex", "zlib", "x" * 1000, "\x00", "utf-8; x", None])
def test_no_declared_charset_is_trusted_to_be_one(declared: str | None) -> None:
    assert decoded("Chào".encode(), declared) == "Chào"


def test_html_shows_no_script_and_no_style() -> None:
    assert text_of("<style>a</style><script>b</script><p onclick=x>Xin<script>c</p>") == "Xin"


ALTERNATIVES = b"Content-Type: multipart/alternative; boundary=b\n\n--b\n%s\n--b\n%s\n--b--\n"


@pytest.mark.parametrize(
    ("raw", "text", "files"),
    [
        (b'Content-Type: text/html; name="mail.html"\n\n<p>Xin chao</p>', "Xin chao", []),
        (b"Content-Type: text/plain; name=body.txt\nContent-Disposition: inline\n\nXin chao", "Xin chao", []),
        (ALTERNATIVES % (b"\nXin chao", b"Content-Type: text/html; name=mail.html\n\n<p>Xin chao</p>"), "Xin chao", []),
        (
            ALTERNATIVES.replace(b"alternative", b"mixed") % (b"\nXin chao", b"Content-Type: text/plain; name=a.txt\n\nx"),
            "Xin chao",
            ["a.txt"],
        ),
        (b"Content-Type: text/plain; name=a.csv\n\n1;2", "", ["a.csv"]),
        (b"Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nx", "", ["a.txt"]),
        (b"Content-Type: text/plain; name=a.txt\nContent-Disposition: inline; filename=a.txt\n\nx", "", ["a.txt"]),
    ],
)
def test_a_body_that_only_its_type_names_is_text_and_other_texts_with_names_are_files(raw: bytes, text: str, files: list[str]) -> None:
    read = fields_of(parse(raw))
    assert (read["text"], read["attachments"]) == (text, files)


@pytest.mark.parametrize("encoding", [b"base64 (MIME)", b"(MIME) base64", b'"base64"', b"BASE64;"])
def test_a_transfer_encoding_is_known_beside_comments_and_in_quotes(encoding: bytes) -> None:
    assert parse(b"Content-Transfer-Encoding: " + encoding + b"\n\nWGluIGNoYW8=").text == "Xin chao"


DYNAMIC = b"Content-Type: text/x-amp-html\n\n<style amp-custom>x{}</style><p>chay</p>"


def test_html_that_runs_is_read_only_where_there_is_no_other_form() -> None:
    assert parse(ALTERNATIVES % (DYNAMIC, b"Content-Type: text/html\n\n<p>Xin chao</p>")).text == "Xin chao"
    assert parse(ALTERNATIVES % (b"Content-Type: text/html\n\n<p>Xin chao</p>", DYNAMIC)).html_safe == "<p>Xin chao</p>"
    assert parse(DYNAMIC).text == parse(ALTERNATIVES % (b"\n ", DYNAMIC)).text == "chay"


@pytest.mark.parametrize("declared", ["utf-16", "utf-16le", "UTF-32"])
@pytest.mark.parametrize("text", ["Xin chao hai quan!", "Xin chào hải quan"])
def test_utf_8_that_is_declared_as_something_wider_is_utf_8_and_what_is_wide_is_read_so(declared: str, text: str) -> None:
    assert decoded(text.encode(), declared) == text
    assert decoded(text.encode(declared), declared) == text
    assert decoded("海关".encode("utf-16"), "utf-16") == "海关"
