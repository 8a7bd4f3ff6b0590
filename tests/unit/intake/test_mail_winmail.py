"""What Outlook hides in a `winmail.dat`."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from services.intake.mail.parsing import parse
from services.intake.mail.winmail import files_in

START = b"\x78\x9f\x3e\x22\x01\x00"
BEGINS, TITLE, DATA, PROPERTIES, CODEPAGE = 0x00069002, 0x00018010, 0x0006800F, 0x00069005, 0x00069007


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("<BII", 2, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(name: str) -> bytes:
    """A number, a named one, and the long name of the file."""
    text = name.encode("utf-16-le") + b"\x00\x00"
    number = struct.pack("<HHI", 0x3, 0x0E21, 7)
    named = struct.pack("<HH", 0x3, 0x8001) + b"g" * 16 + struct.pack("<III", 0, 5, 9)
    padded = text + b"\x00" * (-len(text) % 4)
    return struct.pack("<I", 3) + number + named + struct.pack("<HHII", 0x1F, 0x3707, 1, len(text)) + padded


WHOLE = (
    START
    + attribute(CODEPAGE, struct.pack("<II", 1258, 0))
    + attribute(BEGINS, b"\x01\x00")
    + attribute(TITLE, b"TOKHAI~1.PDF\x00")
    + attribute(DATA, b"%PDF-1")
    + attribute(PROPERTIES, properties("Tờ khai.pdf"))
    + attribute(BEGINS, b"\x01\x00")
    + attribute(TITLE, "Đơn.txt".encode("cp1258") + b"\x00")
    + attribute(DATA, b"abc")
)


def test_its_files_have_their_long_names() -> None:
    assert [(file.filename, file.content) for file in files_in(WHOLE)] == [("Tờ khai.pdf", b"%PDF-1"), ("Đơn.txt", b"abc")]


def test_in_a_mail_they_stand_beside_it_and_it_is_named_as_a_problem() -> None:
    letter = parse(b"From: a@b.example\nContent-Type: application/octet-stream; name=winmail.dat\n\n" + WHOLE)
    assert [file.filename for file in letter.attachments] == ["winmail.dat", "Tờ khai.pdf", "Đơn.txt"]
    assert letter.problems == ("winmail",)


def test_cut_anywhere_it_gives_what_came_before() -> None:
    for end in range(len(WHOLE)):
        assert [file.content for file in files_in(WHOLE[:end])] in ([], [b"%PDF-1"], [b"%PDF-1", b"abc"])


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_any_bytes_are_read(noise: bytes, at: int) -> None:
    files_in(START + noise)
    files_in(WHOLE[:at] + noise + WHOLE[at:])
