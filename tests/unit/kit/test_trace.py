"""Trace context: the caller's when it is well formed."""

import re

import pytest

from kit.trace import accepted

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FORMAT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def test_a_well_formed_one_is_kept() -> None:
    assert accepted(GOOD) == GOOD


@pytest.mark.parametrize(
    "header",
    [None, "", "x", GOOD.upper(), f"{GOOD}\n", GOOD.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), f"01{GOOD[2:]}", GOOD[:-1]],
)
def test_anything_else_is_replaced_by_a_new_one(header: str | None) -> None:
    new = accepted(header)
    assert FORMAT.fullmatch(new)
    assert new != header
    assert accepted(header) != new
