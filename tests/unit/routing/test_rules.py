"""Which group, and why."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.conditions import asked
from services.routing.domain.policies import Traits, choose_policy
from services.routing.domain.rules import choose_group
from services.routing.domain.words import folded, mentions
from tests.support.happenings import request
from tests.support.organisations import as_written, organisation

ORDER = [
    # what is sent, the group, why (English)
    ({"topic": "proposal", "unit": "hon-gai"}, "legal", "Rule “Proposals go to Legal”: topic Law and policy proposal"),
    ({"topic": "proposal", "group": "hon-gai"}, "legal", "Rule “Proposals go to Legal”: topic Law and policy proposal"),
    ({"topic": "valuation", "unit": "cau-treo", "group": "hon-gai"}, "hon-gai", "The business wrote to Hon Gai itself"),
    ({"topic": "valuation", "unit": "hon-gai"}, "hon-gai", "Hon Gai owns this topic at Hon Gai"),
    ({"topic": "valuation", "unit": "hon-gai", "group": "focal"}, "hon-gai", "Hon Gai owns this topic at Hon Gai"),
    ({"topic": "origin", "unit": "hon-gai"}, "quang-ninh", "Quang Ninh owns this topic at Quang Ninh"),
    ({"topic": None, "unit": "hon-gai"}, "quang-ninh", "Quang Ninh owns this topic at Quang Ninh"),
    ({"topic": "origin", "unit": "ha-tinh"}, "focal", "No rule matched; it goes to the focal point, Focal point"),
    ({"topic": "origin", "unit": None}, "focal", "No rule matched; it goes to the focal point, Focal point"),
    ({"topic": None, "unit": None, "group": "focal"}, "focal", "No rule matched; it goes to the focal point, Focal point"),
    ({"topic": "gone", "unit": "gone", "group": "gone"}, "focal", "No rule matched; it goes to the focal point, Focal point"),
]


@pytest.mark.parametrize(("sent", "group", "because"), ORDER)
def test_rules_go_before_the_door_the_door_before_the_topic_owner_and_the_focal_point_takes_the_rest(
    sent: dict[str, Any], group: str, because: str
) -> None:
    choice = choose_group(asked(request(**sent), organisation()))
    assert (choice.group.key, choice.because.en) == (group, because)


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {}, "it applies to every request"),
    ({"units": ["quang-ninh"]}, {"unit": "hon-gai"}, "unit Quang Ninh"),
    ({"units": ["hon-gai"]}, {"unit": "quang-ninh"}, None),
    ({"units": ["general"]}, {"unit": None}, None),
    ({"without_unit": True}, {"unit": None}, "no unit named"),
    ({"without_unit": True, "topics": ["origin"]}, {"unit": None, "topic": "origin"}, "topic Origin, no unit named"),
    ({"without_unit": True}, {"unit": "hon-gai"}, None),
    ({"channels": ["chat"]}, {"channel": "chat"}, "channel chat"),
    ({"channels": ["chat"]}, {"channel": "email"}, None),
    ({"languages": ["en"]}, {"language": "en"}, "language English"),
    ({"languages": ["en"]}, {"language": "vi"}, None),
    ({"words": ["kiểm dịch", "đường bộ"]}, {"text": "Hang di DUONG BO bi giu"}, "the words “đường bộ”"),
    ({"words": ["duong bo"]}, {"subject": "Vận tải Đường bộ"}, "the words “duong bo”"),
    ({"words": ["C/O"]}, {"text": "our company asks"}, None),
    ({"words": ["C/O"]}, {"text": "mẫu c/o form D"}, "the words “C/O”"),
    ({"words": ["thuế"], "channels": ["form"]}, {"text": "Thue nhap khau"}, "channel form, the words “thuế”"),
    ({"words": ["thuế"], "channels": ["email"]}, {"text": "Thue nhap khau"}, None),
]


@pytest.mark.parametrize(("conditions", "sent", "because"), CONDITIONS)
def test_a_rule_matches_when_all_its_conditions_hold_and_says_which(
    conditions: dict[str, Any], sent: dict[str, Any], because: str | None
) -> None:
    org = organisation(rules=[{"name": "R", "group": "cau-treo", **conditions}])
    choice = choose_group(asked(request(**sent), org))
    assert (choice.group.key == "cau-treo") is (because is not None)
    if because is not None:
        assert choice.because.en == f"Rule “R”: {because}"


def test_the_first_of_two_rules_that_match_wins() -> None:
    rules = [{"name": "One", "group": "legal", "topics": ["origin"]}, {"name": "Two", "group": "hon-gai"}]
    assert choose_group(asked(request(topic="origin"), organisation(rules=rules))).group.key == "legal"
    assert choose_group(asked(request(topic="valuation"), organisation(rules=rules))).group.key == "hon-gai"


def test_the_focal_point_is_the_one_the_organisation_names() -> None:
    choice = choose_group(asked(request(topic="origin", unit="ha-tinh"), organisation(focal_point="quang-ninh")))
    assert choice.group.key == "quang-ninh"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Đường Bộ", " duong bo "),
        ("  THUẾ giá-trị\ngia tăng! ", " thue gia tri gia tang "),
        ("ưỡn ỏng ỵ", " uon ong y "),
        ("đĐ", " dd "),
        ("đ\u0300Đ\u0301", " dd "),
        ("“Trị giá”–thuế… 20.000 đồng", " tri gia thue 20 000 dong "),
        ("a_b__c", " a b c "),
        ("O\u034fK", " o k "),
        ("a\u05b0b", " ab "),
        ("Straße Ж́ 東京 ٣", " strasse ж 東京 ٣ "),
        ("", "  "),
    ],
)
def test_case_tone_marks_and_punctuation_do_not_matter(text: str, words: str) -> None:
    assert folded(text) == words


def test_composed_and_decomposed_letters_are_the_same_words() -> None:
    assert folded("thu\u1ebf") == folded("thue\u0302\u0301")


def test_ascii_and_the_marks_taken_away_at_once_are_folded_like_every_other_character() -> None:
    odd = "ж"
    for char in map(chr, (*range(0x180), *range(0x2F0, 0x380))):
        assert f" {odd}{folded(f'a{char}b')}{odd} " == folded(f"{odd} a{char}b {odd}"), ascii(char)


@given(st.text(st.sampled_from("abcXYZ 019_-.\n\x1c\x85\u0300\u0323\u034f\u036fàƠựẵđĐ“–ж"), max_size=30))
def test_a_text_is_folded_as_its_characters_are_one_by_one(text: str) -> None:
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    plain = bare.replace("đ", "d").replace("Đ", "d").casefold()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    assert folded(text) == f" {' '.join(words)} "


def test_words_without_letters_are_never_found() -> None:
    assert not mentions(folded("anything at all"), "!?")


@pytest.mark.parametrize(
    ("topic", "unit", "policy"),
    [("valuation", "cau-treo", "border"), ("valuation", "ha-tinh", "standard"), ("proposal", "legal", "standard")],
)
def test_the_first_policy_for_the_unit_in_charge_measures_the_ticket(topic: str, unit: str, policy: str) -> None:
    assert choose_policy(organisation(), Traits(topic, unit, "form")).key == policy


def test_a_ticket_no_policy_is_for_is_measured_by_the_last() -> None:
    policies = [{**policy, "channels": ["chat"]} for policy in as_written()["policies"]]
    assert choose_policy(organisation(policies=policies), Traits("valuation", "hon-gai", "form")).key == "standard"
