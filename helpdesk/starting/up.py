"""`helpdesk up`: real servers, the services and a mail catcher, from nothing to `ready`, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic import SecretStr
from typer.models import OptionInfo

from helpdesk.embedded.errors import EmbeddedError
from helpdesk.embedded.logfile import LimitedLog
from helpdesk.embedded.servers import KAFKA_PORT, KAFKA_VARIABLE, MONGO_PORT, MONGO_VARIABLE, Servers, find_or_start
from helpdesk.starting.greeting import addresses_told, greeting, nothing_loaded
from helpdesk.starting.here import AlreadyRunningError, alone, write_addresses
from helpdesk.starting.layout import SERVICES, USUAL, Ports, environment
from helpdesk.starting.progress import Progress
from helpdesk.starting.typed import DATA, Typed

if TYPE_CHECKING:
    from helpdesk.starting.processes import Processes
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _port(meaning: str, usual: int) -> OptionInfo:
    # Not by `show_default`: words there are shown in brackets, as if they described the default.
    option: OptionInfo = typer.Option(help=rf"{meaning} \[default: {usual}]", show_default=False, min=1, max=65535)
    return option


def up(  # noqa: PLR0913, PLR0917 (one option a port)
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo organisation and make demo accounts.")] = False,
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = DATA,
    base_port: Annotated[
        int | None, typer.Option(help=f"Take the {len(USUAL)} ports from this one on, unless given below.", min=1, max=65535 - len(USUAL))
    ] = None,
    intake_port: Annotated[int | None, _port("The form and the request API.", 8000)] = None,
    routing_port: Annotated[int | None, _port("The officers' API.", 8001)] = None,
    notifier_port: Annotated[int | None, _port("The notifier's health.", 8002)] = None,
    mail_port: Annotated[int | None, _port("Mail in (SMTP).", 8025)] = None,
    catcher_port: Annotated[int | None, _port("The mail catcher's page.", 8003)] = None,
    catcher_smtp_port: Annotated[int | None, _port("The mail catcher's SMTP.", 8026)] = None,
    kafka_port: Annotated[int | None, _port("Embedded Kafka.", KAFKA_PORT)] = None,
    mongo_port: Annotated[int | None, _port("Embedded MongoDB.", MONGO_PORT)] = None,
) -> None:
    """Start everything on this machine, until Ctrl-C; the data stays.

    That is Kafka and MongoDB (unless KAFKA_BOOTSTRAP_SERVERS and MONGODB_URI name others), the three services, and a mail
    catcher (unless HELPDESK_SMTP_URL names a mail server).
    """
    chosen = (intake_port, routing_port, notifier_port, mail_port, catcher_port, catcher_smtp_port, kafka_port, mongo_port)
    ports = Ports.chosen(dict(zip(USUAL, chosen, strict=True)), base_port)
    try:
        if not os.access(data, os.F_OK):
            _require_free(ports)  # nothing is made for a start that is refused
        with alone(data.absolute()):
            asyncio.run(_until_signalled(data.absolute(), ports, Typed.here(data), demo=demo))
    except (EmbeddedError, OSError, Refusal, AlreadyRunningError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from error


class Refusal(Exception):
    """Something that keeps it from starting, in a sentence."""


async def _until_signalled(data: Path, ports: Ports, typed: Typed, *, demo: bool) -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None  # noqa: S101 (a coroutine runs in a task)
    for number in SIGNALS:
        loop.add_signal_handler(number, me.cancel)
    async with AsyncExitStack() as stack:
        try:
            await _run(stack, data, ports, typed, demo=demo)
        except asyncio.CancelledError:
            for number in SIGNALS:  # a second Ctrl-C must not leave half of it running
                loop.add_signal_handler(number, lambda: None)
            typer.echo("stopping ...", err=True)


async def _run(stack: AsyncExitStack, data: Path, ports: Ports, typed: Typed, *, demo: bool) -> None:
    # Imported here: what they need takes a second, and the first line of progress should not wait for it.
    from helpdesk.starting.processes import NotReadyError, Processes

    catching = _catching()
    with Progress() as progress:
        await asyncio.to_thread(_require_free, ports)
        servers = await find_or_start(data, os.environ, kafka_port=ports.kafka, mongo_port=ports.mongo, progress=progress)
        stack.push_async_callback(servers.stop)
        variables = environment(os.environ, ports, servers, data, catching=catching)
        if catching:
            await _catch_mail(stack, data, ports, progress, demo=demo)
        processes = Processes(SERVICES, ports.health, variables, data)
        stack.push_async_callback(processes.stop)
        async with _administration(variables) as (settings, mongo):
            progress("starting the services")
            processes.start()
            progress("making topics and collections")
            callback = ports.chat_callback if catching else None
            tokens = await _provide(settings, mongo, data, nothing_loaded(servers, typed), demo=demo, callback=callback)
        progress("waiting for the services")
        try:
            await processes.until_ready()
        except NotReadyError as error:
            raise Refusal(str(error)) from error
        seconds = progress.seconds
    addresses = addresses_told(ports, None if catching else variables["HELPDESK_SMTP_URL"], demo=demo)
    write_addresses(data, addresses)
    typer.echo(greeting(addresses, servers, tokens, seconds, typed))
    await until_a_server_dies(servers, processes)


def _catching() -> bool:
    """Whether the mail we send ends in the catcher."""
    return not os.environ.get("HELPDESK_SMTP_URL")


def _require_free(ports: Ports) -> None:
    embedded = [name for name, variable in (("kafka", KAFKA_VARIABLE), ("mongo", MONGO_VARIABLE)) if not os.environ.get(variable)]
    ports.require_free(catching=_catching(), embedded=embedded)


async def until_a_server_dies(servers: Servers, processes: "Processes") -> None:
    """Services are started again meanwhile; without a server nothing can go on, so its EmbeddedError is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.until_dead())
            group.create_task(processes.watch(lambda line: typer.echo(line, err=True)))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def _catch_mail(stack: AsyncExitStack, data: Path, ports: Ports, progress: Progress, *, demo: bool) -> None:
    from helpdesk.catcher.server import Catcher
    from helpdesk.starting import demo as demonstration
    from helpdesk.starting.logged import logger_to

    progress("starting the mail catcher")
    logger = logger_to(stack.enter_context(LimitedLog(data / "catcher.log")))
    secrets = demonstration.chat_secrets() if demo else {}
    catcher = Catcher(data / "mail", ports.catcher_smtp, ports.catcher, logger=logger, chat_secrets=secrets)
    try:
        await catcher.start()
    except OSError as error:  # its ports were free when we looked
        raise Refusal(f"{error.strerror or error}; choose another with --catcher-port or --catcher-smtp-port") from error
    stack.push_async_callback(catcher.stop)


@asynccontextmanager
async def _administration(variables: Mapping[str, str]) -> AsyncIterator[tuple["ServiceSettings", "Mongo"]]:
    """A connection to a MongoDB that answers. Refusal for what can be foreseen to go wrong then and inside."""
    from helpdesk import provision
    from helpdesk.failing import FORESEEN, described
    from kit.settings import ServiceSettings

    try:
        settings = ServiceSettings(kafka_bootstrap_servers=variables[KAFKA_VARIABLE], mongodb_uri=SecretStr(variables[MONGO_VARIABLE]))
        mongo = provision.connected(settings)
        try:
            await mongo.measure_clock()
            yield settings, mongo
        finally:
            await mongo.close()
    except FORESEEN as error:
        raise Refusal(described(error)[0]) from error


async def _provide(
    settings: "ServiceSettings", mongo: "Mongo", data: Path, nothing: str, *, demo: bool, callback: str | None
) -> dict[str, str]:
    """Topics, collections and, for the demo, its organisation and tokens. Refusal, in the words of `nothing`, when nothing is loaded."""
    from helpdesk import provision
    from helpdesk.starting import demo as demonstration

    await provision.init(settings, mongo)
    if demo:
        return await demonstration.prepare(settings, mongo, data, callback)
    if await provision.organisation_of(settings, mongo) is None:
        raise Refusal(nothing)
    return {}
