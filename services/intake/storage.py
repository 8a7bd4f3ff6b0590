"""Intake's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, RELAY_LEASES, RELAY_STATE
from kit.mongo import CollectionSpec, IndexModel
from kit.organisation import ORGANISATION

CONVERSATIONS = CollectionSpec(
    "conversations",
    indexes=(IndexModel([("reference", ASCENDING)], name="reference", unique=True),),
    schema={
        "bsonType": "object",
        "required": ["_id", "reference", "version", "last_at", "seen"],
        "properties": {
            "_id": {"bsonType": "string"},
            "reference": {"bsonType": "string", "pattern": "^HD-"},
            "version": {"bsonType": ["int", "long"], "minimum": 1},
            "seen": {"bsonType": ["int", "long"], "minimum": 0},
            "last_at": {"bsonType": "date"},
        },
    },
)
"""One per ticket: what intake said about it (`version`) and what it has heard back (`seen`, `ticket`, `messages`)."""

SUBMISSIONS = CollectionSpec(
    "submissions",
    indexes=(
        IndexModel([("ticket_id", ASCENDING)], name="ticket"),
        IndexModel([("files", ASCENDING)], name="files", partialFilterExpression={"files.0": {"$exists": True}}),
    ),
)
"""Everything accepted, as it came; `_id` is its source's own key, which is what makes a repeat harmless."""

THREADS = CollectionSpec("threads")
"""Which ticket a chat conversation is talking to now."""

STORED_FILES = CollectionSpec(
    "files.files",
    indexes=(IndexModel([("uploadDate", ASCENDING)], name="unclaimed", partialFilterExpression={"metadata.claimed": False}),),
)
"""GridFS's own record of each file (GridFS specification, "Files collection document"). A file is claimed once a submission names it."""

INTAKE = (CONVERSATIONS, SUBMISSIONS, THREADS, STORED_FILES, JOURNAL, RELAY_STATE, RELAY_LEASES, ORGANISATION)
