"""An organisation file becomes an Organisation, or the list of everything that is wrong with it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from helpdesk.organisation.checks import findings
from helpdesk.organisation.document import parse
from helpdesk.organisation.draft import draft
from helpdesk.organisation.fields import field_findings
from helpdesk.organisation.imports import imported
from helpdesk.organisation.problems import Finding, OrganisationErrors, Problem
from schemas.organisation import Organisation


def read(source: Path | str, now: datetime | None = None) -> Organisation:
    """The organisation in a file (a Path) or in a text (a str).

    Raises OrganisationErrors with every problem. Calendars have to open within ten years from `now`.
    """
    name = source.name if isinstance(source, Path) else "organisation"
    document = parse(text_of(source, name) if isinstance(source, Path) else source, name)
    now = now or datetime.now(UTC)
    data, wrong = imported(document.data, source.parent if isinstance(source, Path) else Path(), now)
    problems = tuple(map(document.problem, (*wrong, *_findings(data, now))))
    if problems:
        raise OrganisationErrors(problems, name)
    return Organisation.model_validate(data)


def _findings(data: dict[Any, Any], now: datetime) -> Iterator[Finding]:
    fields = tuple(_field_findings(data))
    yield from fields
    yield from findings(draft(data, {finding.path for finding in fields}), now)


def _field_findings(data: object) -> Iterator[Finding]:
    try:
        Organisation.model_validate(data)
    except ValidationError as error:
        yield from field_findings(error)


def text_of(path: Path, name: str) -> str:
    """The text of a file of UTF-8, `name` where a line of it is told. Raises OrganisationErrors when it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OrganisationErrors([Problem(0, 0, "", f"it cannot be read: {error.strerror}", "Check the path.")], str(path)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        problem = Problem(line, column, "", "this is not UTF-8", "Save the file with the encoding UTF-8.")
        raise OrganisationErrors([problem], name) from error
