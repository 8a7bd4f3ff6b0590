"""Stretches in which a clock does not run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.instants import as_micros

FOREVER = 2**62
"""Where a pause that was not ended yet ends, in microseconds: later than any instant a calendar reaches."""


@dataclass(frozen=True, slots=True)
class Pause:
    """From `began_at` up to, not including, `ended_at`; None while it lasts. `because` is a ticket status or words of the officer."""

    began_at: datetime
    ended_at: datetime | None
    because: str

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


def merged(pauses: Iterable[Pause], since: int) -> list[tuple[int, int]]:
    """The pauses after `since` as disjoint, sorted stretches of microseconds, so that overlapping ones count once."""
    stretches: list[tuple[int, int]] = []
    if not pauses:  # as nearly always
        return stretches
    for began, ended in sorted(_stretch(pause) for pause in pauses):
        began = max(began, since)  # noqa: PLW2901 (clipping is what the loop is about)
        if ended <= began:
            continue
        if stretches and began <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], ended))
        else:
            stretches.append((began, ended))
    return stretches


def _stretch(pause: Pause) -> tuple[int, int]:
    return as_micros(pause.began_at), FOREVER if pause.ended_at is None else as_micros(pause.ended_at)
