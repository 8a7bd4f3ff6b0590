"""`helpdesk kafka` and `helpdesk mongo`: one server alone, in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from helpdesk.embedded.errors import EmbeddedError
from helpdesk.embedded.group import ServerGroup
from helpdesk.embedded.servers import KAFKA_PORT, KAFKA_VARIABLE, MONGO_PORT, MONGO_VARIABLE, kafka_of, mongo_of

DATA = Path(".helpdesk")

DataFolder = Annotated[Path, typer.Option(help="Folder the data is kept in.")]
Nodes = Annotated[int, typer.Option(min=1, max=3, help="1, or 3 that replicate to each other.")]


def kafka(
    port: Annotated[int, typer.Option("--port", "--kafka-port", help="First port.")] = KAFKA_PORT, data: DataFolder = DATA, nodes: Nodes = 1
) -> None:
    """Run Apache Kafka alone, with its data kept on disk, until Ctrl-C."""
    server = kafka_of(data, port, nodes)
    run_alone(server, f"{KAFKA_VARIABLE}={server.bootstrap_servers}")


def mongo(
    port: Annotated[int, typer.Option("--port", "--mongo-port", help="First port.")] = MONGO_PORT, data: DataFolder = DATA, nodes: Nodes = 1
) -> None:
    """Run MongoDB alone as a replica set, with its data kept on disk, until Ctrl-C."""
    server = mongo_of(data, port, nodes)
    run_alone(server, f"{MONGO_VARIABLE}='{server.uri}'")


def run_alone(server: ServerGroup, address: str) -> None:
    """Start it, print the address ready to export, stop it on a signal; exit code 1 and one sentence when it cannot be started or dies."""
    try:
        asyncio.run(_until_signal(server, address))
    except EmbeddedError as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(1) from reason


async def _until_signal(server: ServerGroup, address: str) -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None  # noqa: S101  (a coroutine runs in a task)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, me.cancel)
    try:
        await server.start(lambda line: typer.echo(f"{line} ...", err=True))
        typer.echo(address)
        await server.until_dead()
    except asyncio.CancelledError:
        typer.echo("stopping ...", err=True)
    finally:
        await server.stop()
