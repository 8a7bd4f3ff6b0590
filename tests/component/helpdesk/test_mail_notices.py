"""`helpdesk mail notices` as an administrator types it, and `helpdesk demo reply` where nothing answers."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from helpdesk.starting.here import write_addresses
from schemas.topics import SERVICES
from tests.support.command_line import Said, helpdesk
from tests.support.ports import free_ports
from tests.support.servers import MongoServer

SOUND = Path(__file__).parents[2] / "data" / "organisations" / "sound.yaml"


@pytest.fixture(name="variables")
def _variables(mongo_server: MongoServer) -> Iterator[dict[str, str]]:
    prefix = f"test{secrets.token_hex(4)}"
    yield {"MONGODB_URI": mongo_server.uri, "HELPDESK_MONGODB_DATABASE_PREFIX": prefix}
    with MongoClient[Any](mongo_server.uri) as client:
        for service in SERVICES:
            client.drop_database(f"{prefix}_{service}")


def test_what_an_officer_turned_off_is_listed_and_turned_on_again(variables: dict[str, str]) -> None:
    def notices(*arguments: str) -> Said:
        return helpdesk("mail", "notices", *arguments, variables=variables)

    assert helpdesk("load", str(SOUND), variables=variables).code == 0
    assert notices("list").out == "Nobody has turned anything off.\n"
    assert notices("off", "minh", "warnings").out == "warnings of minh are off.\n"
    again = notices("off", "minh", "warnings")
    assert (again.code, "off already" in again.err) == (1, True)
    listed = notices("list").out.split()
    assert (listed[:2], listed[-2:]) == (["minh", "warnings"], ["by", "command"])
    assert notices("on", "minh", "warnings").out == "warnings of minh are on.\n"
    assert notices("on", "minh", "warnings").code == 1
    assert notices("list").out == "Nobody has turned anything off.\n"


def test_nobody_is_spared_a_notice_who_is_not_there_nor_mail_that_is_no_notice(variables: dict[str, str]) -> None:
    assert helpdesk("load", str(SOUND), variables=variables).code == 0
    stranger = helpdesk("mail", "notices", "off", "nobody", "warnings", variables=variables)
    assert (stranger.code != 0, "There is no officer 'nobody'" in stranger.err) == (True, True)
    assert helpdesk("mail", "notices", "off", "minh", "escalations", variables=variables).code == 2


def test_a_reply_to_nothing_that_runs_says_what_to_start(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    write_addresses(tmp_path, {"Mail catcher": f"http://127.0.0.1:{port}/   every mail ends here"})
    said = helpdesk("demo", "reply", "Xin chào", "--data", str(tmp_path))
    assert (said.code != 0, "Is `helpdesk up --demo` running?" in said.err) == (True, True)
