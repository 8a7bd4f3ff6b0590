"""`helpdesk deadline`: what it prints, and that no file makes it fall over."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.deadline import answer, deadline
from tests.unit.routing.generated import EXAMPLES

CHECKOUT = Path(__file__).resolve().parents[3]
CASE: dict[str, Any] = {
    "name": "Thứ Hai",
    "calendar": {"timezone": "Asia/Ho_Chi_Minh", "week": {"mon": [["08:00", "12:00"], ["13:00", "17:00"]]}},
    "start": "2025-08-25T08:00:00+07:00",
    "budget": "PT8H",
    "warn_percent": [75, 50],
}


def printed(file: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    deadline(file)
    return json.loads(capsys.readouterr().out)


def test_it_prints_due_date_and_warnings_in_the_zone_of_the_calendar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([CASE]), encoding="utf-8")
    assert printed(file, capsys) == [
        {
            "name": "Thứ Hai",
            "due": "2025-08-25T17:00:00+07:00",
            "warnings": ["2025-08-25T15:00:00+07:00", "2025-08-25T12:00:00+07:00"],
        }
    ]


def test_a_bad_case_is_answered_with_a_sentence_beside_the_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([CASE | {"name": "bad", "budget": "P2D"}, 7, CASE]), encoding="utf-8-sig")
    with pytest.raises(typer.Exit) as ended:
        deadline(file)
    assert ended.value.exit_code == 1
    bad, seven, good = json.loads(capsys.readouterr().out)
    assert bad["name"] == "bad"
    assert bad["error"].startswith("budget: give working time as an ISO 8601 duration")
    assert (list(seven), seven["name"]) == (["name", "error"], None)
    assert good["due"] == "2025-08-25T17:00:00+07:00"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{}", b"null", b"[NaN]", b"\xff\xfe\x00", b"[" * 100_000, b"[" + b"9" * 5_000 + b"]"],
    ids=["empty", "cut off", "no list", "null", "not a number", "not UTF-8", "deep", "huge number"],
)
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.json"
    file.write_bytes(content)
    with pytest.raises(typer.Exit) as ended:
        deadline(file)
    out, err = capsys.readouterr()
    assert (ended.value.exit_code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, ": it cannot be read: No such file or directory. Check the path."),
        (b"", ": it is empty. Write [{case}, "),
        (b"{", ":1:2: the name of a field, in double quotes, is missing here. Look at the quotes, "),
        (b"[1\n2]", ":2:1: a comma or a closing bracket is missing here. "),
        (b"[] []", ":1:4: the list has ended before this. "),
        (b"{}", ": this is not a list of cases. Write [{case}, "),
        (b"[NaN]", ": NaN is not JSON.\n"),
        (b"[\n\xff]", ":2:1: this is not UTF-8. Save the file with the encoding UTF-8."),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read_is_told_in_the_words_of_whoever_writes_it(
    content: bytes | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cases.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(typer.Exit):
        deadline(file)
    assert capsys.readouterr().err.startswith(f"{file}{says}")


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ({"calendar": "office"}, 'calendar: this must have fields of its own. Write {"field": value}.'),
        (CASE | {"strat": 1}, 'strat: there is no field "strat" here. Did you mean "start"?'),
        (CASE | {"days": 1}, 'days: there is no field "days" here. The fields are: name, calendar, start, budget, '),
        (CASE | {"budget": {"days": 2}}, 'budget: "working_days" is missing'),
        (
            CASE | {"budget": {"working_days": 2, "count_frist_day": True}},
            'budget.count_frist_day: there is no field "count_frist_day" here. Did you mean ',
        ),
        (CASE | {"calendar": CASE["calendar"] | {"weak": {}}}, 'calendar.weak: there is no field "weak" here. Did you mean "week"?'),
        (CASE | {"calendar": {"week": {}}}, 'calendar: "timezone" is missing'),
        (CASE | {"start": "2025-08-25T08:00"}, "start: give an instant as ISO 8601 text with its offset, "),
        (CASE | {"start": "2025-08-25T08:00+07:00 or so"}, "start: give an instant as ISO 8601 text with its offset, "),
        (CASE | {"pauses": 5}, "pauses: this must be a list. Write [a, b]."),
        (7, 'this must have fields of its own. Write {"field": value}.'),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_case_is_told_in_the_words_of_whoever_writes_it(case: object, error: str) -> None:
    assert answer(case)["error"].startswith(error)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_missing_file_or_a_folder_is_one_line_and_exit_code_2(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        deadline(tmp_path / name)
    assert (ended.value.exit_code, capsys.readouterr().err.count("\n")) == (2, 1)


def test_a_name_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([CASE]), encoding="utf-8")
    program = f"from pathlib import Path; from helpdesk.deadline import deadline; deadline(Path({str(file)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, env={"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert b"Th\\u1ee9 Hai" in done.stdout
    assert json.loads(done.stdout)[0]["name"] == "Thứ Hai"


@pytest.mark.parametrize("budget", ["PT60M", "P0DT1H", "P0Y0M0DT1H", "PT0.5H30M", " PT3600S "])
def test_working_time_is_a_duration_of_hours_minutes_and_seconds(budget: str) -> None:
    assert answer(CASE | {"budget": budget})["due"] == "2025-08-25T09:00:00+07:00"


@pytest.mark.parametrize("budget", ["P1W", "P1DT1H", "P1M", "P1Y", "P0D", "PT", "PT0H", "-PT1H", "8"])
def test_days_weeks_and_months_are_no_working_time(budget: str) -> None:
    assert answer(CASE | {"budget": budget})["error"].startswith("budget: ")


@pytest.mark.parametrize(
    "start", [1756087200, 1756087200.5, "1756087200", True, "2025-08-25", "2025-08-25T08:00", None, ["2025-08-25T08:00Z"]]
)
def test_a_start_that_is_no_instant_written_out_is_refused(start: object) -> None:
    assert answer(CASE | {"start": start})["error"].startswith("start: ")
    assert answer(CASE | {"pauses": [[start, "2025-08-26T08:00:00Z"]]})["error"].startswith("pauses.0.0: ")


def test_a_calendar_that_never_opens_is_named_only_where_it_has_a_name() -> None:
    calendar = {"timezone": "UTC"}
    assert answer(CASE | {"calendar": calendar})["error"] == "the calendar never opens: give `week` or `extra` a window"
    assert answer(CASE | {"calendar": calendar | {"key": "gate"}})["error"] == "calendar gate never opens: give `week` or `extra` a window"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["UTC", "PT1H", "08:00", "24:00", "2025-01-06"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(sorted(CASE)), ANYTHING, st.sampled_from(["", "timezone", "week", "closed", "extra", "closures", "holidays"]))
def test_whatever_stands_in_a_field_is_answered(field: str, value: object, inner: str) -> None:
    case = CASE | {field: CASE["calendar"] | {inner: value} if field == "calendar" and inner else value}
    found = answer(case)
    assert list(found) in (["name", "due", "warnings"], ["name", "error"])
    assert "\n" not in found.get("error", "")
