"""`helpdesk init`, `load`, `token`, `settings`: what an administrator types."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings
    from schemas.organisation import Organisation

tokens = typer.Typer(help="Officers' tokens.", no_args_is_help=True)


def init() -> None:
    """Make topics, collections, indexes and validators; what is there already stays as it is."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo

    made = with_mongo(provision.init)
    typer.echo(f"topics made: {', '.join(made)}" if made else "nothing was missing")


def load(
    file: Annotated[Path, typer.Argument(help="Organisation file (YAML).")],
    look: Annotated[bool, typer.Option("--preview", help="Only show which open clocks would move, and by how much.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="On a terminal: ask nothing when open clocks would move.")] = False,
) -> None:
    """Load units, groups, officers, calendars, policies and rules. The whole file is checked first; loading it again changes nothing.

    On a terminal it shows which open clocks would move and asks before it saves.
    """
    from helpdesk import previewing
    from helpdesk.connecting import with_mongo
    from helpdesk.organisation import OrganisationErrors, read, summary, warnings

    try:
        organisation = read(file)
    except OrganisationErrors as errors:
        typer.echo(str(errors), err=True)
        raise typer.Exit(1) from errors
    organisation = _answering_as_before(organisation)
    for warning in warnings(organisation):
        typer.echo(f"warning: {warning}", err=True)

    if look or (sys.stdin.isatty() and not yes):
        found = with_mongo(lambda settings, mongo: previewing.looked_ahead(settings, mongo, organisation))
        shown = previewing.described(found, organisation) if found else ["nothing is loaded yet, so no clock would move"]
        typer.echo("\n".join(shown))
        if look:
            return
        if found and found.clocks:
            typer.confirm("Load it?", abort=True)

    typer.echo("\n".join((*summary(organisation), _stored(organisation))))


def _answering_as_before(organisation: "Organisation") -> "Organisation":
    """The demo's file cannot know where its chat is answered; `helpdesk up --demo` does, and what it said is kept."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo
    from helpdesk.starting.demo import answering_as_before, unanswered

    if not unanswered(organisation):
        return organisation
    kept = answering_as_before(organisation, with_mongo(provision.organisation_of))
    if kept != organisation:
        typer.echo("the demo's chat account keeps the callback_url that `helpdesk up --demo` gave it", err=True)
    return kept


def _stored(organisation: "Organisation") -> str:
    """What came of it, in a line."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo

    async def store(settings: "ServiceSettings", mongo: "Mongo") -> tuple[int, bool]:
        before = await provision.revisions(settings, mongo)
        number = await provision.load(settings, mongo, organisation)
        return number, before != await provision.revisions(settings, mongo)

    number, changed = with_mongo(store)
    if not changed:
        return f"nothing changed: all services have this already, and revision {number} stays"
    return f"loaded as revision {number}; running services take it up within seconds"


@tokens.command("create")
def create_token(
    officer: Annotated[str, typer.Argument(help="Key of the officer.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days it is valid.")] = 365,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a token for an officer. It is shown once; only a hash of it is kept."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo

    async def create(settings: "ServiceSettings", mongo: "Mongo") -> str:
        token, expires_at = await provision.create_token(settings, mongo, officer, life=timedelta(days=days), note=note)
        typer.echo(f"valid until {expires_at:%Y-%m-%d}", err=True)
        return token

    typer.echo(with_mongo(create))


@tokens.command("list")
def list_tokens(officer: Annotated[str | None, typer.Argument(help="Key of the officer; all when left out.")] = None) -> None:
    """List who has tokens, until when and what for. The tokens themselves are not kept, only their hashes."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo

    issued = with_mongo(lambda settings, mongo: provision.issued_tokens(settings, mongo, officer))
    for token in issued:
        row = f"{token.id}  {token.officer:<12}  made {token.created_at:%Y-%m-%d}  valid until {token.expires_at:%Y-%m-%d}  {token.note}"
        typer.echo(row.rstrip())
    if not issued:
        typer.echo("no tokens", err=True)


@tokens.command("revoke")
def revoke_token(
    officer: Annotated[str, typer.Argument(help="Key of the officer, also of one who is no longer in the organisation.")],
    token_id: Annotated[str | None, typer.Option("--id", help="Only the token that `list` shows under this id.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every token of the officer.")] = False,
) -> None:
    """Take back an officer's token; it opens nothing from then on."""
    from helpdesk import provision
    from helpdesk.connecting import with_mongo

    count = with_mongo(lambda settings, mongo: provision.revoke_tokens(settings, mongo, officer, id=token_id, every=every))
    typer.echo(f"revoked {count} {'token' if count == 1 else 'tokens'} of {officer}")


def settings() -> None:
    """Show every setting with its value (secrets masked) and what it means."""
    from pydantic import ValidationError

    from helpdesk import unread
    from helpdesk.failing import BAD_SETTING, settings_described
    from kit.settings import described
    from services.intake.settings import IntakeSettings
    from services.notifier.settings import NotifierSettings
    from services.routing.settings import RoutingSettings

    try:
        services = (IntakeSettings(), RoutingSettings(), NotifierSettings())
    except ValidationError as error:
        typer.echo(settings_described(error), err=True)
        raise typer.Exit(BAD_SETTING) from error
    shown = {variable: (value, description) for service in services for variable, value, description in described(service)}
    for variable, (value, description) in shown.items():
        typer.echo(f"{variable}={'' if value is None else value}\n    {description}")
    for sentence in unread.described(unread.unread(os.environ)):
        typer.echo(f"warning: {sentence}", err=True)
