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

from helpdesk.embedded.errors import EmbeddedError
from helpdesk.embedded.servers import KAFKA_PORT, KAFKA_VARIABLE, MONGO_PORT, MONGO_VARIABLE, Servers, find_or_start
from helpdesk.starting.layout import SERVICES, Ports, environment
from helpdesk.starting.progress import Progress

if TYPE_CHECKING:
    from helpdesk.starting.processes import Processes
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Port = Annotated[int, typer.Option(min=1, max=65535)]


def up(  # noqa: PLR0913, PLR0917 (one option a port)
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo organisation and make demo accounts.")] = False,
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".helpdesk"),
    intake_port: Annotated[int, typer.Option(help="The form and the request API.")] = 8000,
    routing_port: Annotated[int, typer.Option(help="The officers' API.")] = 8001,
    notifier_port: Annotated[int, typer.Option(help="The notifier's health.")] = 8002,
    mail_port: Annotated[int, typer.Option(help="Mail in (SMTP).")] = 8025,
    catcher_port: Annotated[int, typer.Option(help="The mail catcher's page.")] = 8003,
    catcher_smtp_port: Annotated[int, typer.Option(help="The mail catcher's SMTP.")] = 8026,
    kafka_port: Annotated[int, typer.Option(help="Embedded Kafka.")] = KAFKA_PORT,
    mongo_port: Annotated[int, typer.Option(help="Embedded MongoDB.")] = MONGO_PORT,
) -> None:
    """Start everything on this machine, until Ctrl-C; the data stays.

    That is Kafka and MongoDB (unless KAFKA_BOOTSTRAP_SERVERS and MONGODB_URI name others), the three services, and a mail
    catcher (unless HELPDESK_SMTP_URL names a mail server).
    """
    ports = Ports(intake_port, routing_port, notifier_port, mail_port, catcher_port, catcher_smtp_port)
    try:
        data.mkdir(parents=True, exist_ok=True)
        asyncio.run(_until_signalled(data.absolute(), ports, kafka_port, mongo_port, demo=demo))
    except (EmbeddedError, OSError, Refusal) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from error


class Refusal(Exception):
    """Something that keeps it from starting, in a sentence."""


async def _until_signalled(data: Path, ports: Ports, kafka_port: int, mongo_port: int, *, demo: bool) -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None  # noqa: S101 (a coroutine runs in a task)
    for number in SIGNALS:
        loop.add_signal_handler(number, me.cancel)
    async with AsyncExitStack() as stack:
        try:
            await _run(stack, data, ports, kafka_port, mongo_port, demo=demo)
        except asyncio.CancelledError:
            for number in SIGNALS:  # a second Ctrl-C must not leave half of it running
                loop.add_signal_handler(number, lambda: None)
            typer.echo("stopping ...", err=True)


async def _run(stack: AsyncExitStack, data: Path, ports: Ports, kafka_port: int, mongo_port: int, *, demo: bool) -> None:
    # Imported here: what they need takes a second, and the first line of progress should not wait for it.
    from helpdesk.starting.processes import NotReadyError, Processes

    catching = not os.environ.get("HELPDESK_SMTP_URL")
    with Progress() as progress:
        await asyncio.to_thread(ports.require_free, catching=catching)
        servers = await find_or_start(data, os.environ, kafka_port=kafka_port, mongo_port=mongo_port, progress=progress)
        stack.push_async_callback(servers.stop)
        variables = environment(os.environ, ports, servers, data, catching=catching)
        if catching:
            await _catch_mail(stack, data, ports, progress)
        processes = Processes(SERVICES, ports.health, variables, data)
        stack.push_async_callback(processes.stop)
        async with _administration(variables) as (settings, mongo):
            progress("starting the services")
            processes.start()
            progress("making topics and collections")
            tokens = await _provide(settings, mongo, data, servers, demo=demo)
        progress("waiting for the services")
        try:
            await processes.until_ready()
        except NotReadyError as error:
            raise Refusal(str(error)) from error
        seconds = progress.seconds
    typer.echo(_greeting(ports, servers, tokens, seconds, catching=catching, demo=demo))
    await until_a_server_dies(servers, processes)


async def until_a_server_dies(servers: Servers, processes: "Processes") -> None:
    """Services are started again meanwhile; without a server nothing can go on, so its EmbeddedError is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.until_dead())
            group.create_task(processes.watch(lambda line: typer.echo(line, err=True)))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def _catch_mail(stack: AsyncExitStack, data: Path, ports: Ports, progress: Progress) -> None:
    from helpdesk.catcher.server import Catcher

    progress("starting the mail catcher")
    catcher = Catcher(data / "mail", ports.catcher_smtp, ports.catcher)
    await catcher.start()
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


async def _provide(settings: "ServiceSettings", mongo: "Mongo", data: Path, servers: Servers, *, demo: bool) -> dict[str, str]:
    """Topics, collections and, for the demo, its organisation and tokens. Refusal when nothing is loaded."""
    from helpdesk import provision
    from helpdesk.starting import demo as demonstration

    await provision.init(settings, mongo)
    if demo:
        return await demonstration.prepare(settings, mongo, data)
    if await provision.organisation_of(settings, mongo) is None:
        raise Refusal(_nothing_loaded(servers))
    return {}


def _nothing_loaded(servers: Servers) -> str:
    beside = " while `helpdesk mongo` runs in another terminal" if any(server.name == "mongo" for server in servers.ours) else ""
    return f"No organisation is loaded. Start with --demo to try it out, or run `helpdesk load FILE.yaml`{beside}, then start again."


def _variables(servers: Servers) -> dict[str, str]:
    """Where the servers are that were started here; what the user named needs no telling, and may hold a password."""
    known = {"kafka": (KAFKA_VARIABLE, servers.bootstrap_servers), "mongo": (MONGO_VARIABLE, servers.mongodb_uri)}
    return dict(known[server.name] for server in servers.ours)


def _greeting(ports: Ports, servers: Servers, tokens: dict[str, str], seconds: float, *, catching: bool, demo: bool) -> str:
    from helpdesk.starting.demo import ACCOUNTS

    lines = [
        "",
        f"  The form          http://127.0.0.1:{ports.intake}/",
        f"  Officers' API     http://127.0.0.1:{ports.routing}/docs",
        f"  Mail in           smtp://127.0.0.1:{ports.mail}" + ("  (demo address: helpdesk@customs.example)" if demo else ""),
    ]
    if demo:
        lines.append(f"  Chat in           http://127.0.0.1:{ports.intake}/hooks/chat/demo")
    if catching:
        lines.append(f"  Mail catcher      http://127.0.0.1:{ports.catcher}/   every mail we send ends here")
    if tokens:
        width = max(len(name) for name in tokens)
        lines += ["", "  Sign in with `Authorization: Bearer TOKEN`:"]
        lines += [f"    {name:<{width}}  {token}  {ACCOUNTS.get(name, '')}" for name, token in tokens.items()]
    if servers.ours:
        exports = [f"    export {name}='{value}'" for name, value in _variables(servers).items()]
        lines += ["", "  For other commands, such as `helpdesk check`:", *exports]
    return "\n".join([*lines, "", f"ready ({seconds:.1f} s; Ctrl-C stops everything, the data stays)"])
