"""A dead letter is read, shown and made into a replay, whatever its bytes and headers are."""

import json
from dataclasses import replace

import pytest
from aiokafka import ConsumerRecord

from helpdesk.deadletters.letter import DeadLetter, Place
from helpdesk.deadletters.printable import printable
from helpdesk.deadletters.replaying import record, require_origin
from helpdesk.deadletters.showing import full, line
from kit.errors import RefusedError

HEADERS = {
    "x-origin": b"helpdesk.tickets.v1/3/42",
    "x-error": b"PermanentError",
    "x-detail": json.dumps("không được").encode(),
    "x-at": b"2026-03-02T01:00:00+00:00",
    "x-headers": json.dumps([["ce_id", "abc"], ["odd", "\xff"]]).encode(),
}


def letter(value: bytes | None = b'{"a": 1}', key: bytes | None = b"ticket", **headers: bytes | None) -> DeadLetter:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    pairs = tuple((name, text) for name, text in {**HEADERS, **named}.items() if text is not None)
    consumed = ConsumerRecord("helpdesk.notifier.dlq", 0, 7, 1_000, 0, key, value, None, len(key or b""), len(value or b""), pairs)
    return DeadLetter.read("notifier", consumed)


def test_the_headers_are_read_back() -> None:
    read = letter()
    assert (read.id, str(read.origin), read.error, read.detail) == (
        "notifier/0/7",
        "helpdesk.tickets.v1/3/42",
        "PermanentError",
        "không được",
    )
    assert read.at.isoformat() == "2026-03-02T01:00:00+00:00"
    assert read.headers == (("ce_id", b"abc"), ("odd", b"\xff"))


@pytest.mark.parametrize("nonsense", [None, b"", b"\xff\xfe", b"a/b/c", b"[" * 100_000, b"{}", b"null", b'[["a"], 1, ["a", "\\u1234"]]'])
def test_headers_that_say_nothing_are_no_obstacle(nonsense: bytes | None) -> None:
    odd = letter(x_origin=nonsense, x_error=nonsense, x_detail=nonsense, x_at=nonsense, x_headers=nonsense)
    assert (odd.origin, odd.headers) == (None, ())
    assert odd.at.year == 1970
    assert line(odd, None)
    assert all("\x1b" not in row for row in full(odd, None))
    with pytest.raises(RefusedError, match="it does not say where it came from"):
        require_origin(odd)


def test_a_replay_goes_nowhere_but_to_our_topics() -> None:
    with pytest.raises(RefusedError, match="says accounts, which is none of helpdesk"):
        record(letter(x_origin=b"accounts/0/1"))


def test_the_beginning_of_a_record_is_never_replayed_for_the_whole() -> None:
    with pytest.raises(RefusedError, match=r"only its beginning was kept. The whole record stands at helpdesk.tickets.v1/3/42"):
        record(letter(x_truncated=b"4194154"))


def test_a_replay_is_the_record_it_was() -> None:
    assert record(letter()) == {
        "topic": "helpdesk.tickets.v1",
        "partition": None,
        "key": b"ticket",
        "value": b'{"a": 1}',
        "headers": [("ce_id", b"abc"), ("odd", b"\xff"), ("x-replay-of", b"notifier/0/7")],
    }


def test_a_record_without_a_key_goes_back_to_its_partition() -> None:
    assert record(letter(key=None))["partition"] == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"name": "\xc4\x90\xe1\xba\xb7ng", "n": 1}', '  "name": "Đặng",'),
        (b'"\\u202e\\u001b[2J"', '"\\u202e\\u001b[2J"'),
        (b'"\\ud800"', '"\\ud800"'),
        (b"plain", "00000000  70 6c 61 69 6e                                   |plain|"),
        (b"[" * 50_000, "… 45,904 more; `--raw` writes all of it"),
        (b'"' + b"x" * 30_000 + b'"', "… 10,002 more; `--raw` writes all of it"),
    ],
)
def test_a_value_is_shown_and_never_obeyed(value: bytes, shown: str) -> None:
    text = "\n".join(full(letter(value), None))
    assert shown in text.splitlines()
    text.encode()  # it can be printed
    assert all(character.isprintable() or character == "\n" for character in text)


def test_nothing_is_shown_of_a_record_without_a_value() -> None:
    assert list(full(letter(None), None))[-1] == "value    0 bytes"


def test_a_reason_of_several_lines_is_shown_as_lines_and_never_obeyed() -> None:
    rows = list(full(letter(x_detail=json.dumps("2 errors\n  id\x1b[2J\n").encode()), None))
    at = rows.index("detail   2 errors")
    assert rows[at + 1 : at + 3] == ["           id\\x1b[2J", "key      ticket"]


def test_a_list_is_cut_to_the_width_of_its_columns() -> None:
    assert printable("a\nb\x9bc", 20) == "a\\x0ab\\x9bc"
    assert printable("x" * 50, 10) == "x" * 9 + "…"
    assert printable("x" * 10, 10) == "x" * 10


def test_two_at_the_same_place_are_told_apart() -> None:
    one = letter()
    assert one.place == Place("notifier", 0, 7)
    assert replace(one, written=2) != one
