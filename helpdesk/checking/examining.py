"""Going through the invariants: suspects first, then, after a pause, the truth about each of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from helpdesk.checking.accepted import ACCEPTED
from helpdesk.checking.attachments import ATTACHED
from helpdesk.checking.deliveries import DELIVERED
from helpdesk.checking.gathered import GATHERED
from helpdesk.checking.handed import HANDED_IN
from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.journals import JOURNALS
from helpdesk.checking.mails import READ_MAILS
from helpdesk.checking.organisations import SAME_ORGANISATION
from helpdesk.checking.outcomes import REPORTED
from helpdesk.checking.overdue import OVERDUE
from helpdesk.checking.reading import PAGE
from helpdesk.checking.returned import RETURNED
from helpdesk.checking.rollups import ROLLED_UP
from helpdesk.checking.settled import SETTLED_MAILS
from helpdesk.checking.summed import MAIL_SUM
from helpdesk.checking.unpublished import UNPUBLISHED

INVARIANTS: Final = (
    SAME_ORGANISATION,
    ACCEPTED,
    ATTACHED,
    *HANDED_IN,
    READ_MAILS,
    SETTLED_MAILS,
    MAIL_SUM,
    *JOURNALS,
    UNPUBLISHED,
    OVERDUE,
    REPORTED,
    ROLLED_UP,
    *DELIVERED,
    *GATHERED,
    RETURNED,
)

PAUSE: Final = 3.0
"""Seconds between the first look at a suspect and the second: far more than a working installation takes for anything."""

TOGETHER: Final = 10_000
"""Suspects that share one pause."""

Notice = Callable[[Invariant, int], None]


@dataclass
class Result:
    """What one invariant came to; `shown` are the first of `count` findings."""

    invariant: Invariant
    looked_at: int
    count: int
    shown: list[Finding]

    @property
    def holds(self) -> bool:
        return self.count == 0


def unnoticed(_invariant: Invariant, _count: int) -> None:
    """Progress nobody watches."""


async def examine(
    installation: Installation,
    invariants: Sequence[Invariant] = INVARIANTS,
    *,
    pause: float = PAUSE,
    limit: int | None = None,
    notice: Notice = unnoticed,
) -> list[Result]:
    """Look at everything. At most `limit` findings of each invariant are kept; None keeps all of them."""
    return [await _examined(installation, invariant, pause, limit, notice) for invariant in invariants]


async def _examined(installation: Installation, invariant: Invariant, pause: float, limit: int | None, notice: Notice) -> Result:
    tally = Tally(lambda count: notice(invariant, count))
    notice(invariant, 0)
    result = Result(invariant, 0, 0, [])
    suspects: dict[str, None] = {}
    try:
        async for key in invariant.suspects(installation, tally):
            suspects[key] = None
            if len(suspects) == TOGETHER:
                await _confirm(installation, result, list(suspects), pause, limit)
                suspects.clear()
        await _confirm(installation, result, list(suspects), pause, limit)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # A document of a shape no service writes: that is a finding as well, and no reason to look at nothing else.
        _keep(result, [Finding("", invariant.name, f"can't be looked at to the end, a document has an unknown shape: {error!r}")], limit)
    result.looked_at = tally.count
    return result


async def _confirm(installation: Installation, result: Result, suspects: Sequence[str], pause: float, limit: int | None) -> None:
    if suspects:
        await asyncio.sleep(pause)
    for start in range(0, len(suspects), PAGE):
        _keep(result, await result.invariant.judge(installation, suspects[start : start + PAGE]), limit)


def _keep(result: Result, findings: Sequence[Finding], limit: int | None) -> None:
    result.count += len(findings)
    room = len(findings) if limit is None else max(limit - len(result.shown), 0)
    result.shown += findings[:room]
