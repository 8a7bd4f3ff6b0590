"""What the check found, for people and for programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from helpdesk.checking.examining import Result
from helpdesk.checking.summed import MailSum
from helpdesk.deadletters.printable import printable


def lines(results: Sequence[Result], warnings: Sequence[str], mail: MailSum | None = None) -> Iterator[str]:
    """One line per invariant, the sum of the mails, then the findings with their remedies, then what is worth knowing besides."""
    width = max(len(result.invariant.meaning) for result in results)
    for result in results:
        mark, found = ("✓", "") if result.holds else ("✗", f", {_findings(result.count)}")
        yield f"{mark} {result.invariant.meaning:<{width}}  {result.looked_at:,} looked at{found}"
    if mail is not None and mail.received:
        yield mail.line()
    for result in results:
        if not result.holds:
            yield from _of(result)
    if warnings:
        yield ""
        yield from (f"warning: {warning}" for warning in warnings)
    total = sum(result.count for result in results)
    yield ""
    yield _findings(total) if total else f"everything holds{_but(len(warnings))}"


def _of(result: Result) -> Iterator[str]:
    yield ""
    yield f"{result.invariant.meaning}:"
    told = None
    for finding in result.shown:
        yield f"  {printable(finding.record)}"
        yield f"    {printable(finding.what)}"
        if finding.remedy and finding.remedy != told:
            yield f"    → {finding.remedy}"
            told = finding.remedy
    if result.count > len(result.shown):
        yield f"  and {result.count - len(result.shown):,} more; --all shows them"


def _but(warnings: int) -> str:
    if not warnings:
        return ""
    return ", but read the warning" if warnings == 1 else f", but read the {warnings} warnings"


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def as_json(results: Sequence[Result], warnings: Sequence[str], at: datetime, mail: MailSum | None = None) -> dict[str, Any]:
    """The same as data; `findings` holds what is shown, `count` says how many there are."""
    return {
        "ok": all(result.holds for result in results),
        "checked_at": at.isoformat(),
        "invariants": [
            {
                "invariant": result.invariant.name,
                "meaning": result.invariant.meaning,
                "ok": result.holds,
                "looked_at": result.looked_at,
                "count": result.count,
                "findings": [
                    {"invariant": result.invariant.name, "record": finding.record, "what": finding.what, "remedy": finding.remedy}
                    for finding in result.shown
                ],
            }
            for result in results
        ],
        **({"mail": mail.as_data()} if mail is not None else {}),
        "warnings": list(warnings),
    }
