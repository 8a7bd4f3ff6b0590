"""The one table of moves between statuses, and how a move that is not in it is refused."""

from collections.abc import Mapping
from typing import Final

from schemas.values import LocalText, TicketStatus
from services.routing.domain import sentences

MOVES: Final[Mapping[TicketStatus, frozenset[TicketStatus]]] = {
    "new": frozenset({"open", "waiting", "referred", "resolved", "rejected", "merged"}),
    "open": frozenset({"waiting", "referred", "resolved", "rejected", "merged"}),
    "waiting": frozenset({"open", "waiting", "referred", "resolved", "rejected", "merged"}),
    "referred": frozenset({"open", "waiting", "referred", "resolved", "rejected", "merged"}),
    "resolved": frozenset({"open", "closed", "merged"}),
    "closed": frozenset(),
    "merged": frozenset(),
    "rejected": frozenset({"open"}),
}
"""From each status to those that may follow. A status that follows itself is asked or referred once more."""


class Refused(Exception):
    """The caller asked for what the rules forbid.

    `sentence` says why and what to do instead, in both languages; `field` names the part of the command at fault.
    `conflict`: the ticket's state stands in the way (409), not the command itself (422); not `allowed`: whoever asks may not (403).
    """

    def __init__(self, sentence: LocalText, *, field: str | None = None, conflict: bool = False, allowed: bool = True) -> None:
        super().__init__(sentence.en)
        self.sentence = sentence
        self.field = field
        self.conflict = conflict
        self.allowed = allowed

    @property
    def detail(self) -> str:
        """The English sentence; `sentence` has both."""
        return self.sentence.en


def allowed(current: TicketStatus, wanted: TicketStatus) -> bool:
    return wanted in MOVES[current]


def guard(current: TicketStatus, wanted: TicketStatus) -> None:
    """Let the move pass or raise `Refused`, naming the moves there are."""
    if allowed(current, wanted):
        return
    ways = sorted(MOVES[current] - {"merged", "closed"})
    raise Refused(
        sentences.fill(
            sentences.NO_SUCH_MOVE if ways else sentences.NO_MOVE_LEFT,
            current=sentences.statuses(current),
            wanted=sentences.statuses(wanted),
            ways=sentences.statuses(*ways),
        ),
        field="status",
        conflict=True,
    )
