"""Events in: one subscription with its dead letters, wired into the running service."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import TypeAdapter

from kit.deadletters import DeadLetters
from kit.inlet import Inlet, subscribe
from kit.kafka import LARGEST_DEAD_LETTER, committed_logs, make_broker, make_producer
from kit.service import Service
from kit.settings import ServiceSettings
from kit.topics import require_topics
from schemas.envelope import Event
from schemas.topics import dead_letters

E = TypeVar("E", bound=Event)


def add_inlet(  # noqa: PLR0913 (each is one collaborator)
    service: Service,
    settings: ServiceSettings,
    topic: str,
    group: str,
    adapter: TypeAdapter[Any],
    apply: Callable[[Sequence[E]], Awaitable[None]],
    *,
    batch: int = 100,
    only: Collection[str] = (),
    unhurried: bool = False,
) -> Inlet[E]:
    """Consume `topic` as `group` and hand batches to `apply`, which must be idempotent and do one transaction each.

    Several inlets of one service share one broker. The topic and the dead-letter topic are there before consuming begins. Append
    `mongo.close` to the closers before calling this: what uses the database is closed first.
    """
    letters = dead_letters(service.name)
    if service.broker is None:
        service.broker = make_broker(settings, service.name)
    make = partial(make_producer, settings, service.name, largest=LARGEST_DEAD_LETTER)
    grave = DeadLetters(letters, group, make_producer=make, logger=service.logger, burst=settings.dead_letter_burst)
    logs = partial(committed_logs, settings, group)
    inlet = Inlet(topic, group, adapter, apply, grave, committed_logs=logs, logger=service.logger, only=only)
    timeout = int(settings.kafka_session_timeout_seconds * 1000)
    subscribe(service.broker, inlet, batch=batch, session_timeout_ms=timeout, unhurried=unhurried)
    service.inlets.append(inlet)
    service.preparations.append(partial(require_topics, settings, [topic], [letters]))
    service.closers.append(grave.close)
    return inlet
