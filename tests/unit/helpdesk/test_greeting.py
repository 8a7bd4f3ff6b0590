"""What `helpdesk up` prints can be copied as it stands, and shows nobody's password."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpdesk.embedded.servers import Servers
from helpdesk.starting.greeting import addresses_told, greeting, nothing_loaded
from helpdesk.starting.layout import Ports
from helpdesk.starting.typed import DATA, Typed, program_of
from tests.support.command_line import helpdesk
from tests.support.ports import free_ports

PORTS = Ports(8000, 8001, 8002, 8025, 8003, 8026)
SERVERS = Servers("kafka.example:9092", "mongodb://db.example/?replicaSet=rs0")
USUAL = Typed("helpdesk", DATA)


def greeted(typed: Typed = USUAL, relay: str | None = None, *, demo: bool = True) -> str:
    return greeting(addresses_told(PORTS, relay, demo=demo), SERVERS, {}, 1.0, typed)


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (USUAL, 'helpdesk demo chat "Where is our container?"'),
        (replace(USUAL, program=".venv/bin/helpdesk"), '.venv/bin/helpdesk demo chat "Where is our container?"'),
        (Typed("helpdesk", Path("kept here")), "helpdesk demo chat \"Where is our container?\" --data 'kept here'"),
    ],
    ids=str,
)
def test_the_chat_to_try_is_typed_as_it_works_here(typed: Typed, command: str) -> None:
    assert f"try it: {command}\n" in greeted(typed)


def test_no_chat_is_offered_where_its_answer_cannot_be_seen() -> None:
    assert "try it" not in greeted(relay="smtp://mail.example")
    assert "try it" not in greeted(demo=False)


@pytest.mark.parametrize(
    ("relay", "where"),
    [
        ("smtps://somebody:pass%40word@mail.example", "mail.example:465"),
        ("smtp://mail.example:2525", "mail.example:2525"),
        ("smtp://somebody:pass%40word@[::1]:25", "[::1]:25"),
    ],
)
def test_where_mail_goes_is_told_by_host_and_port_alone(relay: str, where: str) -> None:
    told = greeted(relay=relay)
    assert f"  Mail out          {where}   " in told
    assert "Mail catcher" not in told
    assert not [secret for secret in ("somebody", "pass", "word@") if secret in told]
    assert "Mail out" not in greeted()


def test_what_has_to_be_done_when_nothing_is_loaded_is_typed_as_it_works_here() -> None:
    assert "run `.venv/bin/helpdesk load FILE.yaml`, then" in nothing_loaded(SERVERS, replace(USUAL, program=".venv/bin/helpdesk"))


def test_the_program_is_what_was_started_and_its_name_alone_where_a_shell_finds_that_very_one(tmp_path: Path) -> None:
    ours, other = tmp_path / "our own" / "helpdesk", tmp_path / "other" / "helpdesk"
    for file in (ours, other):
        file.parent.mkdir()
        file.touch()
    assert program_of(str(ours), str(ours)) == "helpdesk"
    assert program_of(str(ours), str(other)) == f"'{ours}'"
    assert program_of(".venv/bin/helpdesk", None) == ".venv/bin/helpdesk"
    assert program_of("/somewhere/helpdesk/__main__.py", str(other)) == f"{sys.executable} -m helpdesk"


@pytest.mark.parametrize("command", [("chat", "x"), ("reply", "x")], ids=str)
def test_where_nothing_runs_the_folder_is_asked_for(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "up.json").write_text(
        '{{"Chat in": "http://127.0.0.1:{0}/hooks/chat/demo", "Mail catcher": "http://127.0.0.1:{0}/"}}'.format(*free_ports(1))
    )
    said = helpdesk("demo", *command, "--data", str(tmp_path))
    assert said.code == 1
    assert "Is `helpdesk up --demo` running? Name its folder with --data" in said.err
