"""Mail that nobody wrote on purpose, or somebody did: no exception, no hang, nothing lost."""

import os
import time
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
"""For one of them on a busy machine."""


def read(raw: bytes) -> Letter:
    began = time.process_time()
    letter = parse(raw)
    assert time.process_time() - began < SECONDS
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
