"""Alarms gathered for one person become one mail, or none when the work was done before anybody was told; so does new work in a flood."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from pymongo import UpdateOne
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.ids import slot_of
from kit.mongo import Database, Document, Mongo, Session, translated
from schemas.tickets import TicketEventBase
from services.notifier.digest_mail import DigestMail
from services.notifier.domain.audience import Delivery
from services.notifier.domain.gathering import WINDOW, Alarm, Gathered, alarm_of, gravest, standing, waits_until
from services.notifier.folding import digest_row, mark_folded
from services.notifier.new_work_digests import NEW_WORK, NewWorkDigests, left_to_tell
from services.notifier.repository import DIGEST
from services.notifier.storage import DELIVERIES

MOST: Final = 10_000
"""Alarms of one mail: their ends are written in one transaction."""

LANES: Final = 1_000

_alarm: Final = TypeAdapter(Alarm)
_WITHOUT_CONTENT: Final = {"content": 0}


def waiting(delivery: Delivery, event: TicketEventBase, now: datetime) -> Document | None:
    """What a delivery has besides to be gathered with others of its person; None when it goes out at once."""
    if not isinstance(event, Gathered) or delivery.audience != "staff" or delivery.channel != "email":
        return None
    until = waits_until(event, now)
    if until is None:
        return None
    lane = f"{DIGEST}:{delivery.recipient}"
    return {
        "state": "gathering",
        "lane": lane,
        "slot": slot_of(lane),
        "next_at": until,
        "alarm": _alarm.dump_python(alarm_of(event)),
    }


class Digests:
    """Everything rests on the deliveries' states: two processes that fold the same lane at once fold it once."""

    def __init__(self, mongo: Mongo, database: Database, mail: DigestMail) -> None:
        self._mongo = mongo
        self._deliveries = database[DELIVERIES.name]
        self._mail = mail
        self._new_work = NewWorkDigests(database, mail)

    async def settle(self, events: Iterable[TicketEventBase]) -> None:
        """Drop what these events have made pointless; called with every batch, after it was planned."""
        latest = _latest(event for event in events if event.sequence > 1)  # nothing waits for what has just begun
        query = {"ticket_id": {"$in": list(latest)}, "state": "gathering"}
        with translated():
            rows = await self._deliveries.find(query, {"alarm": 1, "work": 1, "ticket_id": 1}).to_list(None) if latest else []
            writes = [write for row in rows if (write := _settled(row, latest, self._mongo.now()))]
            if writes:
                await self._deliveries.bulk_write(writes, ordered=False)

    async def due(self, slots: Iterable[int], now: datetime, resting: Iterable[str] = ()) -> list[str]:
        """Lanes in which something has waited long enough, but for those that rest."""
        query = {
            "state": "gathering",
            "channel": "email",
            "slot": {"$in": sorted(slots)},
            "next_at": {"$lte": now},
            "lane": {"$nin": sorted(resting)},
        }
        with translated():
            rows = await self._deliveries.find(query, {"_id": 0, "lane": 1}).sort("next_at", 1).limit(LANES).to_list(LANES)
        return list(dict.fromkeys(row["lane"] for row in rows))

    async def fold(self, lane: str, now: datetime) -> int:
        """Make one delivery of all that waits in the lane, in one transaction. Returns of how many."""

        async def work(session: Session) -> int:
            if lane.startswith(f"{NEW_WORK}:"):
                return await self._new_work.fold(lane, now, session)
            query = {"lane": lane, "state": "gathering", "next_at": {"$lte": now + WINDOW}}
            found = self._deliveries.find(query, _WITHOUT_CONTENT, session=session).sort([("next_at", 1), ("order", 1), ("_id", 1)])
            rows = await found.limit(MOST).to_list(MOST)
            if not rows or rows[0]["next_at"] > now:
                return 0  # somebody else was faster
            alarms = [_alarm.validate_python(row["alarm"]) for row in rows]
            left = gravest(alarms)
            if len(left) == 1:
                await self._send_alone(rows[alarms.index(left[0])], rows, now, session)
            else:
                await self._send_together(rows, alarms, now, session)
            return len(rows)

        return await self._mongo.transaction(work)

    async def _send_alone(self, row: Document, rows: Sequence[Document], now: datetime, session: Session) -> None:
        """Its own mail, in the lane of its ticket; lesser alarms of the same clock end with it."""
        others = [other["_id"] for other in rows if other["_id"] != row["_id"]]
        there = {"lane": f"{row['ticket_id']}:{row['recipient']}", "slot": slot_of(row["ticket_id"])}
        freed = {"state": "pending", "next_at": now, **there, **({"parts": others} if others else {})}
        await self._deliveries.update_one({"_id": row["_id"]}, {"$set": freed, "$unset": {"alarm": ""}}, session=session)
        await mark_folded(self._deliveries, others, row["_id"], session)

    async def _send_together(self, rows: Sequence[Document], alarms: Sequence[Alarm], now: datetime, session: Session) -> None:
        last, parts = max(rows, key=lambda row: (row["planned_at"], row["_id"])), [row["_id"] for row in rows]
        made = digest_row(last, parts, now)
        made["content"] = self._mail.render(made, alarms, now)
        await self._deliveries.insert_one(made, session=session)
        await mark_folded(self._deliveries, parts, made["_id"], session)


def _latest(events: Iterable[Any]) -> dict[str, TicketEventBase]:
    """The newest of the events of each ticket."""
    found: dict[str, TicketEventBase] = {}
    for event in events:
        if isinstance(event, TicketEventBase) and (event.ticket_id not in found or found[event.ticket_id].sequence < event.sequence):
            found[event.ticket_id] = event
    return found


def _settled(row: Document, latest: Mapping[str, TicketEventBase], now: datetime) -> UpdateOne | None:
    """What a later event of its ticket makes of something that waits; None: nothing."""
    event = latest[row["ticket_id"]]
    if row.get("work") is not None:
        return None if left_to_tell(row, event) else _dropped(row, "somebody has the request, or it is done, before this was told", now)
    alarm = _alarm.validate_python(row["alarm"])
    if event.sequence <= alarm.sequence:
        return None
    match standing(alarm, event.ticket):
        case "over":
            return _dropped(row, "the work was done, or the clock stopped, before this was told", now)
        case "paused" if alarm.due_at is not None:
            return UpdateOne(_gathering(row), {"$set": {"alarm.due_at": None}})
        case _:
            return None


def _dropped(row: Document, reason: str, now: datetime) -> UpdateOne:
    gone = {"state": "dropped", "ended_at": now, "reason": reason}
    return UpdateOne(_gathering(row), {"$set": gone, "$unset": {"content": "", "alarm": "", "work": ""}})


def _gathering(row: Document) -> Document:
    return {"_id": row["_id"], "state": "gathering"}


class Gatherer:
    """The loop that folds the lanes whose time has come; `mine` are the slots this process sends for."""

    def __init__(
        self,
        digests: Digests,
        mine: Callable[[], Iterable[int]],
        now: Callable[[], datetime],
        wake: Callable[[], None],
        logger: FilteringBoundLogger,
    ) -> None:
        self._digests = digests
        self._mine = mine
        self._now = now
        self._wake = wake
        self._logger = logger
        self._resting: dict[str, datetime] = {}

    async def step(self) -> bool:
        """Fold every due lane. One that fails by our own fault rests and holds nobody up."""
        now = self._now()
        self._resting = {lane: until for lane, until in self._resting.items() if until > now}
        mine = list(self._mine())
        lanes = await self._digests.due(mine, now, self._resting) if mine else []
        folded = 0
        for lane in lanes:
            folded += await self._fold(lane, now)
        if folded:
            self._wake()
        return bool(folded)

    async def _fold(self, lane: str, now: datetime) -> int:
        try:
            count = await self._digests.fold(lane, now)
        except TransientError:
            raise
        except Exception:
            self._logger.exception("digest.failed", lane=lane)
            self._resting[lane] = now + WINDOW
            return 0
        self._logger.info("digest.folded", lane=lane, deliveries=count)
        return count
