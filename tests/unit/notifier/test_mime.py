"""What we write as mail, the standard library reads back as we meant it."""

import email
import email.policy
import email.utils
import re
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import mime

WORDS = st.text(st.characters(codec="utf-8"), max_size=150)


def read(*headers: str, text: str = "x\n", html: str = "<p>x</p>\n") -> EmailMessage:
    raw = mime.alternative(headers, text, html, "=_b")
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def lines(header: str) -> list[str]:
    return header.split("\r\n")


def name_in(header: str) -> str:
    """Read with the older parser: the newer one keeps the space between two encoded words of a name (RFC 2047 section 6.2 drops it)."""
    phrase = header.removeprefix("To: ").rpartition("<")[0].strip()
    return email.utils.unquote(phrase) if phrase.startswith('"') else str(make_header(decode_header(phrase)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Plain", "Subject: [A-1] Plain"),
        ("Tôm", "Subject: [A-1] =?utf-8?b?VMO0bQ==?="),
        ("=?utf-8?q?faked?=", "Subject: [A-1] =?utf-8?b?PT91dGYtOD9xP2Zha2VkPz0=?="),
        ("a\r\nBcc: eve@x.example", "Subject: [A-1] a Bcc: eve@x.example"),
        ("a\x00\x1b[31m\u202eb", "Subject: [A-1] a [31m b"),
    ],
)
def test_a_subject_is_written_like_this(value: str, expected: str) -> None:
    assert mime.unstructured("Subject", value, prefix="[A-1] ") == expected


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        (None, "To: lan@x.example"),
        ("Lan Nguyen", "To: Lan Nguyen <lan@x.example>"),
        ("Nguyen, Lan (HQ)", 'To: "Nguyen, Lan (HQ)" <lan@x.example>'),
        ('La"n\\', 'To: "La\\"n\\\\" <lan@x.example>'),
        ("Lan <eve@y.example>", 'To: "Lan <eve@y.example>" <lan@x.example>'),
        ("Nguyễn Lan", "To: =?utf-8?b?Tmd1eeG7hW4gTGFu?= <lan@x.example>"),
        ("Lan\r\nBcc: eve@y.example", 'To: "Lan Bcc: eve@y.example" <lan@x.example>'),
    ],
)
def test_a_mailbox_is_written_like_this(display: str | None, expected: str) -> None:
    assert mime.mailbox("To", display, "lan@x.example") == expected


@given(WORDS)
def test_any_subject_comes_back_on_one_line_and_fits_the_lines_of_a_mail(value: str) -> None:
    header = mime.unstructured("Subject", value, prefix="[HQ-7K3M-9P2X] ")
    assert all(len(line) <= 76 for line in lines(header))
    assert all(line.startswith(" ") for line in lines(header)[1:])
    assert str(read(header)["Subject"]).rstrip() == f"[HQ-7K3M-9P2X] {mime.one_line(value)}".rstrip()


@given(WORDS)
def test_any_display_name_comes_back_and_never_becomes_an_address(display: str) -> None:
    header = mime.mailbox("To", display, "lan@x.example")
    (address,) = read(header)["To"].addresses
    assert address.addr_spec == "lan@x.example"
    assert name_in(header) == mime.one_line(display)


@given(WORDS, WORDS, WORDS)
def test_no_text_adds_a_header_or_a_part(subject: str, text: str, html: str) -> None:
    parsed = read(mime.unstructured("Subject", subject), text=mime.visible(text), html=mime.visible(html))
    assert [key for key, _ in parsed.items()] == ["Subject", "MIME-Version", "Content-Type"]
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


@given(WORDS)
def test_the_bodies_come_back_letter_by_letter_over_seven_bit_lines(text: str) -> None:
    shown = mime.visible(text)
    raw = mime.alternative((), shown, shown, "=_b")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert re.search(rb"[^\r]\n|\r[^\n]|[\x80-\xff]", raw) is None
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    for part in parsed.iter_parts():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode().replace("\r\n", "\n").removesuffix("\n") == shown.removesuffix("\n")


def test_vietnamese_text_travels_in_base64_and_english_stays_readable() -> None:
    raw = mime.alternative((), "Kính gửi Quý doanh nghiệp\n", "<p>Dear Anna – hello and welcome to all</p>\n", "=_b").decode()
    assert raw.index("base64") < raw.index("quoted-printable")
    assert "<p>Dear Anna =E2=80=93 hello" in raw
