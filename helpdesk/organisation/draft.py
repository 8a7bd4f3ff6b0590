"""The organisation while it may still be wrong: what is sound in it can be checked although something else is not."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from helpdesk.organisation.fields import SECTIONS
from helpdesk.organisation.problems import Path
from schemas.organisation import (
    CalendarSpec,
    ChatAccountSpec,
    GroupSpec,
    MemberSpec,
    OfficerSpec,
    PolicySpec,
    PriorityRuleSpec,
    RuleSpec,
    TopicSpec,
    UnitSpec,
)

Spec = TypeVar("Spec", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Draft:
    """The sound entries by section and position, and every key written down, also those of unsound entries."""

    data: Mapping[str, Any]
    entries: Mapping[str, Mapping[int, BaseModel]]
    keys: Mapping[str, tuple[tuple[int, str], ...]]

    @property
    def units(self) -> tuple[tuple[int, UnitSpec], ...]:
        return self._of("units", UnitSpec)

    @property
    def topics(self) -> tuple[tuple[int, TopicSpec], ...]:
        return self._of("topics", TopicSpec)

    @property
    def calendars(self) -> tuple[tuple[int, CalendarSpec], ...]:
        return self._of("calendars", CalendarSpec)

    @property
    def policies(self) -> tuple[tuple[int, PolicySpec], ...]:
        return self._of("policies", PolicySpec)

    @property
    def groups(self) -> tuple[tuple[int, GroupSpec], ...]:
        return self._of("groups", GroupSpec)

    @property
    def officers(self) -> tuple[tuple[int, OfficerSpec], ...]:
        return self._of("officers", OfficerSpec)

    @property
    def rules(self) -> tuple[tuple[int, RuleSpec], ...]:
        return self._of("rules", RuleSpec)

    @property
    def priority_rules(self) -> tuple[tuple[int, PriorityRuleSpec], ...]:
        return self._of("priority_rules", PriorityRuleSpec)

    @property
    def members(self) -> tuple[tuple[int, MemberSpec], ...]:
        return self._of("members", MemberSpec)

    @property
    def chat_accounts(self) -> tuple[tuple[int, ChatAccountSpec], ...]:
        return self._of("chat_accounts", ChatAccountSpec)

    def sound(self, section: str) -> bool:
        """Whether every entry of the section is sound, so that something missing from it really is missing."""
        return isinstance(self.data.get(section), list) and len(self.entries[section]) == len(self.data[section])

    def known(self, section: str) -> frozenset[str]:
        return frozenset(key for _, key in self.keys[section])

    def _of(self, section: str, kind: type[Spec]) -> tuple[tuple[int, Spec], ...]:
        return tuple((at, entry) for at, entry in self.entries[section].items() if isinstance(entry, kind))


def draft(data: Mapping[str, Any], broken: AbstractSet[Path]) -> Draft:
    """What can be checked of a document; `broken` are the places where single fields are wrong."""
    unsound = {path[:2] for path in broken}
    return Draft(
        data,
        {section: dict(_sound(section, kind, data, unsound)) for section, kind in SECTIONS.items()},
        {section: tuple(_keys(kind, _listed(data, section))) for section, kind in SECTIONS.items()},
    )


def _listed(data: Mapping[str, Any], section: str) -> list[Any]:
    listed = data.get(section)
    return listed if isinstance(listed, list) else []


def _sound(section: str, kind: type[Spec], data: Mapping[str, Any], unsound: AbstractSet[Path]) -> Iterator[tuple[int, Spec]]:
    for at, entry in enumerate(_listed(data, section)):
        if (section, at) not in unsound and (section,) not in unsound:
            yield at, kind.model_validate(entry)


def _keys(kind: type[BaseModel], entries: list[Any]) -> Iterator[tuple[int, str]]:
    field = kind.model_fields.get("key")
    for at, entry in enumerate(entries):
        key = entry.get("key", field.default if field else None) if isinstance(entry, dict) else None
        if isinstance(key, str):
            yield at, key
