"""`helpdesk init`, `load`, `token create` and `settings` as an administrator types them."""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import pytest
from pymongo import MongoClient

from helpdesk import provision
from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from helpdesk.starting.demo import answering, answering_as_before
from kit.journal import Journal
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from kit.settings import ServiceSettings
from schemas import topics
from schemas.topics import SERVICES
from services.routing.directory import Directory
from services.routing.handlers import Handlers
from services.routing.repository import TicketRepository
from services.routing.storage import ROUTING
from services.routing.tokens import TokenRepository
from tests.support.command_line import Said, helpdesk
from tests.support.happenings import request
from tests.support.servers import KafkaFactory, MongoServer

BROKEN = Path(__file__).parents[2] / "data" / "organisations" / "broken"
SOUND = BROKEN.parent / "sound.yaml"
NOWHERE = {"MONGODB_URI": "mongodb://127.0.0.1:9/?replicaSet=rs0", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}

Command = Callable[..., Said]


@pytest.fixture
def installation(mongo_server: MongoServer) -> Iterator[dict[str, str]]:
    """The variables of an installation of its own, whose Kafka is away: only `init` needs one."""
    prefix = f"test{secrets.token_hex(4)}"
    yield NOWHERE | {"MONGODB_URI": mongo_server.uri, "HELPDESK_MONGODB_DATABASE_PREFIX": prefix}
    with MongoClient[Any](mongo_server.uri) as client:
        for service in SERVICES:
            client.drop_database(f"{prefix}_{service}")


@pytest.fixture
def command(installation: dict[str, str]) -> Command:
    return lambda *arguments: helpdesk(*arguments, variables=installation)


def routing(installation: dict[str, str], look: Callable[[Any, Mongo], Coroutine[Any, Any, Any]]) -> Any:
    """What `look` finds in routing's database."""

    async def looked() -> Any:
        mongo = Mongo(installation["MONGODB_URI"])
        try:
            return await look(mongo.database(f"{installation['HELPDESK_MONGODB_DATABASE_PREFIX']}_routing"), mongo)
        finally:
            await mongo.close()

    return asyncio.run(looked())


async def test_init_makes_what_is_missing_and_again_changes_nothing(own_kafka: KafkaFactory, installation: dict[str, str]) -> None:
    kafka = await own_kafka()
    variables = installation | {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "HELPDESK_KAFKA_PARTITIONS": "2"}
    first = await asyncio.to_thread(helpdesk, "init", variables=variables)
    assert (first.code, first.err) == (0, "")
    assert first.out == (
        "topics made: helpdesk.intake.dlq, helpdesk.notifications.v1, helpdesk.notifier.dlq, helpdesk.requests.v1, "
        "helpdesk.routing.dlq, helpdesk.tickets.v1\n"
    )
    again = await asyncio.to_thread(helpdesk, "init", variables=variables)
    assert again == Said(0, "nothing was missing\n", "")


def test_loading_the_demo_twice_is_one_revision_and_another_file_the_next(command: Command) -> None:
    first, again = command("load", str(ORGANISATION)), command("load", str(ORGANISATION))
    assert first.code == 0
    assert first.out.endswith("loaded as revision 1; running services take it up within seconds\n")
    assert again.out.splitlines()[:-1] == first.out.splitlines()[:-1]
    assert again.out.splitlines()[-1] == "nothing changed: all services have this already, and revision 1 stays"
    other = command("load", str(SOUND))
    assert (other.code, other.out.splitlines()[-1]) == (0, "loaded as revision 2; running services take it up within seconds")


def test_a_service_that_lacks_what_the_others_have_gets_it_and_that_is_not_nothing(command: Command, installation: dict[str, str]) -> None:
    command("load", str(SOUND))
    with MongoClient[Any](installation["MONGODB_URI"]) as client:
        client[f"{installation['HELPDESK_MONGODB_DATABASE_PREFIX']}_notifier"]["organisation"].delete_many({})
    assert command("load", str(SOUND)).out.splitlines()[-1] == "loaded as revision 1; running services take it up within seconds"


def test_a_chat_account_without_a_callback_is_a_warning_and_loads_all_the_same(command: Command) -> None:
    said = command("load", str(ORGANISATION))
    warning = 'warning: Answers to the chats of the account "demo" are shown on the status page alone; give it a callback_url.\n'
    assert (said.code, said.err) == (0, warning)


def test_loading_the_demos_file_leaves_its_chat_answered_where_up_said(command: Command, installation: dict[str, str]) -> None:
    settings = ServiceSettings(mongodb_database_prefix=installation["HELPDESK_MONGODB_DATABASE_PREFIX"])
    told_by_up = answering(read(ORGANISATION), "http://127.0.0.1:8003/chat/demo")
    routing(installation, lambda _, mongo: provision.load(settings, mongo, told_by_up))
    said = command("load", str(ORGANISATION))
    assert (said.code, said.err) == (0, "the demo's chat account keeps the callback_url that `helpdesk up --demo` gave it\n")
    assert said.out.splitlines()[-1].startswith("nothing changed: ")
    assert routing(installation, lambda _, mongo: provision.organisation_of(settings, mongo)) == told_by_up


def test_what_a_file_says_itself_of_the_demos_chat_is_not_overruled() -> None:
    mine, before = (answering(read(ORGANISATION), f"https://{host}.example/") for host in ("mine", "before"))
    assert answering_as_before(mine, before) == mine
    assert answering_as_before(read(ORGANISATION), None) == read(ORGANISATION)
    assert answering_as_before(read(ORGANISATION), before) == before


def test_a_preview_tells_which_clocks_would_move_and_saves_nothing(command: Command, installation: dict[str, str], tmp_path: Path) -> None:
    assert command("load", str(SOUND), "--preview").out == "nothing is loaded yet, so no clock would move\n"
    command("load", str(SOUND))
    assert command("load", str(SOUND), "--preview").out == "no open clock would move\n"

    async def opened(database: Any, mongo: Mongo) -> None:
        store = OrganisationStore(database)
        await store.refresh()
        handlers = Handlers(TicketRepository(mongo, database, Journal(database, topics.TICKETS)), Directory(store), mongo.now)
        await mongo.ensure(database, ROUTING)
        received = datetime(2125, 3, 5, 2, tzinfo=UTC)  # a Monday of years without an office closed by a decree
        await handlers.on_requests([request(received, topic="tax", unit="hon-gai", reference="HD-234-567-89A")])

    routing(installation, opened)
    longer = tmp_path / "longer.yaml"
    text = SOUND.read_text(encoding="utf-8")
    longer.write_text(text.replace("{clock: first_response, hours: 8}", "{clock: first_response, hours: 16}"), encoding="utf-8")
    assert longer.read_text(encoding="utf-8") != text
    said = command("load", str(longer), "--preview").out.splitlines()
    assert said[0] == "1 open clocks of 1 tickets would move"
    assert said[1].split() == ["1", "quang-ninh", "first_response"]
    assert said[2:4] == ["0 would be overdue at once", "the move"]
    assert said[4].endswith("(+7 d 00:00)")
    assert command("load", str(longer)).out.splitlines()[-1].startswith("loaded as revision 2")


@pytest.mark.parametrize("name", ["absent_keys", "broken_indentation", "field_twice"])
def test_a_broken_file_is_refused_line_by_line_and_nothing_of_it_is_kept(command: Command, name: str) -> None:
    said = command("load", str(BROKEN / f"{name}.yaml"))
    assert (said.code, said.out) == (1, "")
    assert said.err.strip() == (BROKEN / f"{name}.txt").read_text(encoding="utf-8").strip()
    assert command("token", "create", "lan").err == "No organisation is loaded yet. Run `helpdesk load FILE.yaml` first.\n"


def test_a_file_that_is_not_there_is_one_sentence(command: Command) -> None:
    said = command("load", "nowhere.yaml")
    assert (said.code, said.err) == (1, "nowhere.yaml: it cannot be read: No such file or directory. Check the path.\n")


def test_a_token_is_shown_once_opens_the_door_and_only_its_hash_is_kept(command: Command, installation: dict[str, str]) -> None:
    command("load", str(ORGANISATION))
    said = command("token", "create", "lan", "--days", "30", "--note", "her laptop")
    token = said.out.strip()
    assert (said.code, token[:3]) == (0, "hd_")
    assert said.err == f"valid until {datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}\n"  # noqa: TID251 (the command reads the clock)

    async def officer(database: Any, mongo: Mongo) -> Any:
        (row,) = await database["tokens"].find().to_list(None)
        return await TokenRepository(database).officer_of(token, mongo.now()), token in str(row), row["note"]

    assert routing(installation, officer) == ("lan", False, "her laptop")


def test_a_token_for_nobody_we_know_names_those_there_are(command: Command) -> None:
    command("load", str(ORGANISATION))
    said = command("token", "create", "lann")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("There is no officer 'lann'. There are: admin, ")
    assert " lan, " in said.err


def test_tokens_are_listed_without_what_opens_the_door(command: Command) -> None:
    command("load", str(ORGANISATION))
    assert command("token", "list") == Said(0, "", "no tokens\n")
    made = [command("token", "create", who, "--note", note).out.strip() for who, note in (("lan", "laptop"), ("hoa", ""), ("lan", "phone"))]
    said = command("token", "list")
    rows = [row.split() for row in said.out.splitlines()]
    assert [(row[1], row[7:]) for row in rows] == [("hoa", []), ("lan", ["laptop"]), ("lan", ["phone"])]
    assert not any(token in said.out for token in made)
    assert len(command("token", "list", "lan").out.splitlines()) == 2


def test_a_revoked_token_opens_nothing_and_others_go_on(command: Command, installation: dict[str, str]) -> None:
    command("load", str(ORGANISATION))
    tokens = {note: command("token", "create", "lan", "--note", note).out.strip() for note in ("laptop", "phone", "tablet")}
    ids = {row.split()[-1]: row.split()[0] for row in command("token", "list").out.splitlines()}

    def valid() -> set[str]:
        async def look(database: Any, mongo: Mongo) -> set[str]:
            repository = TokenRepository(database)
            return {note for note, token in tokens.items() if await repository.officer_of(token, mongo.now())}

        found: set[str] = routing(installation, look)
        return found

    unclear = command("token", "revoke", "lan")
    assert (unclear.code, "lan has 3 tokens: " in unclear.err, "--all" in unclear.err) == (1, True, True)
    assert command("token", "revoke", "lan", "--id", "x.*").err == "lan has no such token. `helpdesk token list` shows those there are.\n"
    assert valid() == set(tokens)
    assert command("token", "revoke", "lan", "--id", ids["phone"]).out == "revoked 1 token of lan\n"
    assert valid() == {"laptop", "tablet"}
    assert command("token", "revoke", "lan", "--all").out == "revoked 2 tokens of lan\n"
    assert valid() == set()
    assert command("token", "revoke", "lan", "--all").code == 1


def test_settings_explains_all_and_shows_no_secret() -> None:
    secret = {
        "HELPDESK_SECRET": "not-for-your-eyes-not-for-your-eyes",
        "MONGODB_URI": "mongodb://somebody:not-for-your-eyes@db.example/?replicaSet=rs0",
        "HELPDESK_SMTP_URL": "smtps://somebody:not-for-your-eyes@mail.example",
        "HELPDESK_KAFKA_SASL_PASSWORD": "not-for-your-eyes",
    }
    said = helpdesk("settings", variables=secret | {"HELPDESK_PUBLIC_URL": "https://hotro.example"})
    assert (said.code, "not-for-your-eyes" in said.out + said.err) == (0, False)
    lines = said.out.splitlines()
    for variable in secret:
        assert f"{variable}=********" in lines
    assert "HELPDESK_PUBLIC_URL=https://hotro.example" in lines
    assert {"HELPDESK_INTAKE_PORT=8000", "HELPDESK_ROUTING_PORT=8001", "HELPDESK_NOTIFIER_PORT=8002"} <= set(lines)
    names, meanings = lines[::2], lines[1::2]
    assert len(set(names)) == len(names)
    assert all(meaning.startswith("    ") and meaning.strip() for meaning in meanings)


@pytest.mark.parametrize("arguments", [("settings",), ("init",), ("load", str(ORGANISATION)), ("token", "create", "lan")], ids=str)
def test_a_setting_that_cannot_be_used_is_named_and_its_value_not_shown(arguments: tuple[str, ...]) -> None:
    said = helpdesk(*arguments, variables=NOWHERE | {"HELPDESK_KAFKA_PARTITIONS": "many"})
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1].startswith("HELPDESK_KAFKA_PARTITIONS: Input should be a valid integer")
    assert "many" not in said.err


def test_with_mongodb_away_a_command_says_so_in_one_sentence() -> None:
    said = helpdesk("init", variables=NOWHERE)
    assert said == Said(
        1, "", "MongoDB does not answer (127.0.0.1:9: [Errno 111] Connection refused). Is it running, and is MONGODB_URI its address?\n"
    )


def test_with_kafka_away_init_says_so_in_one_sentence(command: Command) -> None:
    said = command("init")
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert said.err.startswith("Kafka at 127.0.0.1:9: ")


def test_an_address_of_mongodb_that_is_none_is_one_sentence() -> None:
    said = helpdesk("init", variables={"MONGODB_URI": "mongo://db.example"})
    assert (said.code, said.err) == (2, "MONGODB_URI: Invalid URI scheme: URI must begin with 'mongodb://' or 'mongodb+srv://'\n")


def test_help_is_there_at_once() -> None:
    before, began = getrusage(RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "helpdesk", "--help"], check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 2.0, f"{seconds:.2f} s of CPU time, {time.monotonic() - began:.2f} s in all"  # half of it on an idle machine
