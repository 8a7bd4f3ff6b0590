"""Whose a mail is that goes to several departments: a table, and what holds of all mails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.departments import addressed, homes, is_further, own_first
from services.intake.domain.mailboxes import Mailboxes

_GROUPS = {"focal@customs.example": "focal", "hg@customs.example": "hon-gai", "tax@customs.example": "tax"}
BOXES = Mailboxes(_GROUPS, "focal", frozenset({"customs.example"}))
FOCAL, HG, TAX, STRANGER = "Focal@customs.example", "hg+r.token@customs.example", "tax@customs.example", "lan@anbinh.example"


@pytest.mark.parametrize(
    ("group", "has_it", "written_to", "further"),
    [
        ("focal", {"focal"}, [FOCAL], False),
        ("focal", {"focal"}, [FOCAL, HG], False),
        ("hon-gai", {"focal"}, [FOCAL, HG], True),
        ("hon-gai", {"focal"}, [HG], False),  # asked alone: as one of those whose ticket it is
        ("hon-gai", {"focal"}, [HG, TAX], False),  # nobody at home was asked: whoever was must say it there
        ("hon-gai", {"focal", "hon-gai"}, [FOCAL, HG], False),  # it moved here
        ("tax", {"focal", "hon-gai"}, [HG, TAX, STRANGER], True),
        ("hon-gai", {"border"}, [FOCAL, HG], True),  # a group without a mailbox writes under the focal point's
        ("focal", {"border"}, [FOCAL, HG], False),
        ("hon-gai", set(), [FOCAL, HG], False),  # nobody knows yet who has it
        ("hon-gai", {"focal"}, ["postmaster@customs.example", HG], True),
    ],
)
def test_a_group_gets_a_ticket_of_its_own_when_it_was_asked_besides_those_whose_ticket_it_is(
    group: str, has_it: set[str], written_to: list[str], further: bool
) -> None:
    assert is_further(group, homes(BOXES, frozenset(has_it)), addressed(BOXES, written_to)) is further


GROUPS = st.frozensets(st.sampled_from(["focal", "hon-gai", "tax", "border"]), max_size=3)
WRITTEN = st.lists(st.sampled_from([FOCAL, HG, TAX, STRANGER]), max_size=6)


@given(GROUPS, WRITTEN)
def test_there_is_always_somebody_who_was_asked_and_takes_it_as_the_ticket_s_own(has_it: frozenset[str], written: list[str]) -> None:
    """Else a mail on a thread could go to further tickets alone."""
    asked, at_home = addressed(BOXES, written), homes(BOXES, has_it)
    assert not asked or any(not is_further(group, at_home, asked) for group in asked)


@given(st.sampled_from(["focal", "hon-gai", "tax"]), WRITTEN)
def test_a_group_s_own_addresses_come_first_and_none_is_lost_or_doubled(group: str, written: list[str]) -> None:
    ordered = own_first(BOXES, group, written)
    assert set(ordered) == set(written)
    assert len(ordered) == len(set(written))
    own = [group in addressed(BOXES, [address]) for address in ordered]
    assert own == sorted(own, reverse=True)
