"""Events out: the journal of one service with the relay that publishes it, wired into the running service."""

import os
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from prometheus_client import Gauge

from kit.ids import new_id
from kit.journal import RELAY_LEASES, RELAY_STATE, Journal
from kit.kafka import end_offsets, make_producer
from kit.leases import Slots
from kit.loops import Loop
from kit.mongo import Database, Mongo
from kit.relay import Relay
from kit.service import Service
from kit.settings import ServiceSettings
from kit.topics import require_topics
from schemas.topics import dead_letters

RELAY_EVERY: Final = 0.25
"""Seconds between looks for entries that another process journalled; this process's own ring the bell."""

RENEW_EVERY: Final = 2.0
"""Seconds; three misses fit into one lease."""

CHECK_EVERY: Final = 5.0
"""Seconds after which a log that Kafka lost, or entries that wait too long, are noticed."""

OLDEST = Gauge("helpdesk_journal_oldest_unpublished_seconds", "Age of the oldest journal entry that Kafka has not acknowledged", ["topic"])


def add_relay(
    service: Service, settings: ServiceSettings, mongo: Mongo, database: Database, topic: str, *, unhurried: bool = False
) -> Journal:
    """The journal for `topic`, published from now on by this process (with whoever else runs the same relay).

    Appends loops and closers to `service`. Closers run in reverse, so append `mongo.close` before calling this. A process that only
    writes the journal and leaves publishing to others makes a plain `Journal(database, topic)` instead. `unhurried`: nobody waits for
    what is published, so it is collected for `RELAY_EVERY`.
    """
    journal = Journal(database, topic, mongo.now)
    slots = Slots(mongo, database[RELAY_LEASES.name], process_name())
    relay = Relay(
        topic,
        journal,
        slots,
        mongo=mongo,
        make_producer=partial(make_producer, settings, service.name),
        ends=partial(end_offsets, settings, topic),
        restore_topics=partial(require_topics, settings, [topic], [dead_letters(service.name)]),
        state=database[RELAY_STATE.name],
        window=timedelta(hours=settings.replay_window_hours),
        logger=service.logger,
    )
    loop = partial(Loop, logger=service.logger)
    service.loops += [
        loop("relay slots", slots.renew, every=RENEW_EVERY),
        loop("relay", partial(publish, journal, relay), every=RELAY_EVERY, wake=None if unhurried else journal.bell),
        loop("relay log", relay.check_log, every=CHECK_EVERY),
        loop("relay adoption", journal.adopt, every=CHECK_EVERY),
        loop("relay age", partial(measure_age, journal.oldest_unpublished_at, topic, mongo.now), every=CHECK_EVERY),
    ]
    service.closers += [slots.release, relay.close]
    return journal


async def publish(journal: Journal, relay: Relay) -> bool:
    """A step for a loop. What an earlier release has left comes first: it may be what new events of the same ticket follow."""
    if not journal.adopted:
        await journal.adopt()
    return await relay.step()


async def measure_age(oldest: Callable[[], Awaitable[datetime | None]], topic: str, now: Callable[[], datetime]) -> bool:
    """Set the gauge of one topic. A step for a loop."""
    at = await oldest()
    OLDEST.labels(topic).set(max((now() - at).total_seconds(), 0.0) if at else 0.0)
    return False


def process_name() -> str:
    """Names this process among all that share the work; a restarted one is another."""
    return f"{socket.gethostname()[:40]}/{os.getpid()}/{new_id()}"
