"""Single fields: what pydantic found wrong, in the words of someone who writes the file."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from helpdesk.organisation.problems import Finding, Path, did_you_mean
from schemas import organisation as model
from schemas.organisation import Organisation
from schemas.values import LocalText

SECTIONS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "units": model.UnitSpec,
        "topics": model.TopicSpec,
        "calendars": model.CalendarSpec,
        "policies": model.PolicySpec,
        "groups": model.GroupSpec,
        "officers": model.OfficerSpec,
        "rules": model.RuleSpec,
        "priority_rules": model.PriorityRuleSpec,
        "members": model.MemberSpec,
        "chat_accounts": model.ChatAccountSpec,
    }
)
"""The lists of the file, and what one entry of each is."""

_PARTS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        **SECTIONS,
        "targets": model.Target,
        "ladder": model.Step,
        "closed": model.ClosedDay,
        "name": LocalText,
        "competent_authority": model.AuthoritySpec,
    }
)

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "bool_parsing": ("this must be true or false", ""),
        "bool_type": ("this must be true or false", ""),
        "too_short": ("at least one entry is needed", ""),
        "tuple_type": ("this must be a list", "Write [a, b] or one `- a` a line."),
        "dict_type": ("this must be a list of `name: value` pairs", ""),
        "model_type": ("this must have fields of its own", "Write them below it, indented, as `field: value`."),
        "model_attributes_type": ("this must have fields of its own", "Write them below it, indented, as `field: value`."),
        "date_type": ("this must be a date", "Write it as 2026-01-31."),
        "date_parsing": ('"{value}" is not a date of the calendar', "Write it as 2026-01-31."),
        "date_from_datetime_parsing": ('"{value}" is not a date of the calendar', "Write it as 2026-01-31."),
        "date_from_datetime_inexact": ('"{value}" is a date with a time', "Write the date alone: 2026-01-31."),
        "float_type": ("this must be a number", ""),
        "float_parsing": ("this must be a number", ""),
        "int_type": ("this must be a whole number", ""),
        "int_parsing": ("this must be a whole number", ""),
        "int_from_float": ("this must be a whole number", ""),
    }
)

_PATTERNS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "^[0-9]{10}": ('"{value}" is not a tax code', 'Write ten digits, ten and three ("0101234567-001") or twelve.'),
        "^[a-z0-9]": ('"{value}" is not a key', "Use lower-case letters without tone marks, digits, - and _, at most 64."),
        "^([01]": ('"{value}" is not a time of day', 'Write it as "08:00"; "24:00" ends a day.'),
        "^[^@": ('"{value}" is not an e-mail address', "Write it as name@example.org."),
        "^https?": ('"{value}" is not a web address', "It starts with https:// or http://."),
    }
)


def field_findings(error: ValidationError) -> Iterator[Finding]:
    """Every error of the document as a finding at the place it is about."""
    return (finding(details) for details in error.errors(include_url=False) if not _consequence(details))


def _consequence(details: ErrorDetails) -> bool:
    """To pydantic a list is too short when its entries are wrong, and those are told already."""
    return details["type"] == "too_short" and bool(details["input"])


def finding(details: ErrorDetails) -> Finding:
    """One error at the place it is about."""
    path = tuple(step for step in details["loc"] if step != "[key]")
    at_key = details["loc"][-1:] == ("[key]",)
    special = _SPECIAL.get(details["type"])
    if special:
        return special(path, details, at_key)
    message, remedy = _WORDS.get(details["type"], (_plainly(details["msg"]), ""))
    value = _shown(details["input"])
    return Finding(path, message.replace("{value}", value), remedy.replace("{value}", value), at_key)


def _missing(path: Path, _: ErrorDetails, at_key: bool) -> Finding:
    if path and isinstance(path[-1], int):
        return Finding(path, "a window has two times", 'Write it as ["08:00", "12:00"].', at_key)
    return Finding(path[:-1], f'"{path[-1]}" is missing', _remedy_for_missing(path), at_key)


def _remedy_for_missing(path: Path) -> str:
    language = {"vi": "Vietnamese", "en": "English"}.get(str(path[-1]))
    return f"Every name is given in both languages: add the {language} one." if language else ""


def _unknown(path: Path, _: ErrorDetails, __: bool) -> Finding:
    known = fields_at(path[:-1])
    remedy = did_you_mean(str(path[-1]), known, f"The fields are: {', '.join(known)}.")
    return Finding(path, f'there is no field "{path[-1]}" here', remedy, at_key=True)


def _pattern(path: Path, details: ErrorDetails, at_key: bool) -> Finding:
    pattern = details["ctx"]["pattern"]
    message, remedy = next(words for start, words in _PATTERNS.items() if pattern.startswith(start))
    return Finding(path, message.replace("{value}", _shown(details["input"])), remedy, at_key)


def _not_listed(path: Path, details: ErrorDetails, at_key: bool) -> Finding:
    expected = details["ctx"]["expected"]
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    value = _shown(details["input"])
    return Finding(path, f'"{value}" is not one of {", ".join(known)}', did_you_mean(value, known), at_key)


def _said_by_us(path: Path, details: ErrorDetails, at_key: bool) -> Finding:
    return Finding(path, str(details["ctx"]["error"]), at_key=at_key)


def _too_long(path: Path, details: ErrorDetails, at_key: bool) -> Finding:
    if path and details["type"] == "too_long" and details["ctx"].get("max_length") == 2:  # noqa: PLR2004 - only a window has this bound
        return Finding(path, "a window has two times", 'Write it as ["08:00", "12:00"].', at_key)
    return Finding(path, _plainly(details["msg"]), at_key=at_key)


def _not_text(path: Path, details: ErrorDetails, at_key: bool) -> Finding:
    """YAML reads a bare tax code as a number and drops its leading zero, so that the value is not what was written."""
    value = "0101234567" if path[-1:] == ("tax_code",) else _shown(details["input"])
    return Finding(path, "this must be text", f'Put it in quotes{", as" if value != _shown(details["input"]) else ":"} "{value}".', at_key)


_Words = Callable[[Path, ErrorDetails, bool], Finding]
_SPECIAL: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "missing": _missing,
        "string_type": _not_text,
        "extra_forbidden": _unknown,
        "string_pattern_mismatch": _pattern,
        "literal_error": _not_listed,
        "value_error": _said_by_us,
        "too_long": _too_long,
    }
)


def fields_at(path: Path) -> tuple[str, ...]:
    """The fields that the part of the file at `path` may have."""
    names = [step for step in path if isinstance(step, str)]
    part = _PARTS.get(names[-1], Organisation) if names else Organisation
    return tuple(part.model_fields)


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - enough to recognise it in the line


def _plainly(text: str) -> str:
    return text.replace("Input should be", "this must be").replace("String should", "this should")
