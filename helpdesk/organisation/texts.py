"""Names and words: said in both languages, and not empty."""

from collections.abc import Iterator

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding, Path
from schemas.organisation import Conditions


def rules_can_match(draft: Draft) -> Iterator[Finding]:
    for section, rules in (("rules", draft.rules), ("priority_rules", draft.priority_rules)):
        for at, rule in rules:
            yield from _can_match((section, at), rule)


def _can_match(path: Path, rule: Conditions) -> Iterator[Finding]:
    if rule.without_unit and rule.units:
        message = "a request without a unit is in none of `units`"
        yield Finding((*path, "without_unit"), message, "Keep one of the two.", at_key=True)
    for position, word in enumerate(rule.words):
        if not word.strip():
            yield Finding((*path, "words", position), "an empty word is in every text", "Delete it.")


def names_said(draft: Draft) -> Iterator[Finding]:
    """Raw names are read: the model of a name lets other languages pass, for newer writers of events."""
    yield from _name(("name",), draft.data.get("name"))
    for path, entry in _named(draft):
        yield from _name((*path, "name"), entry.get("name"))


def _named(draft: Draft) -> Iterator[tuple[Path, dict[str, object]]]:
    for section in ("units", "topics", "groups", "officers", "rules", "priority_rules", "members"):
        entries = draft.data.get(section)
        for at, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                yield (section, at), entry
    authority = draft.data.get("competent_authority")
    if isinstance(authority, dict):
        yield ("competent_authority",), authority


def _name(path: Path, name: object) -> Iterator[Finding]:
    if isinstance(name, dict):
        for language, text in name.items():
            if language not in ("vi", "en"):
                yield Finding((*path, str(language)), f'there is no language "{language}"', "Names are in vi and en.", at_key=True)
            else:
                yield from _name((*path, language), text)
    elif isinstance(name, str) and not name.strip():
        yield Finding(path, "the name is empty")
