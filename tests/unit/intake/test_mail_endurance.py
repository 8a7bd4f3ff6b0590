"""Mail that nobody wrote on purpose, or somebody did: no exception, no hang, nothing lost."""

import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.mail.headers import read_header
from services.intake.mail.letter import Enclosed, Letter
from services.intake.mail.parsing import parse
from services.intake.mail.sender import people
from services.intake.mail.tree import Tree
from tests.support.mail_samples import everything, mutated, of_the_standard_library

EXAMPLES = int(os.environ.get("HELPDESK_TEST_EXAMPLES", "300"))
SECONDS = 3.0
SECONDS_PER_MB = 1.0
"""Of the processor, for one of them on a busy machine."""


def read(raw: bytes) -> Letter:
    began = time.process_time()
    letter = parse(raw)
    assert time.process_time() - began < SECONDS + SECONDS_PER_MB * len(raw) / 1_000_000
    assert Letter.of_frames(*letter.to_frames()) == letter
    for line in (letter.subject, letter.name, letter.address, *(each.name + each.address for each in (*letter.to, *letter.cc))):
        assert not set(line) & set("\r\n\x00")
    return letter


def test_mails_with_pieces_changed_doubled_or_missing_are_read() -> None:
    raws = [path.read_bytes() for path in everything()]
    for number, raw in enumerate(mutated(raws, EXAMPLES, seed=20251120)):
        try:
            read(raw)
        except Exception as error:
            error.add_note(f"mutated mail {number}: {raw[:2000]!r}")
            raise


@pytest.mark.parametrize("path", of_the_standard_library() or [Path(__file__)], ids=lambda path: path.name)
def test_the_mails_of_the_standard_library_are_read(path: Path) -> None:
    read(path.read_bytes())


HEAD = b"From: a@b.example\nSubject: x\n\n"
DAEMON = b"Return-Path: <>\nSubject: Undelivered Mail\n\n"
PAGE = b"Content-Type: text/html\n\n"
PARTS = HEAD[:-1] + b"Content-Type: multipart/mixed; boundary=b\n\n"
TNEF = HEAD[:-1] + b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00"
BEGINS = struct.pack("<BII", 2, 0x69002, 0) + bytes(2)
DATA = struct.pack("<BII", 2, 0x6800F, 100)
_FONTS = b"".join(b"<font size=%d>" % number for number in range(450))
BOMBS: dict[str, bytes] = {
    "quoted lines without end": HEAD + b"> a\n" * 400_000,
    "quotes of one line": HEAD + b"a\n> a\n" * 30_000,
    "beginnings of quotes": HEAD + "Vào 20/11/2025 lúc\n".encode() * 9_000,
    "fields of quoted mails": HEAD + "Từ: a\n".encode() * 25_000,
    "signatures": HEAD + b"--\n" * 60_000,
    "closings": HEAD + "Trân trọng,\n".encode() * 12_000,
    "quotes in To": b"To: " + b'"\\' * 50_000 + b"\n\nx",
    "commas in To": b"To: " + b"a@b," * 16_000 + b"\n\nx",
    "half words in To": b"To: " + b"=?a?q?" * 10_000 + b"\n\nx",
    "a report of dashes": DAEMON + b"-" * 200_000,
    "a report of addresses": DAEMON + b"a@b.example: 550 5.1.1 not\n" * 5_000,
    "a report of one word": DAEMON + b"a" * 70_000,
    "a report of half sentences": DAEMON + b"message to " * 7_000,
    "a report of recipients": b"Content-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822; a@b.example\n\n" * 5_000,
    "deep HTML": PAGE + b"<div>" * 400_000,
    "deep HTML closed in comments": PAGE + b"<div><!--</div>-->" * 50_000,
    "comments without end": PAGE + b"<!--" * 90_000,
    "formatting that every block begins with again": PAGE + b"<p>" + _FONTS + b"</p>" + b"<p>x</p>" * 100_000,
    "formatting without end": PAGE + b"<font><b><i>" * 100_000,
    "formatting that ends within its blocks": PAGE + b"<b><div></b>x" * 70_000,
    "ampersands in HTML": PAGE + b"&" * 1_000_000,
    "references in HTML": PAGE + b"&amp;" * 200_000,
    "attributes": PAGE + b"<p " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">x",
    "attributes between slashes": PAGE + b"<p " + b"/".join(b"a%d" % number for number in range(150_000)) + b">x",
    "nested tables": PAGE + b"<table><tr><td>" * 70_000,
    "blocks in a table that have no place there": PAGE + b"<table>" + b"<p>x</p>" * 125_000,
    "many pages": PARTS + (b"--b\nContent-Type: text/html\n\n" + b"<br>x" * 8_000 + b"\n") * 150,
    "many pages of deep HTML": PARTS + (b"--b\nContent-Type: text/html\n\n" + b"<b>" * 480 + b"<p>x" * 9_000 + b"\n") * 150,
    "a uuencoded file that grows": HEAD[:-1] + b"Content-Transfer-Encoding: uuencode\n\nbegin 644 x\n" + b"_\n" * 2_500_000,
    "a uuencoded file of empty lines": HEAD[:-1] + b"Content-Transfer-Encoding: uuencode\n\nbegin 644 x\n" + b"\n" * 5_000_000,
    "base64 of padding": HEAD[:-1] + b"Content-Transfer-Encoding: base64\n\n" + b"Q=" * 2_500_000,
    "base64 with junk": HEAD[:-1] + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB!\n" * 3_300_000,
    "a winmail.dat that promises more": TNEF + struct.pack("<BII", 2, 0x6800F, 0xFFFFFFFF) + b"x",
    "a winmail.dat in itself": TNEF + BEGINS + DATA + TNEF + BEGINS + DATA + b"x",
    "a winmail.dat of many files": TNEF + BEGINS * 400_000,
    "a winmail.dat of many values": TNEF + BEGINS + struct.pack("<BIIIHHI", 2, 0x69005, 4_000_012, 1, 0x101F, 1, 10**6) + bytes(4_000_002),
    "a multipart in itself": HEAD[:-1] + b"".join(b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)),
    "a mail in a mail in a mail": HEAD[:-1] + b"Content-Type: message/rfc822\n\n" * 1_000 + b"x",
    "parts": PARTS + b"--b\n\nx\n" * 100_000,
    "delimiters that are none": PARTS + b"--b\n" + b"--bx\n" * 1_000_000,
    "fields": b"A: b\n" * 100_000 + b"\nx",
    "a long subject": b"Subject: " + b"x" * 2_000_000 + b"\n\nx",
    "a long subject of words": b"Subject: " + b"=?utf-8?q?a?= " * 140_000 + b"\n\nx",
    "parentheses in From": b"From: " + b"(" * 2_000_000 + b"\n\nx",
    "parentheses in To": b"To: " + b"(a" * 1_000_000 + b"\n\nx",
    "sections of a parameter": HEAD[:-1] + b"Content-Type: a/b" + b";n*999999999*=%41" * 100_000 + b"\n\nx",
    "a compressed charset": HEAD[:-1] + b"Content-Type: text/plain; charset=zlib\n\n" + zlib.compress(bytes(50_000_000)),
    "an alphabet that grows": HEAD[:-1] + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 500_000,
    "deep quotes in HTML": PAGE + b"<div class=gmail_attr>" * 90_000,
    "quotes beside quotes in HTML": PAGE + b"<blockquote type=cite>x</blockquote>y" * 20_000,
    "line ends in HTML": PAGE + b"gmail_quote" + b"<br> " * 300_000,
    "pictures in HTML": PAGE + b'<img src="http://a/b">' * 30_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_mail_made_to_hang_a_reader_takes_no_longer_than_its_size_deserves(name: str) -> None:
    read(BOMBS[name])


TREES = st.recursive(
    st.sampled_from(["text/plain", "text/html", "text/calendar", "image/png", "message/rfc822", "application/pdf", "x", "text/x-odd"]),
    lambda children: st.tuples(
        st.sampled_from(["mixed", "alternative", "related", "signed", "odd"]), st.lists(children, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
Shape = str | tuple[str, list["Shape"]]


def written(shape: Shape, names: list[str]) -> bytes:
    """The entity, each leaf with a word of its own, which is added to `names`."""
    if isinstance(shape, str):
        names.append(f"leaf{len(names):03}x")
        content = f"To: {names[-1]}\n\n" if shape == "message/rfc822" else f"{names[-1]}\n"
        return b"Content-Type: %s\n\n%s" % (shape.encode(), content.encode())
    kind, children = shape
    boundary = b"b%d" % len(repr(shape))
    parts = b"".join(b"--%s\n%s\n" % (boundary, written(child, names)) for child in children)
    return b"Content-Type: multipart/%s; boundary=%s\n\n%s--%s--\n" % (kind.encode(), boundary, parts, boundary)


@settings(max_examples=EXAMPLES, deadline=None)
@given(TREES)
def test_every_leaf_of_any_tree_is_words_or_a_file_exactly_once(shape: Shape) -> None:
    names: list[str] = []
    raw = written(shape, names)
    fields, body = read_header(raw, 0, len(raw))
    parts = Tree(raw).parts(fields, body)
    held = [part.content.decode() if isinstance(part, Enclosed) else part.text for part in parts]
    assert sorted(name for content in held for name in names if name in content) == sorted(names)
    assert len(parts) == len(names)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a@x.example, Lan <b@x.example>; c@x.example", [("a@x.example", ""), ("b@x.example", "Lan"), ("c@x.example", "")]),
        (
            b'"Tran, Minh" <m@x.example>, =?utf-8?q?L=C3=AA,_Lan?= <l@x.example>',
            [("m@x.example", "Tran, Minh"), ("l@x.example", "Lê, Lan")],
        ),
        (b"Team: a@x.example, b@x.example;", [("a@x.example", ""), ("b@x.example", "")]),
        (b"undisclosed-recipients:;", []),
        (b"a@x.example, A@X.example", [("a@x.example", "")]),
        ("Lan <lan@thư.example>".encode(), [("lan@thư.example", "Lan")]),
        (b"", []),
        (b'"', []),
    ],
)
def test_people_of_a_field(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert [(each.address, each.name) for each in people(raw)] == expected
