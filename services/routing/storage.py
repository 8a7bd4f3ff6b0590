"""Routing's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, OWED, RELAY_LEASES, RELAY_STATE
from kit.mongo import CollectionSpec, IndexModel
from kit.organisation import ORGANISATION

TICKETS = CollectionSpec(
    "tickets",
    indexes=(
        IndexModel([("reference", ASCENDING)], name="reference", unique=True),
        IndexModel([("group", ASCENDING), ("open", ASCENDING), ("due_sort", ASCENDING), ("_id", ASCENDING)], name="queue"),
        IndexModel([("officer", ASCENDING), ("open", ASCENDING)], name="open_work", partialFilterExpression={"open": True}),
        IndexModel([("next_at", ASCENDING), ("slot", ASCENDING)], name="alarms", partialFilterExpression={"next_at": {"$exists": True}}),
        IndexModel(
            [("measured", ASCENDING), ("slot", ASCENDING)], name="measured", partialFilterExpression={"measured": {"$exists": True}}
        ),
        IndexModel([("linked_to", ASCENDING)], name="linked_to", partialFilterExpression={"linked_to": {"$exists": True}}),
    ),
    schema={
        "bsonType": "object",
        "required": ["_id", "reference", "version", "status", "group", "open", "due_sort", "slot", "state"],
        "properties": {
            "_id": {"bsonType": "string"},
            "reference": {"bsonType": "string"},
            "version": {"bsonType": ["int", "long"], "minimum": 1},
            "status": {"enum": ["new", "open", "waiting", "referred", "resolved", "closed", "merged", "rejected"]},
            "group": {"bsonType": "string"},
            "open": {"bsonType": "bool"},
            "due_sort": {"bsonType": "date"},
            "next_at": {"bsonType": "date"},
            "measured": {"bsonType": ["int", "long"]},
            "slot": {"bsonType": ["int", "long"]},
            "state": {"bsonType": "object"},
        },
    },
)
"""`state` is the whole ticket; the fields beside it are what queries need. `next_at` is there only while something is due.

`measured` is the revision the clocks are measured by, there until the ticket is over."""

MESSAGES = CollectionSpec(
    "messages", indexes=(IndexModel([("ticket_id", ASCENDING), ("at", ASCENDING), ("seq", ASCENDING)], name="conversation"),)
)

INBOX = CollectionSpec("inbox", indexes=(IndexModel([("at", ASCENDING)], name="expiry", expireAfterSeconds=90 * 24 * 3600),))
"""Ids of events that were applied; kept for three times Kafka's retention of 30 days."""

OUTCOMES = CollectionSpec(
    "outcomes",
    indexes=(
        IndexModel([("kind", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)], name="finished"),
        IndexModel([("group", ASCENDING), ("kind", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)], name="finished_by_group"),
        IndexModel([("ticket_id", ASCENDING)], name="ticket"),
        IndexModel([("pending", ASCENDING)], name="pending", partialFilterExpression={"pending": True}),
        IndexModel([("officer", ASCENDING)], name="officer", partialFilterExpression={"officer": {"$gt": ""}}),
    ),
    shard_key={"unit": 1, "day": 1},
)
"""One fact per finished clock, written once with its verdict; every report is a sum of these."""

ROLLUPS = CollectionSpec(
    "rollups",
    indexes=(IndexModel([("kind", ASCENDING), ("month", ASCENDING)], name="finished"), IndexModel([("units", ASCENDING)], name="units")),
    shard_key={"unit": 1, "month": 1},
)
"""Sums of the facts that are folded, by month; they can be made anew from the facts at any time."""

TOKENS = CollectionSpec("tokens", indexes=(IndexModel([("officer", ASCENDING)], name="officer"),))

TICKER_LEASES = CollectionSpec("ticker_leases", indexes=(IndexModel([("owner", ASCENDING)]),))

ROUTING = (TICKETS, MESSAGES, INBOX, OUTCOMES, ROLLUPS, TOKENS, TICKER_LEASES, JOURNAL, OWED, RELAY_STATE, RELAY_LEASES, ORGANISATION)
