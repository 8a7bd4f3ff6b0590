"""Errors as one sentence and an exit code for whoever typed a command. Imported late: what it knows takes a while to load."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from pydantic import ValidationError
from pymongo.errors import ConfigurationError

from kit.errors import HelpdeskError, RefusedError
from kit.mongo import DriverError

BAD_SETTING: Final = 2
REFUSED_OR_AWAY: Final = 1

FORESEEN: Final = (HelpdeskError, DriverError, ValidationError)
"""What a command may meet through no fault of its own."""

_MONGO: Final = "MongoDB: "


@contextmanager
def told(*, away: int = REFUSED_OR_AWAY, besides: Callable[[str], None] | None = None) -> Iterator[None]:
    """What can be foreseen to go wrong inside becomes one sentence on standard error and an exit code.

    `away`: the code for a server that does not answer, where the command documents one of its own. `besides` gets the sentence too.
    """
    try:
        yield
    except FORESEEN as error:
        sentence, code = described(error, away=away)
        if besides is not None:
            besides(sentence)
        typer.echo(sentence, err=True)
        raise typer.Exit(code) from error


def described(error: Exception, *, away: int = REFUSED_OR_AWAY) -> tuple[str, int]:
    """(sentence, exit code): 2 for a setting that can't be used, 1 for what the caller may not, `away` for the rest."""
    if isinstance(error, ValidationError):
        setting = error.title.endswith("Settings")
        return (settings_described(error), BAD_SETTING) if setting else (_stored_described(error), REFUSED_OR_AWAY)
    if isinstance(error, ConfigurationError):
        return f"MONGODB_URI: {_short(error)}", BAD_SETTING
    if isinstance(error, RefusedError):
        return error.detail, REFUSED_OR_AWAY
    sentence = _short(error)
    if isinstance(error, DriverError):
        return f"MongoDB refused: {sentence}", away
    if sentence.startswith(_MONGO):
        return f"MongoDB does not answer ({sentence.removeprefix(_MONGO)}). Is it running, and is MONGODB_URI its address?", away
    return sentence, away


def settings_described(error: ValidationError) -> str:
    """Every setting that can't be used, by the variable it comes from; values are left out, for they may be secret."""
    faults = [f"{_variable(item['loc'])}: {_plain(item['msg'])}" for item in error.errors(include_url=False, include_input=False)]
    return "; ".join(faults) + " (`helpdesk settings` explains each setting)"


def _stored_described(error: ValidationError) -> str:
    """What is stored and cannot be read; values are left out, for they may be what somebody wrote in confidence."""
    faults = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False, include_input=False)]
    shown = "; ".join(faults[:3]) + ("; …" if len(faults) > 3 else "")  # noqa: PLR2004 (enough to find it by)
    return f"What is stored as {error.title} cannot be read ({shown}). Was it written by a newer release?"


def _plain(message: str) -> str:
    """Without pydantic's words around a sentence of ours."""
    return message.removeprefix("Value error, ")


def _variable(path: tuple[int | str, ...]) -> str:
    name = str(path[0]) if path else "settings"
    return name if name.isupper() else f"HELPDESK_{name.upper()}"


def _short(error: Exception) -> str:
    """Without the driver's long description of what it tried."""
    text = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
    return " ".join(text.split())
