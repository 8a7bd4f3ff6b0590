"""Deliveries in MongoDB: planned once, attempted until they end, each end journalled with it."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from itertools import takewhile
from operator import itemgetter
from typing import Any

from pymongo import UpdateMany

from kit.errors import TransientError
from kit.ids import derived_id, slot_of
from kit.journal import Journal
from kit.mongo import Database, Document, Mongo, Session, UpdateOne, Writes, translated
from schemas.notifications import DeliveryEvent, NotificationDelivered, NotificationFailed
from services.notifier.domain.audience import Delivery
from services.notifier.storage import ACKNOWLEDGED, DELIVERIES, RELAY_TROUBLE
from services.notifier.suppressions import SUPPRESSED

SOURCE = "helpdesk/notifier"
DIGEST = "digest"
"""The template of a mail that tells many alarms at once."""

PAGE = 100
"""Parts of a digest in memory at a time."""

_FIELDS = tuple(field.name for field in fields(Delivery))
_TO_TELL = {"content": 0, "alarm": 0, "work": 0}


@dataclass(frozen=True)
class Planned:
    """A delivery with what it will send; `refusal` when it can't be made, `content` None when nothing is sent (`page`)."""

    delivery: Delivery
    order: int
    content: bytes | None
    reference: str
    trace: str | None
    refusal: str | None = None
    dropped: str | None = None
    """Why nothing is sent although it could be, and nobody has to be told of it."""
    acknowledges: str | None = None
    """The address it is counted for, in its one spelling."""
    waiting: Document | None = None
    """What makes an alarm wait for others, see `digests.waiting`."""


@dataclass(frozen=True)
class Attempted:
    """A delivery after an attempt: ended (`event`) or put off until `next_at`."""

    row: Document
    at: datetime
    event: DeliveryEvent | None
    next_at: datetime | None
    reason: str


class _EndedMeanwhile(Exception):
    """One of the deliveries is no longer pending."""


class DeliveryRepository:
    def __init__(self, mongo: Mongo, database: Database, journal: Journal) -> None:
        self._mongo = mongo
        self._journal = journal
        self._deliveries = database[DELIVERIES.name]
        self._acknowledged = database[ACKNOWLEDGED.name]
        self._trouble = database[RELAY_TROUBLE.name]

    async def known(self, ids: Collection[str]) -> set[str]:
        with translated():
            return {row["_id"] async for row in self._deliveries.find({"_id": {"$in": list(ids)}}, {"_id": 1})}

    async def held_lanes(self, lanes: Collection[str]) -> dict[str, datetime]:
        """Lanes in which something still waits, with the latest instant it waits for: what is planned now goes behind it."""
        if not lanes:
            return {}
        with translated():
            rows = self._deliveries.find({"lane": {"$in": list(lanes)}, "state": "pending"}, {"lane": 1, "next_at": 1})
            held: dict[str, datetime] = {}
            async for row in rows:
                held[row["lane"]] = max(row["next_at"], held.get(row["lane"], row["next_at"]))
        return held

    async def add(self, planned: Sequence[Planned], held: dict[str, datetime], now: datetime) -> list[Document]:
        """All in one transaction; returns the rows. What needs no sending, or can't be made, ends here.

        DuplicateKey: some were planned before, nothing was written.
        """
        rows = [_row(item, held, now) for item in planned]
        ended = [event for item, row in zip(planned, rows, strict=True) if (event := _ended(item, row, now))]
        counted = [
            UpdateOne({"_id": row["_id"]}, {"$setOnInsert": {"address": item.acknowledges, "at": now}}, upsert=True)
            for item, row in zip(planned, rows, strict=True)
            if item.acknowledges and row["state"] == "pending"
        ]
        writes = Writes()
        writes.insert(self._deliveries, rows)
        writes.update(self._acknowledged, counted)
        self._journal.add(ended, writes, streams=[event.delivery_id for event in ended])
        await self._mongo.write(writes)
        return rows

    async def due(
        self, slots: Iterable[int], now: datetime, limit: int, channels: Collection[str], busy: Collection[str] = ()
    ) -> dict[str, list[Document]]:
        """What may be sent now, by lane: its first deliveries in the order they were planned. Lanes in `busy` are left out."""
        query: dict[str, Any] = {
            "state": "pending",
            "slot": {"$in": sorted(slots)},
            "next_at": {"$lte": now},
            "channel": {"$in": sorted(channels)},
            "lane": {"$nin": sorted(busy)},
        }
        with translated():
            due = await self._deliveries.find(query, {"_id": 0, "lane": 1}).sort([("next_at", 1), ("order", 1)]).limit(limit).to_list(limit)
            lanes: dict[str, list[Document]] = {row["lane"]: [] for row in due}
            if not lanes:
                return {}
            # Not the due ones alone: what was planned while the one before it was being put off may be due before that.
            async for row in self._deliveries.find({"lane": {"$in": list(lanes)}, "state": "pending"}):
                lanes[row["lane"]].append(row)
        in_order = {lane: sorted(rows, key=itemgetter("order")) for lane, rows in lanes.items()}
        first = {lane: list(takewhile(partial(_may_go, now, channels), rows)) for lane, rows in in_order.items()}
        return {lane: rows for lane, rows in first.items() if rows}

    async def record(self, attempts: Sequence[Attempted]) -> Sequence[Exception | None]:
        """What became of a group of attempts, in one transaction; an attempt at what has ended meanwhile is left out.

        When one of them can't be written down, the others are, on their own: they must not be sent again because of it.
        """
        try:
            await self._record_all(attempts)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 (handed to whoever made the attempt)
            if len(attempts) == 1:
                return [error]
            return [outcome for attempt in attempts for outcome in await self.record([attempt])]
        return [None] * len(attempts)

    async def paused(self, channel: str, reason: str, now: datetime) -> None:
        """Nothing is sent on this channel: for whoever looks from outside."""
        change = {"$set": {"at": now, "reason": reason}, "$setOnInsert": {"since": now}}
        with translated():
            await self._trouble.update_one({"_id": channel}, change, upsert=True)

    async def goes_out(self, channel: str) -> None:
        """Again."""
        with translated():
            await self._trouble.delete_one({"_id": channel})

    async def _record_all(self, attempts: Sequence[Attempted]) -> None:
        """Most end a delivery that nobody else has touched, and are written without asking for that first."""
        if all(attempt.event and not attempt.row.get("parts") for attempt in attempts):
            events = [attempt.event for attempt in attempts if attempt.event]
            writes = Writes()
            ends = [write for attempt in attempts for write in _writes(attempt)]
            writes.update(self._deliveries, ends, unmatched=_EndedMeanwhile)
            self._journal.add(events, writes, streams=[event.delivery_id for event in events])
            with suppress(_EndedMeanwhile):
                return await self._mongo.write(writes)
        return await self._mongo.transaction(partial(self._write, attempts))

    async def _write(self, attempts: Sequence[Attempted], session: Session) -> None:
        ids = [attempt.row["_id"] for attempt in attempts]
        still = self._deliveries.find({"_id": {"$in": ids}, "state": "pending"}, {"_id": 1}, session=session)
        pending = {row["_id"] async for row in still}
        current = [attempt for attempt in attempts if attempt.row["_id"] in pending]
        events = await self._ends(current, session)
        if current:
            await self._deliveries.bulk_write([write for attempt in current for write in _writes(attempt)], session=session)
        await self._journal.append(events, session, streams=[event.delivery_id for event in events])

    async def _ends(self, attempts: Sequence[Attempted], session: Session) -> list[DeliveryEvent]:
        """What to tell of their ends; a digest is no event's own, its end is that of each of its parts."""
        events = [attempt.event for attempt in attempts if attempt.event and attempt.row["template"] != DIGEST]
        for attempt in attempts:
            if attempt.event and (parts := attempt.row.get("parts")):
                found = self._deliveries.find({"_id": {"$in": parts}, "state": "folded"}, _TO_TELL, session=session, batch_size=PAGE)
                events += [_as_part(row, attempt.event) async for row in found]
        return events


def _may_go(now: datetime, channels: Collection[str], row: Document) -> bool:
    return row["next_at"] <= now and row["channel"] in channels


def _row(item: Planned, held: dict[str, datetime], now: datetime) -> Document:
    delivery = item.delivery
    row: Document = {name: getattr(delivery, name) for name in _FIELDS}
    row["_id"] = row.pop("id")
    state = "failed" if item.refusal else "dropped" if item.dropped else "delivered" if delivery.channel == "page" else "pending"
    row |= {
        "reference": item.reference,
        "slot": slot_of(delivery.ticket_id),
        "order": item.order,
        "state": state,
        "attempts": 1 if state == "delivered" else 0,
        "planned_at": now,
        "next_at": max(now, held.get(delivery.lane, now)),
        "trace": item.trace,
    }
    if state == "pending":
        row["content"] = item.content
        row |= item.waiting or {}
    else:
        row |= {"ended_at": now, "reason": item.refusal or item.dropped or "read on the status page"}
    return row


def _ended(item: Planned, row: Document, now: datetime) -> DeliveryEvent | None:
    if row["state"] in {"pending", "gathering", "dropped"}:
        return None
    return failed(row, item.refusal, now) if item.refusal else delivered({**row, "attempts": 0}, now)


def _writes(attempt: Attempted) -> Iterable[Any]:
    row = attempt.row
    key = {"_id": row["_id"], "state": "pending"}
    note = {"reason": attempt.reason[:500]}
    if attempt.event is not None:
        state = "delivered" if isinstance(attempt.event, NotificationDelivered) else "failed"
        ended = {"state": state, "ended_at": attempt.event.occurred_at, **note}
        yield UpdateOne(key, {"$set": ended, "$inc": {"attempts": 1}, "$unset": {"content": ""}})
        if parts := row.get("parts"):
            yield UpdateMany({"_id": {"$in": parts}, "state": "folded"}, {"$set": ended, "$inc": {"attempts": 1}})
        return
    yield UpdateOne(
        key, {"$set": {"next_at": attempt.next_at, "first_at": row.get("first_at") or attempt.at, **note}, "$inc": {"attempts": 1}}
    )
    # What comes after it in its lane waits with it.
    later = {"lane": row["lane"], "state": "pending", "order": {"$gt": row["order"]}}
    yield UpdateMany(later, {"$max": {"next_at": attempt.next_at}})


def delivered(row: Document, at: datetime) -> NotificationDelivered:
    return NotificationDelivered.model_validate({**_common(row, at), "accepted_at": at, "attempts": row["attempts"] + 1})


def failed(row: Document, reason: str, at: datetime) -> NotificationFailed:
    address = {"address": row["address"] or None, "suppressed": reason.startswith(SUPPRESSED)}
    return NotificationFailed.model_validate({**_common(row, at), **address, "reason": reason, "attempts": row["attempts"]})


def _as_part(row: Document, end: DeliveryEvent) -> DeliveryEvent:
    if isinstance(end, NotificationDelivered):
        return delivered(row, end.occurred_at)
    return failed({**row, "attempts": row["attempts"] + 1}, end.reason if isinstance(end, NotificationFailed) else "", end.occurred_at)


def _common(row: Document, at: datetime) -> Document:
    return {
        "id": derived_id(row["_id"], "end"),
        "source": SOURCE,
        "occurred_at": at,
        "ticket_id": row["ticket_id"],
        "sequence": 1,
        "caused_by": row["event_id"],
        "traceparent": row.get("trace"),
        "delivery_id": row["_id"],
        "event_id": row["event_id"],
        "message_id": row["message_id"],
        "audience": row["audience"],
        "template": row["template"],
        "channel": row["channel"],
    }
