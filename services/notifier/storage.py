"""The notifier's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, RELAY_LEASES, RELAY_STATE
from kit.mongo import CollectionSpec, IndexModel
from kit.organisation import ORGANISATION

_PENDING = {"state": "pending"}
_GATHERING = {"state": "gathering"}
_ACKNOWLEDGED = {"acknowledged": {"$exists": True}}

DELIVERIES = CollectionSpec(
    "deliveries",
    indexes=(
        IndexModel([("next_at", ASCENDING), ("order", ASCENDING), ("slot", ASCENDING)], name="next", partialFilterExpression=_PENDING),
        IndexModel([("lane", ASCENDING), ("order", ASCENDING)], name="lane", partialFilterExpression=_PENDING),
        IndexModel([("ticket_id", ASCENDING)], name="ticket"),
        IndexModel([("next_at", ASCENDING), ("slot", ASCENDING)], name="gathered", partialFilterExpression=_GATHERING),
        IndexModel([("lane", ASCENDING), ("next_at", ASCENDING)], name="gathered_lane", partialFilterExpression=_GATHERING),
        IndexModel([("ticket_id", ASCENDING), ("order", ASCENDING)], name="gathered_ticket", partialFilterExpression=_GATHERING),
        IndexModel([("acknowledged", ASCENDING), ("planned_at", ASCENDING)], name="acknowledged", partialFilterExpression=_ACKNOWLEDGED),
        IndexModel([("planned_at", ASCENDING)], name="acknowledged_at", partialFilterExpression=_ACKNOWLEDGED),
    ),
    schema={
        "bsonType": "object",
        "required": ["_id", "event_id", "ticket_id", "lane", "state", "channel", "attempts", "order", "slot", "planned_at"],
        "properties": {
            "_id": {"bsonType": "string"},
            "state": {"enum": ["pending", "delivered", "failed", "gathering", "folded", "dropped"]},
            "channel": {"enum": ["email", "chat", "page"]},
            "attempts": {"bsonType": ["int", "long"], "minimum": 0},
        },
    },
    shard_key={"ticket_id": "hashed"},
)
"""One per event, recipient and channel: the id is made of these three. `content` is what is sent, byte for byte, at every attempt.

An alarm that is told later waits as `gathering`, and so does new work in a flood, with what a digest says of it as `alarm` or `work`.
Then it is sent alone, or `folded` into a digest, a delivery more with its ids as `parts`, and ends with that one; new work, which has no
`content` of its own, is always folded. Or it is `dropped`, because the work was done before anybody was told, or because there were too
many acknowledgements. `acknowledged` is the address, in its one spelling, of an acknowledgement of a mail; `returned` what a mail server
reported about it later.
"""

SUPPRESSIONS = CollectionSpec("suppressions", indexes=(IndexModel([("since", ASCENDING)], name="since"),))
"""Addresses that nothing is sent to, by address; one that was lifted stays with `lifted_at`."""

PREFERENCES = CollectionSpec("preferences", indexes=(IndexModel([("officer", ASCENDING)], name="officer"),))
"""Notices by officer and kind that were ever turned off; `on` says what holds `since` then, `by` who said so."""

SENDER_LEASES = CollectionSpec("sender_leases", indexes=(IndexModel([("owner", ASCENDING)]),))

RELAY_TROUBLE = CollectionSpec("relay_trouble")
"""Why all mail is paused, by channel: `since` when, the `reason`, and when it was last tried (`at`); nothing while mail goes out."""

NOTIFIER = (DELIVERIES, SUPPRESSIONS, PREFERENCES, SENDER_LEASES, RELAY_TROUBLE, JOURNAL, RELAY_STATE, RELAY_LEASES, ORGANISATION)
