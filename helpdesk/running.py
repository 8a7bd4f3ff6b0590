"""`helpdesk run`: one service in the foreground."""

from typing import Annotated, Any, Literal

import typer

ServiceName = Literal["intake", "routing", "notifier"]


def run(
    service: Annotated[ServiceName, typer.Argument(help="Which service.")],
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


def _run(name: ServiceName, only: tuple[str, ...]) -> None:
    from kit.log import configure
    from kit.service import run as run_until_signalled

    module, settings = _service(name)
    roles = only or module.ROLES
    unknown = sorted(set(roles) - set(module.ROLES))
    if unknown:
        raise ValueError(f"{name} has no role {', '.join(unknown)}; it has {', '.join(module.ROLES)}")
    configure(settings.log_level)
    run_until_signalled(lambda stop: module.main(settings, roles, stop))


def _service(name: ServiceName) -> tuple[Any, Any]:
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
        case "notifier":
            from services.notifier import app as notifier
            from services.notifier.settings import NotifierSettings

            return notifier, NotifierSettings()
