"""`helpdesk catcher`: the mail catcher alone, until it is told to stop."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer


def catcher(
    folder: Annotated[Path, typer.Option(help="Where the mails are kept.", envvar="HELPDESK_CATCHER_FOLDER")] = Path(".helpdesk/mail"),
    smtp_port: Annotated[int, typer.Option(help="Port that takes mail.", envvar="HELPDESK_CATCHER_SMTP_PORT", min=0, max=65535)] = 8026,
    http_port: Annotated[int, typer.Option(help="Port of the web page.", envvar="HELPDESK_CATCHER_HTTP_PORT", min=0, max=65535)] = 8003,
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="HELPDESK_HOST")] = "127.0.0.1",
) -> None:
    """Catch every mail sent to it, deliver none, and show them on a web page."""
    try:
        asyncio.run(_run(folder, smtp_port, http_port, host))
    except OSError as error:
        typer.echo(f"{error.strerror or error}\nChoose other ports with --smtp-port and --http-port.", err=True)
        raise typer.Exit(1) from error


async def _run(folder: Path, smtp_port: int, http_port: int, host: str) -> None:
    from helpdesk.catcher.server import Catcher
    from kit.log import configure, get_logger

    configure()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = Catcher(folder, smtp_port, http_port, host=host, logger=get_logger("catcher"))
    await running.start()
    typer.echo(f"mail: smtp://{host}:{running.smtp_port}\npage: http://{host}:{running.http_port}/")
    await stop.wait()
    await running.stop()
