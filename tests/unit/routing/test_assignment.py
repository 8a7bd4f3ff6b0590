"""Fair shares, and the group above."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.assignment import fair_choice, group_above
from tests.support.organisations import officer, organisation, with_officers

ORG = organisation()
CAU_TREO = next(group for group in ORG.groups if group.key == "cau-treo")
HON_GAI = next(group for group in ORG.groups if group.key == "hon-gai")


def test_where_officers_claim_nobody_is_chosen() -> None:
    assert fair_choice(ORG, HON_GAI, {}, "t1") is None


def test_the_officer_with_the_least_open_work_is_chosen() -> None:
    chosen = fair_choice(ORG, CAU_TREO, {"cam": 2, "chi": 1, "cuc": 3}, "t1")
    assert chosen is not None
    assert chosen.key == "chi"


def test_nobody_off_duty_is_given_work() -> None:
    away = with_officers(officer("cam", "cau-treo", on_duty=False), officer("chi", "cau-treo", on_duty=False))
    chosen = fair_choice(away, CAU_TREO, {"cuc": 99}, "t1")
    assert chosen is not None
    assert chosen.key == "cuc"


def test_with_nobody_on_duty_the_ticket_waits_in_the_queue() -> None:
    away = with_officers(*(officer(key, "cau-treo", on_duty=False) for key in ("cam", "chi", "cuc")))
    assert fair_choice(away, CAU_TREO, {}, "t1") is None


@given(st.lists(st.uuids(), max_size=60, unique=True))
def test_open_work_given_out_never_differs_by_more_than_one(tickets: list[object]) -> None:
    work: Counter[str] = Counter({"cam": 0, "chi": 0, "cuc": 0})
    for ticket in tickets:
        chosen = fair_choice(ORG, CAU_TREO, work, str(ticket))
        assert chosen is not None
        work[chosen.key] += 1
    assert max(work.values()) - min(work.values()) <= 1


def test_among_equals_work_finished_at_once_does_not_always_fall_to_the_same_officer() -> None:
    shares: Counter[str] = Counter()
    for number in range(300):
        chosen = fair_choice(ORG, CAU_TREO, {}, f"ticket-{number}")
        assert chosen is not None
        shares[chosen.key] += 1
    assert min(shares["cam"], shares["chi"], shares["cuc"]) > 70


@pytest.mark.parametrize(
    ("group", "expected"),
    [("hon-gai", "quang-ninh"), ("quang-ninh", None), ("cau-treo", None), ("focal", None)],
)
def test_the_group_above_is_that_of_the_nearest_unit_above_that_has_one(group: str, expected: str | None) -> None:
    spec = ORG.group(group)
    assert spec is not None
    above = group_above(ORG, spec, "valuation")
    assert (above.key if above else None) == expected
