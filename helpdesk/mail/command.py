"""`helpdesk mail parse FILE…`: what the helpdesk reads out of a mail."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from helpdesk.mail.notices import notices
from helpdesk.mail.suppressed import suppressed

if TYPE_CHECKING:
    from services.intake.mail.parser import Parser

mail = typer.Typer(help="Mail that came in, and addresses that none goes out to.", no_args_is_help=True)
mail.add_typer(suppressed, name="suppressed")
mail.add_typer(notices, name="notices")

LONGEST: Final = 50 * 1024 * 1024
"""Bytes that are read of a file; mail servers take half of that."""


@mail.callback()
def _group() -> None:
    """Mail that came in, and addresses that none goes out to."""


@mail.command()
def parse(
    files: Annotated[list[Path], typer.Argument(help="Mails as they came (RFC 5322); - for standard input.", metavar="FILE...")],
) -> None:
    """Print what is read out of each FILE, one JSON object a line. Any bytes will do; only a file that can't be opened is an error."""
    if not asyncio.run(_parse_all(files)):
        raise typer.Exit(1)


async def _parse_all(files: list[Path]) -> bool:
    from services.intake.mail.parser import Parser

    parser, opened = Parser(), True
    try:
        for file in files:
            try:
                raw = _content(file)
            except OSError as error:
                typer.echo(f"helpdesk mail parse: {file}: {error.strerror or error}", err=True)
                opened = False
                continue
            _print(await _read(parser, raw))
    finally:
        await parser.close()
    return opened


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(LONGEST + 1)
    with file.open("rb") as opened:
        return opened.read(LONGEST + 1)


async def _read(parser: "Parser", raw: bytes) -> dict[str, Any]:
    """As the service reads it: in a process of its own, within its limits of time and memory."""
    from helpdesk.mail.showing import as_data, unreadable
    from services.intake.mail.parser import Unreadable

    try:
        data = as_data(await parser.parse(raw[:LONGEST]))
    except Unreadable as error:
        data = unreadable(str(error))
    if len(raw) > LONGEST:
        data["problems"].append("mail_cut")
    return data


def _print(data: dict[str, Any]) -> None:
    """As it was written where the terminal can show it, escaped where it cannot."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(data)
    print(text)
