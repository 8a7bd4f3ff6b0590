"""`helpdesk rollups`: the sums that reports read."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings

rollups = typer.Typer(help="The sums of finished clocks that reports read.", no_args_is_help=True)


@rollups.command("rebuild")
def rebuild() -> None:
    """Make the sums anew from the facts, month by month. Reports go on meanwhile; run again, it finds nothing to do."""
    from helpdesk.connecting import with_mongo
    from services.routing.rollups import Rollups

    async def rebuilt(settings: "ServiceSettings", mongo: "Mongo") -> int:
        sums, changed = Rollups(mongo, mongo.database(f"{settings.mongodb_database_prefix}_routing")), 0
        for month in await sums.months():
            count = await sums.rebuild(month)
            changed += count
            if count:
                typer.echo(f"{month}: {count:,} sums corrected")
        return changed

    if not with_mongo(rebuilt):
        typer.echo("every sum was right")
