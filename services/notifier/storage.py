"""The notifier's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, RELAY_LEASES, RELAY_STATE
from kit.mongo import CollectionSpec, IndexModel
from kit.organisation import ORGANISATION

_PENDING = {"state": "pending"}

DELIVERIES = CollectionSpec(
    "deliveries",
    indexes=(
        IndexModel([("next_at", ASCENDING), ("order", ASCENDING), ("slot", ASCENDING)], name="next", partialFilterExpression=_PENDING),
        IndexModel([("lane", ASCENDING), ("order", ASCENDING)], name="lane", partialFilterExpression=_PENDING),
        IndexModel([("ticket_id", ASCENDING)], name="ticket"),
    ),
    schema={
        "bsonType": "object",
        "required": ["_id", "event_id", "ticket_id", "lane", "state", "channel", "attempts", "order", "slot", "planned_at"],
        "properties": {
            "_id": {"bsonType": "string"},
            "state": {"enum": ["pending", "delivered", "failed"]},
            "channel": {"enum": ["email", "chat", "page"]},
            "attempts": {"bsonType": ["int", "long"], "minimum": 0},
        },
    },
    shard_key={"ticket_id": "hashed"},
)
"""One per event, recipient and channel: the id is made of these three. `content` is what is sent, byte for byte, at every attempt."""

SENDER_LEASES = CollectionSpec("sender_leases", indexes=(IndexModel([("owner", ASCENDING)]),))

NOTIFIER = (DELIVERIES, SENDER_LEASES, JOURNAL, RELAY_STATE, RELAY_LEASES, ORGANISATION)
