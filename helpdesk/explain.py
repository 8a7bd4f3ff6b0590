"""`helpdesk explain TICKET`: why its deadlines are what they are, as a table."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from helpdesk.words import one_of

if TYPE_CHECKING:
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings
    from schemas.values import Language
    from services.routing.domain.ticket import Ticket
    from services.routing.explaining import Account


def explain(
    ticket: Annotated[str, typer.Argument(help="Reference or id; a reference in any case, with or without dashes.")],
    clock: Annotated[
        str, typer.Option(metavar="KIND[-CYCLE]", help="Only this clock, such as `resolution`, `resolution-2`, `hand_over-1-2`.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list, each as the API gives it.")] = False,
    language: Annotated[str, typer.Option(help="Of the table: vi or en.", callback=one_of("vi", "en"))] = "en",
) -> None:
    """Show each stretch of time a ticket's clocks counted or skipped, and why; they sum to what was spent. Changes nothing.

    Exit code 0: shown; 1: no such ticket or clock, or MongoDB does not answer; 2: a setting can't be used.
    """
    from helpdesk.connecting import with_mongo

    async def gather(settings: "ServiceSettings", mongo: "Mongo") -> "list[Account]":
        return await _accounts(settings, mongo, ticket, clock)

    found = with_mongo(gather)
    print(_printable(_as_json(found) if as_json else _as_text(found, cast("Language", language))))


async def _accounts(settings: "ServiceSettings", mongo: "Mongo", name: str, clock: str) -> "list[Account]":
    from kit.organisation import OrganisationStore
    from services.routing.directory import Directory
    from services.routing.explaining import account, revisions_of
    from services.routing.history import HistoryRepository, Unread

    database = mongo.database(f"{settings.mongodb_database_prefix}_routing")
    store = OrganisationStore(database)
    await store.refresh()
    ticket = await _ticket(database, name)
    chosen = _chosen(ticket, clock)
    ctx = await Directory(store).covering(revisions_of(chosen.values()))
    history, now = HistoryRepository(database), mongo.now()
    told = await history.of(ticket.id)
    for event in told:
        if isinstance(event, Unread):
            typer.echo(f"Event {event.sequence} ({event.type}) of {ticket.reference} cannot be read and is left out.", err=True)
    events = [event for event in told if not isinstance(event, Unread)]
    return [account(ticket, key, each, ctx, events, now, recorded=await history.worked(ticket.id, each)) for key, each in chosen.items()]


async def _ticket(database: Any, name: str) -> "Ticket":  # noqa: ANN401 (the driver's own type)
    from uuid import UUID

    from kit.errors import RefusedError
    from kit.mongo import translated
    from services.intake.domain.reference import MalformedReference, MistypedReference, parse
    from services.routing.documents import ticket_of
    from services.routing.storage import TICKETS

    try:
        wanted = {"_id": str(UUID(name))}
    except ValueError:
        try:
            wanted = {"reference": parse(name)}
        except (MalformedReference, MistypedReference) as error:
            raise RefusedError(str(error)) from error
    with translated():
        row = await database[TICKETS.name].find_one(wanted, {"state": 1})
    if row is None:
        shown = next(iter(wanted.values()))
        raise RefusedError(f"There is no ticket {shown} in {database.name}. Is it the right installation, and has routing opened it yet?")
    return ticket_of(row)


def _chosen(ticket: "Ticket", asked: str) -> dict[str, Any]:
    """The clocks asked for: all, those of a kind, those of a kind and cycle, or one by its name."""
    from kit.errors import RefusedError
    from services.routing.domain.naming import named

    clocks = named(ticket.clocks)
    found = {name: clock for name, clock in clocks.items() if asked in ("", name, clock.kind, f"{clock.kind}-{clock.cycle}")}
    if not found:
        there = ", ".join(clocks) or "none"
        raise RefusedError(f"{ticket.reference} has no clock {asked[:64]!r}. There are: {there}.")
    return found


def _as_json(accounts: "list[Account]") -> str:
    from services.routing.api.explained import body

    return json.dumps([body(account).model_dump(mode="json", by_alias=True) for account in accounts], ensure_ascii=False, indent=2)


def _as_text(accounts: "list[Account]", language: "Language") -> str:
    from helpdesk.explained import lines

    return "\n\n".join("\n".join(lines(account, language)) for account in accounts)


def _printable(text: str) -> str:
    """As it is where the terminal can show it, else with what it can't show as question marks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
