"""`helpdesk dlq list|show|replay|discard`."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from helpdesk.deadletters.choosing import Choice
    from helpdesk.deadletters.handled import Decision, Decisions
    from helpdesk.deadletters.letter import DeadLetter
    from helpdesk.deadletters.reading import DeadLetterTopics
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings

dlq = typer.Typer(help="Dead letters: records that could not be used.", no_args_is_help=True)

UNREACHABLE: Final = 2

Ids = Annotated[list[str] | None, typer.Argument(help="Ids as `list` shows them, such as routing/0/17.", metavar="ID", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="All that nobody has decided about.")]
WhereError = Annotated[str | None, typer.Option(help="All of this error that nobody has decided about.", metavar="NAME")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True)
class Desk:
    """What the commands work with."""

    settings: "ServiceSettings"
    mongo: "Mongo"
    topics: "DeadLetterTopics"
    decisions: "Decisions"


@dlq.command("list")
def list_letters(
    service: Annotated[str | None, typer.Argument(help="intake, routing or notifier; all three when left out.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were replayed or discarded.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List dead letters, the oldest first."""

    async def work(desk: Desk) -> None:
        from helpdesk.deadletters.showing import as_data, line

        shown = hidden = 0
        async for letter, decision in _letters(desk, service):
            if decision and not everything:
                hidden += 1
                continue
            shown += 1
            print(json.dumps(as_data(letter, decision)) if as_json else line(letter, decision))
        if not as_json:
            print(_summary(shown, hidden))

    _run(work)


async def _letters(desk: Desk, service: str | None) -> "AsyncIterator[tuple[DeadLetter, Decision | None]]":
    from helpdesk.deadletters.counting import with_decisions
    from kit.errors import RefusedError
    from schemas.topics import SERVICES

    if service is not None and service not in SERVICES:
        raise RefusedError(f"There is no service {service[:40]!r}; there are {', '.join(SERVICES)}.")
    for name in (service,) if service else SERVICES:
        async for pair in with_decisions(desk.topics, desk.decisions, name):
            yield pair


def _summary(shown: int, hidden: int) -> str:
    handled = f"; {hidden:,} already handled, --all shows them" if hidden else ""
    if not shown:
        return f"no dead letters{handled}"
    return f"\n{_count(shown)}{handled}. `helpdesk dlq show ID` has everything about one."


@dlq.command("show")
def show_letter(
    letter_id: Annotated[str, typer.Argument(help="Id as `list` shows it.", metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the value alone, byte for byte.")] = False,
) -> None:
    """Show everything about one dead letter."""

    async def work(desk: Desk) -> None:
        from helpdesk.deadletters.choosing import Choice, chosen
        from helpdesk.deadletters.showing import full

        [letter] = await chosen(desk.topics, desk.decisions, Choice((letter_id,)))
        if raw:
            sys.stdout.buffer.write(letter.value or b"")
            sys.stdout.flush()
            return
        decided = await desk.decisions.of([letter])
        print("\n".join(full(letter, decided.get(letter.id))))

    _run(work)


@dlq.command("replay")
def replay_letters(ids: Ids = None, everything: Everything = False, where_error: WhereError = None, yes: Yes = False) -> None:
    """Publish dead letters to the topics they came from, as they were. Whoever could use them then, skips them now."""

    async def work(desk: Desk) -> None:
        from helpdesk.deadletters.choosing import Choice
        from helpdesk.deadletters.handled import Decision
        from helpdesk.deadletters.replaying import replay
        from kit.kafka import make_producer

        letters = await _agreed(desk, Choice(ids or (), everything, where_error), "replay", yes=yes)
        async for letter in replay(partial(make_producer, desk.settings, "cli"), letters):
            # After the publication: a crash in between publishes it again, which is skipped, and never forgets it.
            await desk.decisions.remember([letter], Decision("replayed", desk.mongo.now(), None))
            print(f"replayed {letter.id} to {letter.origin.topic if letter.origin else ''}")

    _run(work)


@dlq.command("discard")
def discard_letters(
    why: Annotated[str, typer.Option(help="The reason, for whoever asks later.")],
    ids: Ids = None,
    everything: Everything = False,
    where_error: WhereError = None,
    yes: Yes = False,
) -> None:
    """Put dead letters aside for good, unless they were replayed or discarded before.

    Kafka keeps them until they expire; `list --all` still shows them, with the reason.
    """

    async def work(desk: Desk) -> None:
        from helpdesk.deadletters.choosing import Choice
        from helpdesk.deadletters.handled import Decision
        from helpdesk.deadletters.printable import printable
        from kit.errors import RefusedError

        if not why.strip():
            raise RefusedError("Say why with --why TEXT; somebody may ask what became of it.")
        letters = await _agreed(desk, Choice(ids or (), everything, where_error), "discard", yes=yes)
        gone = await desk.decisions.of(letters)
        aside = [letter for letter in letters if letter.id not in gone]
        if aside:
            await desk.decisions.remember(aside, Decision("discarded", desk.mongo.now(), why.strip()[:1_000]))
        for letter in letters:
            print(f"{letter.id} stays as it is: {printable(str(gone[letter.id]), 200)}" if letter.id in gone else f"discarded {letter.id}")

    _run(work)


async def _agreed(desk: Desk, choice: "Choice", what: str, *, yes: bool) -> "list[DeadLetter]":
    """The letters, after asking where they were not named one by one."""
    from helpdesk.deadletters.choosing import chosen
    from kit.errors import RefusedError

    letters = await chosen(desk.topics, desk.decisions, choice)
    if not letters:
        print("no dead letters")
    elif choice.broad and not yes:
        if not sys.stdin.isatty():
            raise RefusedError(f"This would {what} {_count(len(letters))}. Say --yes to do it.")
        typer.confirm(f"{what.capitalize()} {_count(len(letters))}?", abort=True)
    return letters


def _count(letters: int) -> str:
    return "1 dead letter" if letters == 1 else f"{letters:,} dead letters"


def _run(work: Callable[[Desk], Awaitable[None]]) -> None:
    """With connections; what goes wrong becomes a sentence, and an exit code of 1 when it is up to the caller, 2 when a server is away."""
    from helpdesk.failing import told

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with told(away=UNREACHABLE):
        asyncio.run(_connected(work))


async def _connected(work: Callable[[Desk], Awaitable[None]]) -> None:
    from helpdesk.deadletters.handled import Decisions
    from helpdesk.deadletters.reading import DeadLetterTopics
    from helpdesk.provision import connected, database_name
    from kit.settings import ServiceSettings
    from schemas.topics import SERVICES

    settings = ServiceSettings()
    mongo = connected(settings)
    try:
        await mongo.measure_clock()
        databases = {service: mongo.database(database_name(settings, service)) for service in SERVICES}
        await work(Desk(settings, mongo, DeadLetterTopics(settings), Decisions(databases)))
    finally:
        await mongo.close()
