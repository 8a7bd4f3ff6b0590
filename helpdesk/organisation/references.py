"""Keys: each given once, and each one named anywhere is there."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding, Path, did_you_mean
from services.routing.domain.people import AUTHORITY_KEY

KINDS: Final = {
    "units": "unit",
    "topics": "topic",
    "calendars": "calendar",
    "policies": "policy",
    "groups": "group",
    "officers": "officer",
    "chat_accounts": "chat account",
}

SHOWN: Final = 12
"""Keys listed when none is near: as many as a line holds."""

REFERENCES: Final = (
    ("units", "parent", "units"),
    ("policies", "topics", "topics"),
    ("policies", "units", "units"),
    ("groups", "unit", "units"),
    ("groups", "calendar", "calendars"),
    ("groups", "duty_calendar", "calendars"),
    ("groups", "lead", "officers"),
    ("groups", "topics", "topics"),
    ("officers", "groups", "groups"),
    ("officers", "supervises", "units"),
    ("officers", "substitute", "officers"),
    ("rules", "group", "groups"),
    ("rules", "topics", "topics"),
    ("rules", "units", "units"),
    ("priority_rules", "topics", "topics"),
    ("priority_rules", "units", "units"),
    ("chat_accounts", "group", "groups"),
)
"""Section, field, and the section whose keys the field names."""


def keys_given_once(draft: Draft) -> Iterator[Finding]:
    for section, kind in KINDS.items():
        seen: dict[str, int] = {}
        for at, key in draft.keys[section]:
            if key in seen:
                first = f"{section}[{seen[key]}]"
                yield Finding((section, at, "key"), f'"{key}" is the key of another {kind} already, {first}', "Give each its own key.")
            seen.setdefault(key, at)


def keys_exist(draft: Draft) -> Iterator[Finding]:
    for section, field, target in REFERENCES:
        for at, entry in draft.entries[section].items():
            for path, key in _named((section, at, field), getattr(entry, field)):
                yield from _absent(draft, path, target, key)
    focal_point = draft.data.get("focal_point")
    if isinstance(focal_point, str):
        yield from _absent(draft, ("focal_point",), "groups", focal_point)


def keys_named_once(draft: Draft) -> Iterator[Finding]:
    """A list of keys says each one once."""
    for section, field, _ in REFERENCES:
        for at, entry in draft.entries[section].items():
            places: dict[str, list[Path]] = defaultdict(list)
            for path, key in _named((section, at, field), getattr(entry, field)):
                places[key].append(path)
            yield from (Finding(path, f'"{key}" stands in this list twice') for key, paths in places.items() for path in paths[1:])


def reserved_keys(draft: Draft) -> Iterator[Finding]:
    for at, key in draft.keys["officers"]:
        if key == AUTHORITY_KEY:
            yield Finding(("officers", at, "key"), f'"{key}" is kept for the competent authority', "Choose another key.")


def _named(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, tuple):
        yield from (((*path, at), key) for at, key in enumerate(value))
    elif isinstance(value, str):
        yield path, value


def _absent(draft: Draft, path: Path, target: str, key: str) -> Iterator[Finding]:
    """Silent when no key of the kind could be read: that is told already."""
    known = sorted(draft.known(target))
    if known and key not in known:
        verb, more = "is" if len(known) == 1 else "are", ", …" if len(known) > SHOWN else ""
        listed = f"There {verb}: {', '.join(known[:SHOWN])}{more}."
        yield Finding(path, f'there is no {KINDS[target]} "{key}"', did_you_mean(key, known, listed))
