"""Intake's collections."""

from pymongo import ASCENDING

from kit.journal import JOURNAL, OWED, RELAY_LEASES, RELAY_STATE
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
        IndexModel([("raw.message_id", ASCENDING)], name="message_id", partialFilterExpression={"raw.message_id": {"$type": "string"}}),
        IndexModel([("files", ASCENDING)], name="files", partialFilterExpression={"files.0": {"$exists": True}}),
    ),
)
"""Everything accepted, as it came; `_id` is its source's own key, which is what makes a repeat harmless. Of a mail, `raw.message_id` is the
id others refer to it by, and `html` which of its `files` is the page we made of its HTML form."""

THREADS = CollectionSpec("threads")
"""Which ticket a chat conversation is talking to now; and of a mail conversation, the ticket of each sender in each group but the
first."""

STORED_FILES = CollectionSpec(
    "files.files",
    indexes=(IndexModel([("uploadDate", ASCENDING)], name="unclaimed", partialFilterExpression={"metadata.claimed": False}),),
)
"""GridFS's own record of each file (GridFS specification, "Files collection document"). A file is claimed once a submission names it."""

MAILS = CollectionSpec(
    "mails",
    indexes=(
        IndexModel([("slot", ASCENDING), ("_id", ASCENDING)], name="waiting", partialFilterExpression={"state": "received"}),
        IndexModel([("state", ASCENDING), ("received_at", ASCENDING)], name="state"),
        IndexModel([("ticket_id", ASCENDING)], name="ticket", partialFilterExpression={"ticket_id": {"$exists": True}}),
        IndexModel([("mail", ASCENDING)], name="mail"),
        IndexModel([("tally", ASCENDING), ("state", ASCENDING), ("as", ASCENDING), ("reason", ASCENDING)], name="sum"),
    ),
    schema={
        "bsonType": "object",
        "required": ["_id", "mail", "state", "mailbox", "group", "slot", "received_at", "not_before", "envelope", "size", "sha256"],
        "properties": {
            "_id": {"bsonType": "string"},
            "state": {"enum": ["received", "done", "kept", "parked"]},
            "slot": {"bsonType": ["int", "long"], "minimum": 0},
            "received_at": {"bsonType": "date"},
            "not_before": {"bsonType": "date"},
            "raw": {"bsonType": "binData"},
            "file": {"bsonType": "string"},
        },
    },
)
"""Every mail as it came, one row per mailbox it was for: `received` until it is read, then `done` (it is on a ticket), `kept` (automatic
mail that is nobody's request) or `parked` (it could not be understood; a request says so)."""

MAIL_LEASES = CollectionSpec("mail_leases", indexes=(IndexModel([("owner", ASCENDING)]),))

MAIL_KEYS = CollectionSpec("mail_keys")
"""What mails were handed in under, at the doors where a mail may be handed in again: `_id` is the door's own key of the mail."""

MAIL_TALLIES = CollectionSpec("mail_tallies")
"""What each process's doors counted: `rows`, the mails it stored, written with them; `refused`, those it refused for good, by reason."""

MAIL_FOLDERS = CollectionSpec("mail_folders")
"""How far each IMAP folder was read (UIDVALIDITY and last UID, RFC 9051 section 2.3.1.1), who reads it, and what is wrong with it."""

INTAKE = (
    CONVERSATIONS,
    SUBMISSIONS,
    THREADS,
    STORED_FILES,
    MAILS,
    MAIL_KEYS,
    MAIL_TALLIES,
    MAIL_FOLDERS,
    MAIL_LEASES,
    JOURNAL,
    OWED,
    RELAY_STATE,
    RELAY_LEASES,
    ORGANISATION,
)
