"""A file of made-up cases, and what is wrong with it or with one of them, in the words `helpdesk load` has for its file."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

if TYPE_CHECKING:
    from helpdesk.organisation.problems import Finding

INSTANT: Final = "give an instant as ISO 8601 text with its offset, such as 2025-03-03T09:00:00+07:00"

_LOOK: Final = "Look at the quotes, the commas and the brackets here and on the line above."

_PHRASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Expecting property name": "the name of a field, in double quotes, is missing here",
        "Expecting ',' delimiter": "a comma or a closing bracket is missing here",
        "Expecting ':' delimiter": "a colon is missing here",
        "Expecting value": "a value is missing here",
        "Unterminated string": "the text that begins here has no closing quote",
        "Extra data": "the list has ended before this",
        "Invalid control character": "a line break or a tab stands in a text",
        "Invalid \\": "a backslash in a text means nothing here",
    }
)
"""What the JSON library says of common slips, and what they are."""

_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tuple_type": "Write [a, b].",
        "dict_type": 'Write {"name": value}.',
        "model_type": 'Write {"field": value}.',
        "model_attributes_type": 'Write {"field": value}.',
    }
)
"""Where those of the organisation file speak of YAML."""

_DAYS: Final = ("working_days", "count_first_day")
_EXPECTED: Final = "Write [{case}, …]; `helpdesk deadline --help` says what a case has."


class CasesError(ValueError):
    """The file cannot be read; the text is a line that names it."""


def read(file: Path) -> list[object]:
    """The cases as they stand there. Raises CasesError."""
    from helpdesk.organisation import OrganisationErrors, Problem
    from helpdesk.organisation.reading import text_of

    try:
        text = text_of(file, str(file))
    except OrganisationErrors as error:
        raise CasesError(str(error)) from error
    try:
        cases = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        said = next((words for phrase, words in _PHRASES.items() if error.msg.startswith(phrase)), "this is not JSON")
        problem = Problem(error.lineno, error.colno, "", said, _LOOK) if text.strip() else Problem(0, 0, "", "it is empty", _EXPECTED)
        raise CasesError(str(OrganisationErrors([problem], str(file)))) from error
    except RecursionError as error:
        raise CasesError(f"{file}: this is nested too deeply to be a list of cases.") from error
    except ValueError as error:
        raise CasesError(f"{file}: {' '.join(str(error).split())}.") from error
    if not isinstance(cases, list):
        raise CasesError(f"{file}: this is not a list of cases. {_EXPECTED}")
    return cases


def sentence(error: ValidationError, case: type[BaseModel]) -> str:
    """The first thing that is wrong with a case, after the path of its field."""
    told = _told(error.errors(include_url=False)[0], case)
    where = ".".join(map(str, told.path))
    said = f"{told.message}. {told.remedy}" if told.remedy else told.message
    return " ".join((f"{where}: {said}" if where else said).split())


def _told(details: ErrorDetails, case: type[BaseModel]) -> "Finding":
    from helpdesk.organisation.fields import finding
    from helpdesk.organisation.problems import Finding, did_you_mean

    path, kind = _path(details["loc"]), details["type"]
    if kind.startswith(("datetime", "timezone")):
        return Finding(path, INSTANT)
    if kind == "extra_forbidden" and path[:-1] in {(), ("budget",)}:
        known = list(case.model_fields) if len(path) == 1 else list(_DAYS)
        remedy = did_you_mean(str(path[-1]), known, f"The fields are: {', '.join(known)}.")
        return Finding(path, f'there is no field "{path[-1]}" here', remedy)
    found = finding({**details, "loc": ("calendars", *path[1:]) if path[:1] == ("calendar",) else path})
    where = ("calendar", *found.path[1:]) if found.path[:1] == ("calendars",) else found.path
    return Finding(where, found.message, _REMEDIES.get(kind, found.remedy))


def _path(steps: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Without the steps that nobody wrote: which kind of budget it is taken for, and that a key is meant."""
    found = steps[:1] + steps[2:] if steps[:1] == ("budget",) else steps
    return found[:-1] if found[1:] and found[-1] == "[key]" else found


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
