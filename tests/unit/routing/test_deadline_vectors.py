"""Due dates computed by hand, and those of a reference table beside the checkout where there is one."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpdesk.deadline import answer

CHECKOUT = Path(__file__).resolve().parents[3]
OURS = json.loads((CHECKOUT / "tests" / "data" / "deadlines.json").read_text(encoding="utf-8"))
REFERENCE = CHECKOUT.parent / "shared" / "deadlines" / "vectors.json"
THEIRS = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.exists() else []


@pytest.mark.parametrize("case", [*OURS, *THEIRS], ids=lambda case: case["name"])
def test_the_due_date_is_the_one_computed_by_hand(case: dict[str, Any]) -> None:
    found, expected = answer(case), case["expect"]
    if expected.get("error"):
        assert list(found) == ["name", "error"]
        assert found["error"]
        return
    assert found == {"name": case["name"], "due": expected["due"], "warnings": expected.get("warnings", found.get("warnings"))}


def test_no_case_of_the_table_stands_there_twice() -> None:
    assert len({case["name"] for case in OURS}) == len(OURS)
