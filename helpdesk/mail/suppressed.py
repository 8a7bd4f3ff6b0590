"""`helpdesk mail suppressed`: addresses that nothing is sent to any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from helpdesk.connecting import with_mongo

if TYPE_CHECKING:
    from kit.mongo import Document, Mongo
    from kit.settings import ServiceSettings
    from services.notifier.suppressions import Suppressions

suppressed = typer.Typer(help="Addresses that nothing is sent to any more, because a mail came back for good.", no_args_is_help=True)


@suppressed.callback()
def _group() -> None:
    """Addresses that nothing is sent to any more, because a mail came back for good."""


@suppressed.command(name="list")
def list_() -> None:
    """Print each address with the day, the ticket and the reason, the newest first."""

    async def work(settings: "ServiceSettings", mongo: "Mongo") -> "list[Document]":
        return await _suppressions(settings, mongo).listed()

    rows = with_mongo(work)
    for row in rows:
        typer.echo(f"{row['_id']}  {row['since']:%Y-%m-%d %H:%M} UTC  {row['reference']}  {row['reason']}")
    if not rows:
        typer.echo("No address is suppressed.")


@suppressed.command()
def lift(address: Annotated[str, typer.Argument(help="As the list shows it; case does not matter.")]) -> None:
    """Send to ADDRESS again, from the next mail on. What failed meanwhile is not sent again. Exit code 1: it was not suppressed."""

    async def work(settings: "ServiceSettings", mongo: "Mongo") -> bool:
        return await _suppressions(settings, mongo).lift(address, mongo.now())

    if not with_mongo(work):
        typer.echo(f"helpdesk mail suppressed lift: {address} is not suppressed; `helpdesk mail suppressed list` shows what is", err=True)
        raise typer.Exit(1)
    typer.echo(f"{address} is written to again.")


def _suppressions(settings: "ServiceSettings", mongo: "Mongo") -> "Suppressions":
    from services.notifier.suppressions import Suppressions

    return Suppressions(mongo.database(f"{settings.mongodb_database_prefix}_notifier"))
