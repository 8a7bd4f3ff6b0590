"""The notifier's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, OWED, RELAY_LEASES, RELAY_STATE
from kit.mongo import CollectionSpec, IndexModel
from kit.organisation import ORGANISATION

_WAITING = {"state": {"$in": ["pending", "gathering"]}}

DELIVERIES = CollectionSpec(
    "deliveries",
    indexes=(
        IndexModel([("ticket_id", ASCENDING)], name="ticket"),
        # With all that a look asks for: it passes over what is under way without reading those mails.
        IndexModel(
            [(field, ASCENDING) for field in ("state", "channel", "next_at", "order", "slot", "lane")],
            name="due",
            partialFilterExpression=_WAITING,
        ),
        IndexModel([(field, ASCENDING) for field in ("lane", "state", "next_at", "order")], name="lanes", partialFilterExpression=_WAITING),
    ),
    # Each index costs every write of a delivery's end as much as the write itself, also where the delivery is not in it.
    retired=("next", "lane", "gathered", "gathered_lane", "gathered_ticket", "acknowledged", "acknowledged_at"),
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
many acknowledgements. `returned` is what a mail server reported about it later.
"""

ACKNOWLEDGED = CollectionSpec(
    "acknowledged",
    indexes=(
        IndexModel([("address", ASCENDING), ("at", ASCENDING)], name="address"),
        IndexModel([("at", ASCENDING)], name="expiry", expireAfterSeconds=2 * 24 * 3600),
    ),
)
"""Acknowledgements of mails, by delivery: the `address` in its one spelling, and when (`at`). They are counted for a day."""

SUPPRESSIONS = CollectionSpec("suppressions", indexes=(IndexModel([("since", ASCENDING)], name="since"),))
"""Addresses that nothing is sent to, by address; one that was lifted stays with `lifted_at`."""

PREFERENCES = CollectionSpec("preferences", indexes=(IndexModel([("officer", ASCENDING)], name="officer"),))
"""Notices by officer and kind that were ever turned off; `on` says what holds `since` then, `by` who said so."""

SENDER_LEASES = CollectionSpec("sender_leases", indexes=(IndexModel([("owner", ASCENDING)]),))

RELAY_TROUBLE = CollectionSpec("relay_trouble")
"""Why all mail is paused, by channel: `since` when, the `reason`, and when it was last tried (`at`); nothing while mail goes out."""

NOTIFIER = (
    DELIVERIES,
    ACKNOWLEDGED,
    SUPPRESSIONS,
    PREFERENCES,
    SENDER_LEASES,
    RELAY_TROUBLE,
    JOURNAL,
    OWED,
    RELAY_STATE,
    RELAY_LEASES,
    ORGANISATION,
)
