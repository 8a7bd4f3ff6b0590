"""The names of a ticket's clocks, for addresses and people: `resolution-1` is that of the first cycle.

What can start several times in a cycle is numbered from the second time on: `hand_over-1`, `hand_over-1-2`.
"""

from collections import Counter
from collections.abc import Sequence

from services.routing.domain.clocks import Clock


def named(clocks: Sequence[Clock]) -> dict[str, Clock]:
    """The clocks by name, in the order in which they were started; a name never comes to mean another clock."""
    times: Counter[tuple[str, int]] = Counter()
    found: dict[str, Clock] = {}
    for clock in clocks:
        times[clock.kind, clock.cycle] += 1
        time = times[clock.kind, clock.cycle]
        found[f"{clock.kind}-{clock.cycle}" + (f"-{time}" if time > 1 else "")] = clock
    return found
