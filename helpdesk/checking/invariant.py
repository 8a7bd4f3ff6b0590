"""What an invariant is: how suspects are found in one pass, and how a suspect is judged by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from helpdesk.checking.installation import Installation


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be. `key` is what the invariant knows it by, `record` what a person looks up."""

    key: str
    record: str
    what: str
    remedy: str | None = None


class Tally:
    """How many records were looked at so far; `notice` hears of it."""

    def __init__(self, notice: Callable[[int], None] = lambda _: None) -> None:
        self.count = 0
        self._notice = notice

    def add(self, count: int) -> None:
        self.count += count
        self._notice(self.count)


Suspects = Callable[[Installation, Tally], AsyncIterator[str]]
"""One pass in constant memory. It may see records while they change, so what it names is judged again."""

Judge = Callable[[Installation, Sequence[str]], Awaitable[list[Finding]]]
"""The truth about these keys as of now; keys that are in order, or gone, give no finding."""


@dataclass(frozen=True)
class Invariant:
    name: str
    meaning: str
    suspects: Suspects
    judge: Judge
