"""Every mistake in an organisation file is told with its place and its remedy.

Each `tests/data/organisations/broken/NAME.yaml` has beside it, in `NAME.txt`, all that is said about it.
"""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import OrganisationErrors, Problem, read, warnings

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BROKEN = Path(__file__).parents[2] / "data" / "organisations" / "broken"
SOUND = BROKEN.parent / "sound.yaml"
FILES = sorted(BROKEN.glob("*.yaml"))


def refused(source: Path | str) -> OrganisationErrors:
    with pytest.raises(OrganisationErrors) as refusal:
        read(source, NOW)
    return refusal.value


def sound(*replaced: tuple[str, str]) -> str:
    text = SOUND.read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_file_is_refused_with_everything_that_is_wrong_in_it(file: Path) -> None:
    assert str(refused(file)) == file.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize("file", [file for file in FILES if file.stem != "not_utf8"], ids=lambda file: file.stem)
def test_what_does_not_exist_is_pointed_at_to_the_column(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    for problem in refused(file).problems:
        wrong = re.match(r'there is no (?!language|field)[\w -]+ "(.+)"', problem.message)
        if wrong:
            assert lines[problem.line - 1][problem.column - 1 :].startswith(wrong[1])


def test_the_file_all_broken_ones_are_made_from_is_sound_but_for_lonely_leads_and_a_chat_without_callback() -> None:
    assert warnings(read(SOUND, NOW)) == (
        'The group "quang-ninh" has no officers besides its lead "hung".',
        'The group "hon-gai" has no officers besides its lead "minh".',
        'Answers to the chats of the account "demo" are shown on the status page alone; give it a callback_url.',
    )


def test_a_chat_account_that_says_where_answers_go_is_no_warning() -> None:
    text = sound(("secret: demo-secret-not-for-real-use", 'secret: demo-secret-not-for-real-use, callback_url: "https://chat.example/"'))
    assert not any("callback_url" in warning for warning in warnings(read(text, NOW)))


def test_problems_come_in_the_order_of_their_lines() -> None:
    lines = [problem.line for problem in refused(BROKEN / "several_at_once.yaml").problems]
    assert lines == sorted(lines)
    assert len(lines) > 3


def test_a_file_that_is_not_there_is_named() -> None:
    assert str(refused(Path("nowhere.yaml"))) == "nowhere.yaml: it cannot be read: No such file or directory. Check the path."


def test_what_is_nested_without_end_is_refused_and_not_followed() -> None:
    assert "nested too deeply" in str(refused("[" * 1000))
    assert "Did you mean" in str(refused(sound(("rules:", "ruels: &self [*self]\nrules:"))))


def test_aliases_that_would_fill_the_memory_are_refused_quickly() -> None:
    chain = pairwise("abcdefghijklmnopqrstuvwx")
    bomb = "a: &a [x, x]\n" + "".join(f"{after}: &{after} [*{before}, *{before}, *{before}]\n" for before, after in chain)
    assert "a: there is no field" in str(refused(bomb))


def said(text: str) -> tuple[Problem, ...]:
    try:
        read(text, NOW)
    except OrganisationErrors as refusal:
        return refusal.problems
    return ()


def test_any_single_line_taken_out_leaves_a_sound_file_or_one_with_problems_told() -> None:
    lines = SOUND.read_text(encoding="utf-8").splitlines()
    for at in range(len(lines)):
        problems = said("\n".join(lines[:at] + lines[at + 1 :]))
        assert all(0 <= problem.line <= len(lines) for problem in problems)


def test_times_and_dates_need_no_quotes() -> None:
    text = ORGANISATION.read_text(encoding="utf-8")
    bare = re.sub(r'"(\d\d:\d\d)"', r"\1", text)
    quoted = re.sub(r"\b(2026-\d\d-\d\d)", r'"\1"', text)
    assert '"' + "08:00" not in bare
    assert read(bare, NOW) == read(quoted, NOW) == read(text, NOW)


def test_repeated_parts_can_be_written_once_with_an_anchor() -> None:
    anchored = sound(
        ('mon: [["08:00", "12:00"], ["13:00", "17:00"]]', 'mon: &day [["08:00", "12:00"]]\n      tue: *day'),
        ("- {clock: first_response, hours: 8}", "- &eight {clock: first_response, hours: 8}\n      - {<<: *eight, clock: next_response}"),
    )
    org = read(anchored, NOW)
    assert org.calendars[0].week["tue"] == (("08:00", "12:00"),)
    assert [target.hours for target in org.policies[0].targets] == [8, 8, None]


def test_a_mistake_in_what_is_merged_in_is_pointed_at_where_it_is_written() -> None:
    merged = sound(
        ("- {clock: first_response, hours: 8}", "- &eight {clock: first_response, hours: -8}\n      - {<<: *eight, clock: next_response}")
    )
    places = [(problem.line, problem.path) for problem in refused(merged).problems]
    assert places == [(17, "policies[0].targets[0].hours"), (17, "policies[0].targets[1].hours")]


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        (
            "groups: [hon-gai]}",
            "groups: [hon-gai], on_duty: false}",
            '"minh", the lead of the group "hon-gai", is off duty and no substitute on duty is named.',
        ),
        (
            "rules:\n",
            "rules:\n  - {name: All to the port, group: hon-gai}\n",
            'The rule "All to the port" matches every request, so that the 1 after it are never reached.',
        ),
    ],
)
def test_what_may_not_be_meant_is_a_warning(old: str, new: str, warning: str) -> None:
    assert warning in warnings(read(sound((old, new)), NOW))


def test_a_lead_off_duty_with_a_substitute_on_duty_is_no_warning() -> None:
    text = sound(("groups: [hon-gai]}", "groups: [hon-gai], on_duty: false, substitute: hung}"))
    assert not any("off duty" in warning for warning in warnings(read(text, NOW)))


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "org.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SOUND.read_bytes())
    assert read(file, NOW) == read(SOUND, NOW)
