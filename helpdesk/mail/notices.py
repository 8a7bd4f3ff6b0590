"""`helpdesk mail notices`: what staff have turned off of the mail they can do without."""

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from helpdesk.connecting import with_mongo

if TYPE_CHECKING:
    from kit.mongo import Document, Mongo
    from kit.settings import ServiceSettings
    from services.notifier.domain.notices import Notice
    from services.notifier.preferences import Preferences

Kind = Literal["new_requests", "warnings"]
BY_COMMAND: Final = "command"
_HELP: Final = "Notices that staff can do without, and have turned off by the link in one of them."

notices = typer.Typer(help=_HELP, no_args_is_help=True)


@notices.callback(help=_HELP)
def _group() -> None: ...


@notices.command(name="list")
def list_() -> None:
    """Print who has turned off what, since when and by what: the `link` in a mail, or this `command`."""

    async def work(settings: "ServiceSettings", mongo: "Mongo") -> "list[Document]":
        return await _preferences(settings, mongo).listed()

    rows = with_mongo(work)
    for row in rows:
        typer.echo(f"{row['officer']:<12}  {row['notice']:<12}  off since {row['since']:%Y-%m-%d %H:%M} UTC  by {row['by']}")
    if not rows:
        typer.echo("Nobody has turned anything off.")


@notices.command()
def on(officer: Annotated[str, typer.Argument(help="Key of the officer.")], notice: Annotated[Kind, typer.Argument()]) -> None:
    """Mail such notices to OFFICER again, from the next one on. Exit code 1: they were not turned off."""
    _turn(officer, notice, on=True)


@notices.command()
def off(officer: Annotated[str, typer.Argument(help="Key of the officer.")], notice: Annotated[Kind, typer.Argument()]) -> None:
    """Mail no such notices to OFFICER. What asks them to act is mailed all the same. Exit code 1: they were turned off already."""
    _turn(officer, notice, on=False)


def _turn(officer: str, notice: "Notice", *, on: bool) -> None:
    async def work(settings: "ServiceSettings", mongo: "Mongo") -> bool:
        from helpdesk import provision
        from kit.errors import RefusedError

        organisation = await provision.organisation_of(settings, mongo)
        if not on and (organisation is None or organisation.officer(officer) is None):
            raise RefusedError(f"There is no officer {officer!r} in the organisation.")
        return await _preferences(settings, mongo).turn(officer, notice, on=on, by=BY_COMMAND, at=mongo.now())

    state = "on" if on else "off"
    if not with_mongo(work):
        typer.echo(f"helpdesk mail notices {state}: {notice} of {officer} are {state} already", err=True)
        raise typer.Exit(1)
    typer.echo(f"{notice} of {officer} are {state}.")


def _preferences(settings: "ServiceSettings", mongo: "Mongo") -> "Preferences":
    from services.notifier.preferences import Preferences

    return Preferences(mongo.database(f"{settings.mongodb_database_prefix}_notifier"))
