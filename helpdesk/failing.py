"""Errors as one sentence and an exit code for whoever typed a command. Imported late: what it knows takes a while to load."""

from typing import Final

from pydantic import ValidationError
from pymongo.errors import ConfigurationError

from kit.errors import HelpdeskError
from kit.mongo import DriverError

BAD_SETTING: Final = 2
REFUSED_OR_AWAY: Final = 1

FORESEEN: Final = (HelpdeskError, DriverError, ValidationError)
"""What a command may meet through no fault of its own."""

_MONGO: Final = "MongoDB: "


def described(error: Exception) -> tuple[str, int]:
    """(sentence, exit code): 2 for a setting that can't be used, else 1."""
    if isinstance(error, ValidationError):
        return settings_described(error), BAD_SETTING
    if isinstance(error, ConfigurationError):
        return f"MONGODB_URI: {_short(error)}", BAD_SETTING
    sentence = _short(error)
    if isinstance(error, DriverError):
        return f"MongoDB refused: {sentence}", REFUSED_OR_AWAY
    if sentence.startswith(_MONGO):
        return f"MongoDB does not answer ({sentence.removeprefix(_MONGO)}). Is it running, and is MONGODB_URI its address?", REFUSED_OR_AWAY
    return sentence, REFUSED_OR_AWAY


def settings_described(error: ValidationError) -> str:
    """Every setting that can't be used, by the variable it comes from; values are left out, for they may be secret."""
    faults = [f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors(include_url=False, include_input=False)]
    return "; ".join(faults) + " (`helpdesk settings` explains each setting)"


def _variable(path: tuple[int | str, ...]) -> str:
    name = str(path[0]) if path else "settings"
    return name if name.isupper() else f"HELPDESK_{name.upper()}"


def _short(error: Exception) -> str:
    """Without the driver's long description of what it tried."""
    text = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
    return " ".join(text.split())
