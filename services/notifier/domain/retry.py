"""When a delivery that was put off is tried again, and when it is given up."""

from datetime import datetime, timedelta
from typing import Final

SCHEDULE: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15, 30, 60, 120, 240, 480))
"""Pause before the first attempt, the second, the third...; the last one repeats. Greylisting lifts in minutes, an outage in hours."""

GIVE_UP_AFTER: Final = timedelta(hours=72)
"""Counted from the first attempt. A weekend without anybody at the mail server is survived."""

SPREAD: Final = 0.2
"""Share of the pause by which jitter moves it, so that what failed together doesn't come back together."""


def next_attempt(attempt: int, first_at: datetime, now: datetime, jitter: float) -> datetime | None:
    """The instant of the attempt after number `attempt` (from 1); None when it would be past the end.

    `jitter` is drawn by the caller from [-1, 1] and moves the pause by up to a fifth. The last attempt is made at the end itself.
    """
    if not -1 <= jitter <= 1:
        raise ValueError("jitter must lie in [-1, 1]")
    end = first_at + GIVE_UP_AFTER
    if now >= end:
        return None
    pause = SCHEDULE[min(max(attempt, 0), len(SCHEDULE) - 1)]
    return min(now + pause * (1 + SPREAD * jitter), end)
