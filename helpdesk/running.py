"""`helpdesk run`: one service in the foreground."""

import os
from typing import Annotated, Any

import typer

from helpdesk.words import one_of
from schemas.topics import SERVICES


def run(
    service: Annotated[str, typer.Argument(help=f"Which service: {', '.join(SERVICES)}.", callback=one_of(*SERVICES))],
    only: Annotated[str, typer.Option(help="Only these roles, separated by commas, such as `web,consumer`.")] = "",
) -> None:
    """Run one service until SIGTERM or Ctrl-C."""
    from helpdesk.failing import BAD_SETTING, told

    try:
        with told():
            _run(service, tuple(role.strip() for role in only.split(",") if role.strip()))
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_SETTING) from error


def _run(name: str, only: tuple[str, ...]) -> None:
    from helpdesk.unread import unread
    from kit.log import configure, get_logger
    from kit.service import run as run_until_signalled

    module, settings = _service(name)
    roles = only or module.ROLES
    unknown = sorted(set(roles) - set(module.ROLES))
    if unknown:
        raise ValueError(f"{name} has no role {', '.join(unknown)}; it has {', '.join(module.ROLES)}")
    configure(settings.log_level)
    if mistyped := unread(os.environ):
        get_logger(name).warning("settings.unread", variables=mistyped)
    run_until_signalled(lambda stop: module.main(settings, roles, stop))


def _service(name: str) -> tuple[Any, Any]:
    """The service's app module and its settings; imported only for the one that is run."""
    match name:
        case "intake":
            from services.intake import app as intake
            from services.intake.settings import IntakeSettings

            return intake, IntakeSettings()
        case "routing":
            from services.routing import app as routing
            from services.routing.settings import RoutingSettings

            return routing, RoutingSettings()
        case _:
            from services.notifier import app as notifier
            from services.notifier.settings import NotifierSettings

            return notifier, NotifierSettings()
