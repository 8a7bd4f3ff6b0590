"""What `helpdesk up` tells the services, keeps between starts, and does when something dies."""

import asyncio
import json
import os
import secrets
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from helpdesk import provision
from helpdesk.demo import ORGANISATION
from helpdesk.embedded.errors import PortTakenError, ServerDiedError
from helpdesk.embedded.group import ServerGroup
from helpdesk.embedded.logfile import LimitedLog
from helpdesk.embedded.servers import Servers
from helpdesk.organisation import read
from helpdesk.starting.demo import ACCOUNTS, answering, kept_tokens, prepare
from helpdesk.starting.here import AlreadyRunningError, addresses_of, alone, write_addresses
from helpdesk.starting.layout import Ports, environment, kept_secret
from helpdesk.starting.logged import logger_to
from helpdesk.starting.processes import NotReadyError, Processes
from helpdesk.starting.up import until_a_server_dies
from kit.mongo import Mongo
from kit.settings import ServiceSettings
from schemas.topics import SERVICES
from tests.support.ports import free_ports
from tests.support.servers import MongoServer

SOUND = Path(__file__).parents[2] / "data" / "organisations" / "sound.yaml"
PORTS = Ports(8000, 8001, 8002, 8025, 8003, 8026)
SERVERS = Servers("kafka.example:9092", "mongodb://db.example/?replicaSet=rs0")


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_secret_and_tokens_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    secret, tokens = kept_secret(tmp_path), kept_tokens(tmp_path)
    assert len(secret) >= 32
    assert set(tokens) == set(ACCOUNTS)
    assert len(set(tokens.values())) == len(ACCOUNTS)
    assert (kept_secret(tmp_path), kept_tokens(tmp_path)) == (secret, tokens)
    assert [mode(tmp_path / name) for name in ("secret", "demo-tokens.json")] == [0o600, 0o600]


def test_services_are_told_where_the_servers_and_the_catcher_are(tmp_path: Path) -> None:
    told = environment({"PATH": "/bin"}, PORTS, SERVERS, tmp_path, catching=True)
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example:9092"
    assert told["MONGODB_URI"] == "mongodb://db.example/?replicaSet=rs0"
    assert told["HELPDESK_SMTP_URL"] == "smtp://127.0.0.1:8026"
    assert told["HELPDESK_SECRET"] == kept_secret(tmp_path)
    assert (told["HELPDESK_PUBLIC_URL"], told["HELPDESK_ROUTING_PORT"], told["PATH"]) == ("http://127.0.0.1:8000", "8001", "/bin")


def test_answers_and_reports_find_their_way_by_tokens_where_all_mail_is_ours(tmp_path: Path) -> None:
    told = environment({}, PORTS, SERVERS, tmp_path, catching=True)
    assert (told["HELPDESK_PLUS_ADDRESSING"], told["HELPDESK_BOUNCE_ADDRESS"]) == ("true", "bounces@customs.example")
    assert told["HELPDESK_NOTICES_URL"] == "http://127.0.0.1:8002"
    other = environment({"HELPDESK_PLUS_ADDRESSING": "false"}, PORTS, SERVERS, tmp_path, catching=True)
    assert other["HELPDESK_PLUS_ADDRESSING"] == "false"
    real = environment({}, PORTS, SERVERS, tmp_path, catching=False)
    assert not {"HELPDESK_PLUS_ADDRESSING", "HELPDESK_BOUNCE_ADDRESS"} & set(real)


def test_what_the_user_has_set_wins(tmp_path: Path) -> None:
    chosen = {
        "HELPDESK_SECRET": "mine " * 8,
        "HELPDESK_PUBLIC_URL": "https://hotro.example",
        "HELPDESK_SMTP_URL": "smtp://mail.example",
        "HELPDESK_LOG_LEVEL": "DEBUG",
        "HELPDESK_KAFKA_SESSION_TIMEOUT_SECONDS": "45",
    }
    told = environment(chosen, PORTS, SERVERS, tmp_path, catching=False)
    assert {name: told[name] for name in chosen} == chosen
    assert not (tmp_path / "secret").exists()


def test_a_taken_port_is_told_with_its_option_and_the_catchers_matter_only_when_mail_is_caught() -> None:
    intake, routing, notifier, mail, catcher = free_ports(5)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = Ports(intake, routing, notifier, mail, catcher, taken.getsockname()[1])
        ports.require_free(catching=False)
        with pytest.raises(PortTakenError, match=r"choose another with --catcher-smtp-port$"):
            ports.require_free(catching=True)


def test_all_taken_ports_are_told_at_once_with_what_moves_all_of_them() -> None:
    intake, routing, notifier, mail = free_ports(4)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = Ports(intake, one.getsockname()[1], notifier, mail, 0, 0, kafka=two.getsockname()[1], mongo=routing)
        with pytest.raises(PortTakenError) as refused:
            ports.require_free(catching=False, embedded=["kafka", "mongo"])
    lines = str(refused.value).splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines[:2]] == ["--routing-port", "--kafka-port"]
    assert lines[2] == "or move all of them at once: --base-port N takes the 8 ports from N on"


def test_from_a_base_port_on_each_has_its_own_and_what_is_given_stays() -> None:
    assert Ports.chosen({}) == PORTS
    assert Ports.chosen({"mail": 2525, "kafka": None}, 9000) == Ports(9000, 9001, 9002, 2525, 9004, 9005, 9006, 9007)


def test_a_second_start_in_the_same_folder_is_told_where_the_first_answers(tmp_path: Path) -> None:
    with alone(tmp_path):
        with (
            pytest.raises(AlreadyRunningError, match=rf"^already running here \(pid {os.getpid()}\), and still starting$"),
            alone(tmp_path),
        ):
            pass
        write_addresses(tmp_path, {"The form": "http://127.0.0.1:9000/"})
        with pytest.raises(AlreadyRunningError, match=r"its addresses are\n  The form  http://127.0.0.1:9000/$"), alone(tmp_path):
            pass
    with alone(tmp_path):
        assert addresses_of(tmp_path) == {}


def test_what_the_catcher_logs_goes_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with LimitedLog(tmp_path / "catcher.log") as log:
        logger_to(log).info("catcher.mail_caught", id="x")
    assert json.loads((tmp_path / "catcher.log").read_text())["event"] == "catcher.mail_caught"
    assert capfd.readouterr() == ("", "")


async def test_a_service_that_ends_while_starting_is_told_with_its_last_lines(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    processes = Processes(["intake"], lambda _name: f"http://127.0.0.1:{port}", {"PATH": "/bin"}, tmp_path)
    processes.start()
    with pytest.raises(NotReadyError, match=r"^intake ended while starting\. Its last lines:\n.*HELPDESK_SECRET must be set"):
        await processes.until_ready()
    await processes.stop()
    assert processes.pids == {}
    assert "HELPDESK_SECRET must be set" in (tmp_path / "intake.log").read_text()


class Dying(ServerGroup):
    """Ends by itself after a moment."""

    name, title, log_name = "kafka", "Kafka", "kafka"

    def __init__(self) -> None:
        """Needs nothing of a real one."""

    async def until_dead(self) -> None:
        await asyncio.sleep(0.01)
        raise ServerDiedError("Kafka ended while it was serving.")

    def _prepare(self, progress: Callable[[str], None]) -> None: ...
    def _command(self, number: int) -> list[str]:
        return []

    async def _until_ready(self) -> None: ...


async def test_a_server_that_dies_ends_it_with_that_very_error(tmp_path: Path) -> None:
    processes = Processes([], lambda name: name, {}, tmp_path)
    with pytest.raises(ServerDiedError, match="Kafka ended while it was serving"):
        await asyncio.wait_for(until_a_server_dies(Servers("", "", (Dying(),)), processes), 10)


async def test_with_servers_of_others_it_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    watching = asyncio.create_task(until_a_server_dies(SERVERS, Processes([], lambda name: name, {}, tmp_path)))
    await asyncio.sleep(0.1)
    assert not watching.done()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


@pytest.fixture
async def prepared(mongo_server: MongoServer) -> AsyncIterator[tuple[ServiceSettings, Mongo]]:
    """An installation of its own."""
    settings = ServiceSettings(mongodb_database_prefix=f"test{secrets.token_hex(4)}")
    mongo = Mongo(mongo_server.uri)
    yield settings, mongo
    for service in SERVICES:
        database = mongo.database(provision.database_name(settings, service))
        await database.client.drop_database(database.name)
    await mongo.close()


async def test_the_demo_has_its_organisation_and_a_token_for_every_account(prepared: tuple[ServiceSettings, Mongo], tmp_path: Path) -> None:
    settings, mongo = prepared
    tokens = await prepare(settings, mongo, tmp_path)
    assert set(tokens) == set(ACCOUNTS)
    assert await prepare(settings, mongo, tmp_path) == tokens
    assert json.loads((tmp_path / "demo-tokens.json").read_text()) == tokens
    assert await mongo.database(provision.database_name(settings, "routing"))["tokens"].count_documents({}) == len(ACCOUNTS)


async def test_the_demos_chat_answers_to_the_catcher_of_this_start(prepared: tuple[ServiceSettings, Mongo], tmp_path: Path) -> None:
    settings, mongo = prepared
    loaded = None
    for port in (9003, 9013):
        await prepare(settings, mongo, tmp_path, f"http://127.0.0.1:{port}/chat/demo")
        loaded = await provision.organisation_of(settings, mongo)
        assert loaded is not None
        [account] = loaded.chat_accounts
        assert account.callback_url == f"http://127.0.0.1:{port}/chat/demo"
    await prepare(settings, mongo, tmp_path)
    assert await provision.organisation_of(settings, mongo) == loaded


def test_a_chat_account_that_is_not_the_demos_keeps_its_address() -> None:
    demo = read(ORGANISATION)
    mine = demo.chat_accounts[0].model_copy(update={"secret": "a-secret-of-my-own-not-the-demos", "callback_url": "https://chat.example/"})
    organisation = demo.model_copy(update={"chat_accounts": (mine,)})
    assert answering(organisation, "http://127.0.0.1:9003/chat/demo").chat_accounts == (mine,)


async def test_the_demo_leaves_an_organisation_that_is_there_alone(prepared: tuple[ServiceSettings, Mongo], tmp_path: Path) -> None:
    settings, mongo = prepared
    mine = read(SOUND)
    await provision.load(settings, mongo, mine)
    tokens = await prepare(settings, mongo, tmp_path)
    assert await provision.organisation_of(settings, mongo) == mine
    assert set(tokens) <= {officer.key for officer in mine.officers}
