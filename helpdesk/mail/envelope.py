"""A stored mail on paper: a line in the list, or what it looks like."""

from collections.abc import Iterator
from typing import Any, Final

from helpdesk.deadletters.printable import printable
from kit.mongo import Document

HEADER: Final = 200
"""Lines of the header that are shown."""

BODY: Final = 40
WIDEST: Final = 500


def line(row: Document) -> str:
    """Two lines: what a person decides by."""
    head = f"{row['_id']}  {row['received_at']:%Y-%m-%d %H:%M:%S}Z  {printable(str(row.get('reason')), 40)}"
    where = f"from {sender(row)} to {printable(row['mailbox'], 80)}, {row['size']:,} bytes"
    return f"{head}\n    {where}, request {row.get('ticket_id', 'none yet')}"


def as_data(row: Document) -> dict[str, Any]:
    """The same for programs."""
    return {
        "id": row["_id"],
        "received_at": row["received_at"].isoformat(),
        "reason": row.get("reason"),
        "mailbox": row["mailbox"],
        "door": row.get("door", "smtp"),
        "from": row["envelope"]["from"],
        "to": row["envelope"]["to"],
        "size": row["size"],
        "ticket_id": row.get("ticket_id"),
    }


def kept_line(row: Document) -> str:
    """Two lines: what a person decides by."""
    head = f"{row['_id']}  {row['received_at']:%Y-%m-%d %H:%M:%S}Z  {printable(str(row.get('reason')), 40)}"
    wrote = row.get("wrote") or {}
    ticket = f", ticket {row['ticket_id']}" if row.get("ticket_id") else ""
    who = printable(wrote.get("address") or "", 80) or sender(row)
    return f"{head}\n    from {who} to {printable(row['mailbox'], 80)}{ticket}: {printable(wrote.get('subject') or '(no subject)', 100)}"


def kept_as_data(row: Document) -> dict[str, Any]:
    """The same for programs; `author` is who the mail says wrote it, `from` who its envelope says sent it."""
    wrote = row.get("wrote") or {}
    return {**as_data(row), "author": wrote.get("address") or None, "subject": wrote.get("subject") or None}


def full(row: Document, content: bytes) -> Iterator[str]:
    yield f"id        {row['_id']}"
    yield f"state     {row['state']}{' (' + printable(str(row['reason']), 80) + ')' if row.get('reason') else ''}"
    yield f"received  {row['received_at']:%Y-%m-%d %H:%M:%S} UTC by {row.get('door', 'smtp')}"
    yield f"from      {sender(row)}"
    yield f"to        {printable(', '.join(row['envelope']['to']), WIDEST)}"
    yield f"for       {printable(row['mailbox'])} (group {printable(row['group'])})"
    yield f"request   {row.get('ticket_id', 'none yet')}"
    if opens := row.get("opens"):
        asked = f"{opens['at']:%Y-%m-%d %H:%M:%S} UTC by {printable(opens['by'], 80)}"
        yield f"opened    {asked}; it was kept for {printable(str(opens['kept_for']), 80)}"
    yield f"size      {row['size']:,} bytes, SHA-256 {row['sha256']}"
    header, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    yield "header"
    yield from _lines(header, HEADER)
    yield "body"
    yield from _lines(body, BODY)


def sender(row: Document) -> str:
    written = row["envelope"]["from"]
    return "an unknown sender" if written is None else printable(written, 80) or "the null return path"


def _lines(part: bytes, most: int) -> Iterator[str]:
    lines = part.split(b"\n", most)
    for each in lines[:most]:
        yield f"  {printable(each[: 4 * WIDEST].decode('utf-8', 'backslashreplace'), WIDEST)}"
    if len(lines) > most:
        yield "  … `--raw` writes all of it"
