"""received = opened + threaded + duplicates + bounced + kept + parked + refused + waiting: of each mail it is known what became of it.

A row is one mail in one mailbox. What was received is what the doors counted, in the transaction that stored the rows; the terms are
what the rows say themselves. So a row that is lost, or says something unknown, is missing from the sum.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.deadletters.printable import printable
from kit.mongo import Database, Document, Session, at_one_instant
from services.intake.storage import MAIL_TALLIES, MAILS

_TERMS: Final = {
    ("done", "request"): "opened",
    ("done", "message"): "threaded",
    ("done", "automatic"): "threaded",
    ("done", "duplicate"): "duplicates",
    ("done", "bounce"): "bounced",
}
_STATES: Final = {"kept": "kept", "parked": "parked", "received": "waiting"}

NAMES: Final = ("opened", "threaded", "duplicates", "bounced", "kept", "parked", "refused", "waiting")
_REASONED: Final = frozenset({"kept", "parked", "refused"})
_REMEDY: Final = "compare with the backup: mails leave the database by nobody's doing but a person's, or were brought back in part"


@dataclass(frozen=True)
class MailSum:
    """`terms`: each of `NAMES`; `reasons`: how those that have a reason divide."""

    received: int
    terms: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def lacking(self) -> int:
        """Received mails that no term accounts for; negative when the terms are too many."""
        return self.received - sum(self.terms.values())

    def line(self) -> str:
        """The equation, as people read it."""
        terms = " + ".join(f"{self.terms[name]:,} {name}{self._divided(name)}" for name in NAMES)
        off = f"; {self.lacking:+,} unaccounted for" if self.lacking else ""
        return f"mail: {self.received:,} received = {terms}{off}"

    def _divided(self, name: str) -> str:
        parts = sorted(self.reasons.get(name, {}).items(), key=lambda part: (-part[1], part[0]))
        return f" ({', '.join(f'{count:,} {printable(reason, 40)}' for reason, count in parts)})" if parts else ""

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        reasons = {f"{name}_by_reason": dict(self.reasons.get(name, {})) for name in NAMES if name in _REASONED}
        return {"received": self.received, **self.terms, **reasons, "adds_up": not self.lacking}


def summed(tallies: Iterable[Document], groups: Iterable[Document]) -> MailSum:
    """`groups`: how many rows there are of each tally, state, kind and reason. A row without a tally is older than they are."""
    terms, reasons = Counter(dict.fromkeys(NAMES, 0)), {name: Counter[str]() for name in _REASONED}
    received = 0
    for tally in tallies:
        refused: Mapping[str, int] = tally.get("refused", {})
        received += tally.get("rows", 0) + sum(refused.values())
        terms["refused"] += sum(refused.values())
        reasons["refused"].update(refused)
    for group in groups:
        key, count = group["_id"], group["count"]
        received += 0 if key.get("tally") else count
        term = _STATES.get(key.get("state")) or _TERMS.get((key.get("state"), key.get("as")))
        if term is not None:
            terms[term] += count
        if term in _REASONED:
            reasons[term][str(key.get("reason"))] += count
    return MailSum(received, terms, reasons)


async def mail_sum(installation: Installation) -> MailSum:
    """As of one instant, however much comes in meanwhile."""
    return summed(*await _read(installation))


async def _read(installation: Installation) -> tuple[list[Document], list[Document]]:
    database = installation.database("intake")

    async def read(session: Session) -> tuple[list[Document], list[Document]]:
        tallies = await database[MAIL_TALLIES.name].find({}, session=session).to_list(None)
        return tallies, await _grouped(database, session)

    return await at_one_instant(database, read)


async def _grouped(database: Database, session: Session) -> list[Document]:
    """Read from the index alone, whose order this is."""
    names = ("tally", "state", "as", "reason")
    key = {name: f"${name}" for name in names}
    pipeline: list[dict[str, Any]] = [{"$sort": dict.fromkeys(names, 1)}, {"$group": {"_id": key, "count": {"$sum": 1}}}]
    cursor = database[MAILS.name].aggregate(pipeline, session=session, allowDiskUse=True)
    found: list[Document] = await cursor.to_list(None)
    return found


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    tallies, groups = await _read(installation)
    tally.add(sum(group["count"] for group in groups))
    for finding in _unequal(tallies, groups):
        yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    wanted = set(keys)
    return [finding for finding in _unequal(*await _read(installation)) if finding.key in wanted]


def _unequal(tallies: Iterable[Document], groups: Iterable[Document]) -> Iterator[Finding]:
    there: Counter[str] = Counter()
    for group in groups:
        there[group["_id"].get("tally") or ""] += group["count"]
    stored = {row["_id"]: row.get("rows", 0) for row in tallies}
    for tally in sorted(stored.keys() | there.keys() - {""}):
        if there[tally] != stored.get(tally, 0):
            what = f"counted {_mails(stored.get(tally, 0))} when they were stored, and {there[tally]:,} are there"
            yield Finding(tally, f"intake/{MAIL_TALLIES.name}/{tally}", what, _REMEDY)


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count:,} mails"


MAIL_SUM = Invariant("mail_sum", "as many mails are there as the doors counted when they stored them", _suspects, _judge)
