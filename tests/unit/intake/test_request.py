"""A request as it came in: everything wrong is told at once, everything right is kept in one form."""

import hashlib
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import Business, Contact
from services.intake.domain import form
from services.intake.domain.files import Upload
from services.intake.domain.problems import WORDING, Invalid, sentence
from services.intake.domain.request import FollowUp, NewRequest, fingerprint, read_follow_up, read_request

TOPICS = frozenset({"tax", "hs"})
UNITS = frozenset({"hon-gai", "binh-duong"})


def good(**changes: object) -> dict[str, Any]:
    body: dict[str, Any] = {
        "topic": "hs",
        "text": "Xin hướng dẫn mã HS.\nTờ khai 105432198760.",
        "business": {"name": "Công ty TNHH Hạ Long"},
        "contact": {"email": "an@halong.vn"},
    }
    return body | changes


def read(body: object, *uploads: Upload) -> NewRequest:
    return read_request(body, topics=TOPICS, units=UNITS, files=uploads)


def wrong(body: object, *uploads: Upload) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(body, *uploads)
    for problem in caught.value.problems:
        assert sentence(problem, "vi").endswith(".")
        assert sentence(problem, "en").endswith(".")
    return {problem.field: problem.key for problem in caught.value.problems}


def test_the_least_that_is_enough() -> None:
    assert read(good()) == NewRequest(
        topic="hs",
        unit=None,
        subject="Xin hướng dẫn mã HS.",
        text="Xin hướng dẫn mã HS.\nTờ khai 105432198760.",
        language="vi",
        business=Business(name="Công ty TNHH Hạ Long"),
        contact=Contact(email="an@halong.vn"),
    )


def test_everything_at_once_in_its_canonical_form() -> None:
    request = read(
        good(
            unit=" hon-gai ",
            subject="  Mã HS\ncho tôm ",
            language="en",
            business={"name": "Co\u0302ng ty", "tax_code": "0101234567 001"},
            contact={"name": "An", "email": "An@HALONG.vn", "phone": "0912.345.678"},
        ),
        Upload("../tờ khai.pdf", 10, "application/pdf", "ab"),
    )
    assert (request.unit, request.subject, request.language) == ("hon-gai", "Mã HS cho tôm", "en")
    assert request.business == Business(name="Công ty", tax_code="0101234567-001")
    assert request.contact == Contact(name="An", email="An@halong.vn", phone="+84912345678")
    assert [file.filename for file in request.files] == ["tờ khai.pdf"]


def test_an_empty_body_is_told_everything_that_is_missing() -> None:
    assert wrong({}) == {
        "topic": "topic_missing",
        "business.name": "business_name_missing",
        "contact.email": "contact_missing",
        "text": "text_missing",
    }


@pytest.mark.parametrize(
    ("changes", "field", "key"),
    [
        ({"topic": "unheard"}, "topic", "topic_unknown"),
        ({"topic": 7}, "topic", "not_text"),
        ({"topic": ["hs"]}, "topic", "not_text"),
        ({"unit": "nowhere"}, "unit", "unit_unknown"),
        ({"unit": {}}, "unit", "not_text"),
        ({"subject": "x" * 201}, "subject", "subject_long"),
        ({"text": " \r\n\x00 "}, "text", "text_missing"),
        ({"text": None}, "text", "text_missing"),
        ({"text": "\u202e\u2066 \n\u200f"}, "text", "text_missing"),
        ({"text": "x" * 20_001}, "text", "text_long"),
        ({"language": "fr"}, "language", "language_unknown"),
        ({"language": False}, "language", "not_text"),
        ({"business": "Công ty"}, "business", "not_an_object"),
        ({"business": None}, "business.name", "business_name_missing"),
        ({"business": {"name": "x" * 201}}, "business.name", "business_name_long"),
        ({"business": {"name": "x", "tax_code": "123"}}, "business.tax_code", "tax_code_malformed"),
        ({"business": {"name": "x", "tax_code": 101234567}}, "business.tax_code", "not_text"),
        ({"contact": {}}, "contact.email", "contact_missing"),
        ({"contact": []}, "contact", "not_an_object"),
        ({"contact": {"name": "An"}}, "contact.email", "contact_missing"),
        ({"contact": {"email": "an@"}}, "contact.email", "email_malformed"),
        ({"contact": {"email": "a" * 255}}, "contact.email", "email_long"),
        ({"contact": {"phone": "12"}}, "contact.phone", "phone_malformed"),
        ({"contact": {"email": "an@x.vn", "phone": "12"}}, "contact.phone", "phone_malformed"),
        ({"contact": {"email": "an@x.vn", "name": "x" * 201}}, "contact.name", "contact_name_long"),
        ({"units": "hon-gai"}, "units", "unknown_field"),
        ({"contact": {"email": "an@x.vn", "fax": "1"}}, "contact.fax", "unknown_field"),
    ],
)
def test_one_thing_wrong_is_told_at_its_field(changes: dict[str, Any], field: str, key: str) -> None:
    problems = wrong(good(**changes))
    assert problems[field] == key
    assert set(problems) - {field} <= {"business.name", "contact.email"}, "a part of the wrong type misses its fields too"


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_a_body_that_is_no_object_is_told_so(body: object) -> None:
    assert wrong(body) == {"": "not_an_object"}


def test_problems_of_files_and_fields_are_told_together() -> None:
    problems = wrong(good(text=""), Upload("a.exe", 5, "application/x-msdownload", "x"), Upload("b.pdf", 5, "application/pdf", "y"))
    assert problems == {"text": "text_missing", "attachments.0": "file_blocked"}


def test_lengths_are_counted_after_cleaning_and_reach_their_limit() -> None:
    assert len(read(good(text="  " + "ậ" * 20_000 + "\n")).text) == 20_000
    assert len(read(good(subject="x" * 200)).subject) == 200


def test_lone_surrogates_never_reach_storage() -> None:
    request = read(good(text="a\ud800b", business={"name": "c\udfffd"}))
    assert (request.text, request.business.name) == ("ab", "cd")
    assert fingerprint(request)


def test_the_body_language_wins_over_the_negotiated_one() -> None:
    assert read_request(good(), topics=TOPICS, units=UNITS, language="en").language == "en"
    assert read_request(good(language="vi"), topics=TOPICS, units=UNITS, language="en").language == "vi"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["topic", "unit", "subject", "text", "language", "business", "contact", "attachments", "more"])


@given(st.dictionaries(FIELDS, JSON) | JSON)
def test_any_json_is_accepted_or_refused_in_words(body: object) -> None:
    assert all(told(body))


def told(body: object) -> list[str]:
    """Every problem in both languages; the subject where there is none."""
    try:
        return [read(body).subject]
    except Invalid as refusal:
        return [sentence(problem, language) for problem in refusal.problems for language in ("vi", "en")] or [""]


def test_the_fingerprint_is_of_the_meaning_not_of_the_spelling() -> None:
    one = read(good(contact={"email": "an@HALONG.VN", "phone": "0912 345 678"}))
    other = read({**dict(reversed(good().items())), "contact": {"phone": "+84912345678", "email": "an@halong.vn"}, "unit": None})
    assert fingerprint(one) == fingerprint(other)
    assert len(fingerprint(one)) == 64


def test_the_fingerprint_changes_with_anything_that_was_said() -> None:
    request = read(good(), Upload("a.pdf", 5, "application/pdf", "ab"))
    others = [
        replace(request, text="other"),
        replace(request, topic="tax"),
        replace(request, contact=Contact(phone="+84912345678")),
        replace(request, files=()),
        replace(request, files=(replace(request.files[0], sha256="cd"),)),
    ]
    assert len({fingerprint(each) for each in [request, *others]}) == 6


def test_the_fingerprint_of_one_request_is_known_beforehand() -> None:
    """Stored with what was accepted: a release that computes it otherwise would call a repeated request another one."""
    follow_up, request = FollowUp("Xin chào"), read(good(text="Xin", language="en"), Upload("a.pdf", 5, "application/pdf", "ab"))
    assert fingerprint(follow_up) == digest('{"files":[],"text":"Xin chào"}')
    assert fingerprint(request) == digest(
        '{"business":{"name":"Công ty TNHH Hạ Long"},"contact":{"email":"an@halong.vn"},'
        '"files":[["a.pdf","ab"]],"language":"en","subject":"Xin","text":"Xin","topic":"hs"}'
    )


def digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


def test_a_follow_up_needs_words() -> None:
    assert read_follow_up({"text": " Bổ sung "}) == FollowUp("Bổ sung")
    with pytest.raises(Invalid) as caught:
        read_follow_up({"text": ""}, files=[Upload("a.js", 5, "text/plain", "x")])
    assert [(problem.field, problem.key) for problem in caught.value.problems] == [
        ("text", "message_missing"),
        ("attachments.0", "file_blocked"),
    ]


def test_the_form_says_the_same_as_the_body() -> None:
    values = {
        "topic": "hs",
        "text": good()["text"],
        "business.name": "Công ty TNHH Hạ Long",
        "contact.email": "an@halong.vn",
        "submission_id": "019AA0C2-7B1E-7C3A-9B52-2F6C1D0E8A44",
        "website": "",
    }
    assert read(form.body(values)) == read(good())
    assert form.submission_id(values) == "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44"
    assert not form.caught(values)


@pytest.mark.parametrize("given_id", ["", "1", "not-a-uuid", "019aa0c2-7b1e-7c3a-9b52"])
def test_a_submission_id_that_is_no_uuid_is_none(given_id: str) -> None:
    assert form.submission_id({"submission_id": given_id}) is None


def test_a_robot_fills_in_what_people_do_not_see() -> None:
    assert form.caught({"website": "https://spam.example"})


@pytest.mark.parametrize("key", WORDING)
def test_every_sentence_exists_in_both_languages_with_the_same_braces(key: str) -> None:
    vi, en = WORDING[key]
    assert vi != en
    assert braces(vi) == braces(en)


def braces(words: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(words) if name)


def test_numbers_are_grouped_as_the_language_does() -> None:
    with pytest.raises(Invalid) as caught:
        read(good(text="x" * 20_345))
    (problem,) = caught.value.problems
    assert "20.345" in sentence(problem, "vi")
    assert "20,345" in sentence(problem, "en")
