"""`helpdesk explain` as it is typed, about tickets that were really opened and held."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import pytest

from kit.ids import new_id
from kit.journal import Journal
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from schemas import topics
from services.intake.domain.reference import RANDOM_BYTES, mint
from services.routing.deciding import change_of
from services.routing.directory import Directory
from services.routing.domain.commands import Actor, Wait
from services.routing.domain.decide import decide
from services.routing.handlers import Handlers
from services.routing.repository import TicketRepository
from services.routing.storage import ROUTING
from tests.support.command_line import Said, helpdesk
from tests.support.happenings import request
from tests.support.organisations import organisation
from tests.support.servers import MongoServer

Command = Callable[..., Awaitable[Said]]


@dataclass(frozen=True)
class Held:
    """A ticket opened three days ago, whose business was asked something an hour later."""

    prefix: str
    ticket_id: str
    reference: str


@pytest.fixture(scope="module")
async def held(mongo_server: MongoServer) -> AsyncIterator[Held]:
    held = Held(f"test{secrets.token_hex(4)}", new_id(), mint(secrets.token_bytes(RANDOM_BYTES)))
    mongo = Mongo(mongo_server.uri)
    database = mongo.database(f"{held.prefix}_routing")
    await mongo.ensure(database, ROUTING)
    store = OrganisationStore(database)
    await store.save(organisation())
    await store.refresh()
    directory, tickets = Directory(store), TicketRepository(mongo, database, Journal(database, topics.TICKETS))
    opened = mongo.now() - timedelta(days=3)
    await Handlers(tickets, directory, lambda: opened).on_requests([request(opened, held.ticket_id, reference=held.reference)])
    ticket = (await tickets.load([held.ticket_id]))[held.ticket_id]
    ctx, asked = directory.context(), opened + timedelta(hours=1)
    decision = decide(ticket, Wait("question-1", "Xin gửi tờ khai."), Actor("hai", "Hai"), ctx, asked)
    await tickets.save([change_of(ticket, decision, ctx, cause=new_id())], now=asked)
    yield held
    await database.client.drop_database(database.name)
    await mongo.close()


@pytest.fixture
def command(held: Held, mongo_server: MongoServer) -> Command:
    variables = {"MONGODB_URI": mongo_server.uri, "HELPDESK_MONGODB_DATABASE_PREFIX": held.prefix}

    async def typed(*arguments: str) -> Said:
        return await asyncio.to_thread(helpdesk, "explain", *arguments, variables=variables)

    return typed


async def test_every_clock_of_a_ticket_is_a_table_whose_columns_stand_below_each_other(command: Command, held: Held) -> None:
    said = await command(held.reference.lower().replace("-", ""))
    assert (said.code, said.err) == (0, "")
    headings = [line.split("  ")[1] for line in said.out.splitlines() if line.startswith(held.reference)]
    assert headings == ["first_response-1", "resolution-1", "hand_over-1"]
    table = said.out.split("\n\n")[2].splitlines()
    assert table[0].split() == ["Day", "From", "To", "Counted", "Running", "total", "Reason"]
    place = table[0].index("Counted") + len("Counted")
    assert all(line[place - 1].isdigit() and line[place : place + 2] == "  " for line in table[1:-1])
    assert table[-1].endswith("exactly what was spent")


async def test_one_clock_in_vietnamese_says_why_it_is_paused(command: Command, held: Held) -> None:
    said = await command(held.ticket_id, "--clock", "resolution", "--language", "vi")
    assert said.code == 0
    assert said.out.startswith(f"{held.reference}  resolution-1  Giải quyết (chu kỳ 1)\nĐang tạm dừng, vì vậy chưa có thời hạn.")
    assert "chưa có thời điểm, vì đồng hồ đang tạm dừng" in said.out


async def test_as_json_it_is_what_the_api_says_and_sums_exactly(command: Command, held: Held) -> None:
    said = await command(held.reference, "--json", "--clock", "first_response-1")
    (told,) = json.loads(said.out, parse_float=Fraction, parse_int=Fraction)
    assert (told["clock"], told["reference"], told["ticket_id"]) == ("first_response-1", held.reference, held.ticket_id)
    assert sum(segment["counted_seconds"] for segment in told["segments"]) == told["sum_seconds"] == told["spent"]["seconds"]
    assert {"from", "to", "reason", "calendar", "policy", "counted_seconds", "total_seconds"} == told["segments"][0].keys()


async def test_a_mistyped_reference_is_told_from_one_that_is_not_there(command: Command, held: Held) -> None:
    other = {"2": "3"}.get(held.reference[-1], "2")
    mistyped = await command(held.reference[:-1] + other)
    assert (mistyped.code, mistyped.out) == (1, "")
    assert "has a typing mistake: its check character does not agree" in mistyped.err
    absent = await command("0190b7a0-0000-7000-8000-000000000001")
    assert (absent.code, absent.out) == (1, "")
    assert absent.err.startswith("There is no ticket 0190b7a0-0000-7000-8000-000000000001 in ")
    shapeless = await command("ticket")
    assert (shapeless.code, shapeless.err.split(":")[0]) == (1, "A reference looks like HD-XXX-XXX-XXX")


async def test_a_clock_that_is_not_there_names_those_that_are(command: Command, held: Held) -> None:
    said = await command(held.reference, "--clock", "resolution-2")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"{held.reference} has no clock 'resolution-2'. There are: first_response-1, resolution-1, hand_over-1.\n"


async def test_an_event_that_cannot_be_read_is_named_and_the_rest_is_told(command: Command, held: Held, mongo_server: MongoServer) -> None:
    mongo = Mongo(mongo_server.uri)
    journal = mongo.database(f"{held.prefix}_routing")["journal"]
    row = await journal.find_one({"stream": held.ticket_id, "seq": 2})
    assert row is not None
    await journal.update_one({"_id": row["_id"]}, {"$set": {"body": '{{"type": "{}"}}'.format(row["type"])}})
    said = await command(held.reference, "--json")
    await journal.replace_one({"_id": row["_id"]}, row)
    await mongo.close()
    assert (said.code, said.err) == (0, f"Event 2 ({row['type']}) of {held.reference} cannot be read and is left out.\n")
    assert len(json.loads(said.out)) == 3


async def test_a_ticket_that_cannot_be_read_is_no_matter_of_settings(command: Command, held: Held, mongo_server: MongoServer) -> None:
    mongo = Mongo(mongo_server.uri)
    tickets = mongo.database(f"{held.prefix}_routing")["tickets"]
    row = await tickets.find_one({"_id": held.ticket_id})
    assert row is not None
    await tickets.update_one({"_id": row["_id"]}, {"$unset": {"state.subject": 1}})
    said = await command(held.reference)
    await tickets.replace_one({"_id": row["_id"]}, row)
    await mongo.close()
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("What is stored as Ticket cannot be read (subject: ")
    assert "setting" not in said.err


async def test_with_mongodb_away_it_says_so_in_one_sentence(held: Held) -> None:
    variables = {"MONGODB_URI": "mongodb://127.0.0.1:9/?replicaSet=rs0"}
    said = await asyncio.to_thread(helpdesk, "explain", held.reference, variables=variables)
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert said.err.startswith("MongoDB does not answer (127.0.0.1:9")
