"""A variable with our prefix that nothing reads is named, with what was probably meant; what other parts read is not."""

import re
from pathlib import Path

import pytest

from helpdesk.unread import described, unread
from tests.support.command_line import helpdesk

ROOT = Path(__file__).parents[3]
TOLD = ["README.md", "docker-compose.yml", "Dockerfile", ".env.example", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("HELPDESK_INTAKE_PORTT", "HELPDESK_INTAKE_PORT"),
        ("HELPDESK_STMP_URL", "HELPDESK_SMTP_URL"),
        ("helpdesk_secrets", "HELPDESK_SECRET"),
        ("HELPDESK_BOUNCE_ADDRES", "HELPDESK_BOUNCE_ADDRESS"),
        ("HELPDESK_WEATHER", None),
    ],
)
def test_a_name_that_no_setting_has_is_told_with_the_nearest_that_one_has(name: str, near: str | None) -> None:
    assert unread([name, "HELPDESK_SECRET", "PATH"]) == {name: near}


@pytest.mark.parametrize(
    "name",
    ["HELPDESK_SECRET", "helpdesk_secret", "HELPDESK_SMTP_URL", "HELPDESK_MONGODB_URI", "MONGODB_URL", "HELPDESK_CRASH_AT", "HELPDESKS"],
)
def test_what_is_read_or_is_not_ours_is_not_told(name: str) -> None:
    assert unread([name]) == {}


@pytest.mark.parametrize("file", TOLD)
def test_everything_we_tell_people_to_set_is_read(file: str) -> None:
    names = re.findall(r"\bHELPDESK_[A-Z_]+[A-Z]\b(?!_)", (ROOT / file).read_text(encoding="utf-8"))
    assert unread(names) == {}


def test_it_is_said_in_a_sentence() -> None:
    assert described({"HELPDESK_STMP_URL": "HELPDESK_SMTP_URL", "HELPDESK_X": None}) == [
        "no setting is called HELPDESK_STMP_URL; did you mean HELPDESK_SMTP_URL?",
        "no setting is called HELPDESK_X",
    ]


def test_the_list_of_settings_ends_with_a_warning() -> None:
    said = helpdesk("settings", variables={"HELPDESK_STMP_URL": "smtp://mail.example"})
    assert (said.code, said.err) == (0, "warning: no setting is called HELPDESK_STMP_URL; did you mean HELPDESK_SMTP_URL?\n")
    assert helpdesk("settings").err == ""
