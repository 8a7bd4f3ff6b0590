"""received = opened + threaded + duplicates + bounced + kept + parked + refused + waiting."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from helpdesk.checking.summed import NAMES, summed

KINDS = [
    ("done", "request", None),
    ("done", "message", None),
    ("done", "automatic", None),
    ("done", "duplicate", None),
    ("done", "bounce", None),
    ("kept", None, "own_mail"),
    ("parked", None, "too_slow"),
    ("received", None, None),
]


def group(count: int, state: str, kind: str | None = None, reason: str | None = None, tally: str | None = "a") -> dict[str, Any]:
    return {"_id": {"tally": tally, "state": state, "as": kind, "reason": reason}, "count": count}


GROUPS = [
    group(310, "done", "request"),
    group(700, "done", "message"),
    group(5, "done", "automatic"),
    group(12, "done", "duplicate"),
    group(40, "done", "bounce"),
    group(80, "kept", reason="auto_submitted"),
    group(1, "kept", reason="own_mail"),
    group(2, "parked", reason="too_slow"),
    group(3, "received"),
]


def test_each_mail_stands_in_the_term_of_what_became_of_it() -> None:
    found = summed([{"_id": "a", "rows": 1_153}, {"_id": "b", "refused": {"unknown_mailbox": 7, "too_large": 1}}], GROUPS)
    assert found.line() == (
        "mail: 1,161 received = 310 opened + 705 threaded + 12 duplicates + 40 bounced + 81 kept (80 auto_submitted, 1 own_mail)"
        " + 2 parked (2 too_slow) + 8 refused (7 unknown_mailbox, 1 too_large) + 3 waiting"
    )
    data = found.as_data()
    assert data["received"] == sum(data[name] for name in NAMES)
    assert (data["adds_up"], data["kept_by_reason"]) == (True, {"auto_submitted": 80, "own_mail": 1})


def test_a_mail_that_is_gone_and_one_of_an_unknown_kind_are_missing_from_the_sum() -> None:
    gone = summed([{"_id": "a", "rows": 3}], [group(2, "done", "request")])
    strange = summed([{"_id": "a", "rows": 3}], [group(2, "done", "request"), group(1, "done", "lunch")])
    both_ways = summed([{"_id": "a", "rows": 1}], [group(2, "done", "request")])
    assert [each.lacking for each in (gone, strange, both_ways)] == [1, 1, -1]
    assert gone.line().endswith("; +1 unaccounted for")
    assert not strange.as_data()["adds_up"]


def test_rows_from_before_there_were_counts_are_received_all_the_same() -> None:
    found = summed([{"_id": "a", "rows": 1}], [group(1, "done", "request"), group(9, "done", "message", tally=None)])
    assert (found.received, found.lacking) == (10, 0)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 1_000), st.sampled_from(["a", "b", None])), max_size=40))
def test_whatever_became_of_the_mails_the_sum_adds_up_while_none_is_lost(became: list[tuple[Any, int, str | None]]) -> None:
    groups = [group(count, state, as_, reason, tally) for (state, as_, reason), count, tally in became]
    tallies = [{"_id": name, "rows": sum(count for _, count, tally in became if tally == name)} for name in "ab"]
    found = summed(tallies, groups)
    assert found.lacking == 0
    assert found.received == sum(count for _, count, _ in became)
