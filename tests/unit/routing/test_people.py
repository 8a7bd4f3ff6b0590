"""Whom to tell: never nobody, never anybody twice."""

from typing import Any

import pytest

from schemas.organisation import Organisation, Recipient
from services.routing.domain.people import oversees, supervisors, told
from tests.support.happenings import keys
from tests.support.organisations import officer, organisation, with_officers


def who(org: Organisation, *recipients: Recipient, having: str | None = "hai", group: str = "hon-gai") -> list[str]:
    spec = org.group(group)
    assert spec is not None
    return keys(told(recipients, org, spec, having))


@pytest.mark.parametrize(
    ("recipients", "having", "expected"),
    [
        (("officer",), "hai", ["hai"]),
        (("officer",), None, ["hong"]),
        (("officer",), "left-the-service", ["hong"]),
        (("lead",), "hai", ["hong"]),
        (("supervisor",), "hai", ["sau"]),
        (("authority",), "hai", ["competent-authority"]),
        (("officer", "lead"), "hong", ["hong"]),
        (("officer", "lead", "supervisor", "authority"), "hai", ["hai", "hong", "sau", "competent-authority"]),
        (("lead", "officer"), None, ["hong"]),
        ((), "hai", []),
    ],
)
def test_each_word_of_the_ladder_stands_for_people(recipients: tuple[Recipient, ...], having: str | None, expected: list[str]) -> None:
    assert who(organisation(), *recipients, having=having) == expected


SUBSTITUTES: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("A is there", [officer("hai", "hon-gai", substitute="hung")], ["hai"]),
    ("A→B", [officer("hai", "hon-gai", substitute="hung", on_duty=False)], ["hung"]),
    (
        "A→B→C",
        [
            officer("hai", "hon-gai", substitute="hung", on_duty=False),
            officer("hung", "hon-gai", substitute="quang", on_duty=False),
        ],
        ["quang"],
    ),
    (
        "A→B→A, both away",
        [
            officer("hai", "hon-gai", substitute="hung", on_duty=False),
            officer("hung", "hon-gai", substitute="hai", on_duty=False),
        ],
        ["hong"],
    ),
    ("A→A", [officer("hai", "hon-gai", substitute="hai", on_duty=False)], ["hong"]),
    ("A without substitute", [officer("hai", "hon-gai", on_duty=False)], ["hong"]),
    (
        "A and the lead away, whose substitute is there",
        [
            officer("hai", "hon-gai", on_duty=False),
            officer("hong", "hon-gai", substitute="quang", on_duty=False),
        ],
        ["quang"],
    ),
    (
        "everybody away: the lead all the same",
        [
            officer("hai", "hon-gai", substitute="hung", on_duty=False),
            officer("hung", "hon-gai", on_duty=False),
            officer("hong", "hon-gai", substitute="hung", on_duty=False),
        ],
        ["hong"],
    ),
]


@pytest.mark.parametrize(("changed", "expected"), [row[1:] for row in SUBSTITUTES], ids=[row[0] for row in SUBSTITUTES])
def test_the_absent_are_replaced_and_at_last_by_the_lead(changed: list[dict[str, Any]], expected: list[str]) -> None:
    assert who(with_officers(*changed), "officer") == expected


def test_a_supervisor_away_without_substitute_is_replaced_by_the_lead() -> None:
    assert who(with_officers(officer("sau", supervises=["quang-ninh"], on_duty=False)), "supervisor") == ["hong"]


def test_one_of_two_supervisors_away_leaves_the_other() -> None:
    org = with_officers(officer("sau", supervises=["quang-ninh"], on_duty=False), officer("bay", supervises=["quang-ninh"]))
    assert who(org, "supervisor") == ["bay"]


def test_the_supervisor_is_the_one_of_the_nearest_unit_above() -> None:
    org = organisation()
    assert [spec.key for spec in supervisors(org, "hon-gai")] == ["sau"]
    assert [spec.key for spec in supervisors(org, "cau-treo")] == ["tong"]


def test_without_any_supervisor_the_lead_is_told() -> None:
    assert who(with_officers(officer("sau"), officer("tong")), "supervisor") == ["hong"]


def test_the_authority_is_named_in_its_own_language() -> None:
    org = organisation()
    group = org.group("hon-gai")
    assert group is not None
    person = told(("authority",), org, group, None)[0]
    assert (person.name, person.email) == ("Bộ Tài chính", "mof@gov.example")


@pytest.mark.parametrize(
    ("key", "expected"),
    [("hong", True), ("hai", False), ("sau", True), ("tong", True), ("quan", True), ("quang", False), ("nobody", False)],
)
def test_the_lead_supervisors_above_and_administrators_oversee_a_group(key: str, expected: bool) -> None:
    org = organisation()
    group = org.group("hon-gai")
    assert group is not None
    assert oversees(org, key, group) is expected
