"""Promises 1, 2, 3 and 7: a service killed between any two steps loses nothing, doubles nothing and keeps the order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import get_args

from helpdesk.embedded.process import Child
from kit.crashpoints import Point
from tests.chaos.conftest import ROUNDS
from tests.chaos.evidence import assert_promises_kept
from tests.chaos.load import Businesses
from tests.support.installation import Installation, died_by_itself
from tests.support.waiting import wait_until

EVERYWHERE: tuple[Point, ...] = tuple(point for point in get_args(Point) if not point.startswith("sender."))
LIVES: dict[str, tuple[Point, ...]] = {"intake": EVERYWHERE, "routing": EVERYWHERE, "notifier": get_args(Point)}
AT_LEAST = 30
LONGEST_LIFE = 120.0


def dead(child: Child) -> bool:
    return not child.alive


async def live_and_die(installation: Installation, service: str, points: tuple[Point, ...]) -> None:
    """Start the service again and again, each time with the next place to die at, and at last without one."""
    await installation.stop(service)
    for point in points:
        installation.start(service, crash_at=point)
        child = installation.children[service]
        await wait_until(partial(dead, child), f"{service} dies at {point}", LONGEST_LIFE, pause=0.02)
        installation.ended.append((service, time.monotonic()))
        assert died_by_itself(child), f"{service} was to die at {point} and ended otherwise:\n{child.last_lines()}"
    installation.start(service)
    await installation.ready(service)


async def under_load(installation: Installation, trouble: Callable[[], Awaitable[None]], at_least: int = AT_LEAST) -> Businesses:
    """Businesses ask before, during and after the trouble."""
    businesses, stop = Businesses(installation), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(businesses.keep_asking(stop, at_least))
        try:
            await trouble()
        finally:
            stop.set()
    return businesses


async def test_every_service_is_killed_between_every_two_steps(installation: Installation) -> None:
    async def trouble() -> None:
        await asyncio.gather(*(live_and_die(installation, service, points) for service, points in LIVES.items()))

    businesses = await under_load(installation, trouble)
    await assert_promises_kept(installation, businesses)


async def test_services_and_servers_are_killed_at_random_moments(installation: Installation) -> None:
    """One short round in the ordinary run, many with `make chaos`; the seed is in the message of a failure."""
    for seed in range(max(ROUNDS, 1)):
        await killed_at_random(installation, seed, kills=8 if ROUNDS else 3)


async def killed_at_random(installation: Installation, seed: int, kills: int) -> None:
    chance = random.Random(seed)

    async def trouble() -> None:
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.2, 6))
            victim = chance.choice(["intake", "routing", "notifier", "intake", "routing", "notifier", "Kafka", "MongoDB"])
            match victim:
                case "Kafka":
                    await installation.kafka.kill()
                    await installation.kafka.start()
                case "MongoDB":
                    await installation.mongo.kill()
                    await installation.mongo.start()
                case service:
                    await installation.kill9(service)
                    installation.start(service)
        await installation.ready()

    businesses = await under_load(installation, trouble)
    await assert_promises_kept(installation, businesses)
