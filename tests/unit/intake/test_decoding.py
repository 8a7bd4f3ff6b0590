"""JSON as it arrives: what is right is read, what is wrong is said in the sender's language."""

import base64
import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import Language
from services.intake.decoding import decoded
from services.intake.refusals import Refusal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def refused(raw: bytes, language: Language = "en") -> Refusal:
    with pytest.raises(Refusal) as caught:
        decoded(raw, language)
    return caught.value


@given(VALUES)
def test_what_was_written_is_read(value: object) -> None:
    assert decoded(orjson.dumps(value), "vi") == value
    assert decoded(json.dumps(value, indent=2).encode(), "vi") == value


@pytest.mark.parametrize(
    ("raw", "vi", "en"),
    [
        (b"", "nội dung trống, dòng 1, cột 1", "it is empty, line 1, column 1"),
        (b'{"a":', "nội dung dừng giữa chừng, dòng 1, cột 6", "it ends too early, line 1, column 6"),
        (b'{\n "a": 1,\n "b": x}', "sai cú pháp, dòng 3, cột 7", "unexpected character, expected a JSON value, line 3, column 7"),
        ('{"ế": x}'.encode(), "sai cú pháp, dòng 1, cột 7", "unexpected character, expected a JSON value, line 1, column 7"),
        (b'{"a": NaN}', "sai cú pháp, dòng 1, cột 7", "unexpected character, expected a JSON value, line 1, column 7"),
        (b'{"a": 1e999}', "số quá lớn, dòng 1, cột 7", "the number is too large, line 1, column 7"),
        (b'"\\ud800"', "ký tự viết bằng \\u thiếu một nửa, dòng 1, cột 2", "half of a \\u character is missing, line 1, column 2"),
        ('{"ế":\n "Thu'.encode() + b'\xff"}', "nội dung không phải UTF-8, dòng 2, cột 6", "it is not UTF-8, line 2, column 6"),
        (b"\xef\xbb\xbf{}", "nội dung bắt đầu bằng dấu BOM, dòng 1, cột 1", "it begins with a byte order mark, line 1, column 1"),
        (b"[" * 5000, "nội dung lồng quá sâu, dòng 1, cột 1026", "it is nested too deeply, line 1, column 1026"),
        (b"[" * 1000 + b"]" * 1000, "nội dung lồng quá sâu", "it is nested too deeply"),
    ],
)
def test_broken_json_is_told_where_and_why(raw: bytes, vi: str, en: str) -> None:
    refusals = refused(raw, "vi"), refused(raw, "en")
    assert [(refusal.status, refusal.kind) for refusal in refusals] == [(400, "not_json")] * 2
    assert refusals[0].detail == f"Vui lòng sửa cú pháp JSON rồi gửi lại: {vi}."
    assert refusals[1].detail == f"Correct the JSON syntax and send it again: {en}."


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"text": "a", "text": "b"}', "text"),
        (b'{"text": "a", "topic": "tax", "text": "a"}', "text"),
        (b'{"business": {"name": "a", "name": "b"}}', "name"),
        (b'[[{"x": [{"y": 1, "z": {}, "y": 2}]}]]', "y"),
        (b'{"t\\u0065xt": "a", "text": "b"}', "text"),
        (b'{"": 1, "": 2}', ""),
        (b'{"a": 1, "a": 99999999999999999999999999}', "a"),
        (b'{"attachments": [{"content": "' + b"A" * 9000 + b'", "filename": "a", "filename": "b"}]}', "filename"),
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_refused_by_name(raw: bytes, name: str) -> None:
    refusals = refused(raw, "vi"), refused(raw, "en")
    assert [(refusal.status, refusal.kind) for refusal in refusals] == [(400, "name_twice")] * 2
    assert f"“{name}”" in refusals[0].detail
    assert f"“{name}”" in refusals[1].detail


@pytest.mark.parametrize(
    "value",
    [
        {"name": "a", "business": {"name": "a"}, "contact": {"name": "a"}},
        [{"filename": "a"}, {"filename": "a"}],
        {"text": '"text": 1, "text": 2'},
        {"text": '"' + "A" * 5000 + '" and "' + "B" * 5000 + '"', "more": "\\" + "A" * 5000},
        {"content": base64.b64encode(bytes(range(256)) * 100).decode(), "empty": ""},
    ],
)
def test_the_same_name_in_different_objects_or_in_a_text_is_no_repetition(value: object) -> None:
    for raw in (orjson.dumps(value), json.dumps(value, indent=1).encode()):
        assert decoded(raw, "vi") == value


def test_a_name_among_very_many_is_found_as_fast_as_they_are_read() -> None:
    raw = b"{" + b",".join(b'"x%d":1' % number for number in range(200_000)) + b',"x199999":1}'
    assert "“x199999”" in refused(raw).detail


def test_a_long_name_is_shown_by_its_beginning_on_one_line() -> None:
    raw = json.dumps("a\nb" + "x" * 500).encode()
    detail = refused(b"{" + raw + b":1," + raw + b":2}").detail
    assert re.search("“a bx{37}”", detail)
    assert len(detail) < 150
