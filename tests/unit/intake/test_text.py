"""The first line of what people typed."""

import pytest

from services.intake.domain.text import first_line


@pytest.mark.parametrize(
    ("text", "longest", "line"),
    [
        ("Tờ khai bị phân luồng đỏ\nChi tiết…", 200, "Tờ khai bị phân luồng đỏ"),
        ("một hai ba bốn", 10, "một hai…"),
        ("khôngcókhoảngtrắng", 10, "khôngcókh…"),
    ],
)
def test_the_first_line_is_cut_at_a_word(text: str, longest: int, line: str) -> None:
    assert first_line(text, longest) == line
