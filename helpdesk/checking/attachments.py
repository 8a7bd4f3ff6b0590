"""Files that were accepted are there, with all their bytes: those that requests name, and mails too large to be kept in their row."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows
from kit.mongo import Document
from services.intake.storage import MAILS, STORED_FILES, SUBMISSIONS

CHUNKS: Final = "files.chunks"
"""GridFS keeps a file's bytes here, `chunkSize` at a time (GridFS specification, "Chunks collection document")."""

_NAMING: Final[dict[str, dict[str, Any]]] = {
    SUBMISSIONS.name: {"files.0": {"$exists": True}},
    MAILS.name: {"file": {"$exists": True}},
}
_FIELDS: Final = {"files": 1, "file": 1}
_REMEDY = "bring the file back from the backup, or ask the business to send it again"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    for collection, naming in _NAMING.items():
        async for page in pages(rows(installation.database("intake")[collection], naming, _FIELDS, by=None), tally):
            for finding in await _compared(installation, collection, page):
                yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    findings: list[Finding] = []
    for collection in _NAMING:
        ids = [key.partition("/")[2] for key in keys if key.partition("/")[0] == collection]
        named = await found(installation.database("intake")[collection], ids, _FIELDS)
        findings += await _compared(installation, collection, named)
    return findings


async def _compared(installation: Installation, collection: str, documents: Sequence[Document]) -> list[Finding]:
    intake = installation.database("intake")
    named = [file_id for row in documents for file_id in _named(row)]
    stored = {row["_id"]: row for row in await found(intake[STORED_FILES.name], named, {"length": 1, "chunkSize": 1})}
    chunks = Counter(row["files_id"] for row in await found(intake[CHUNKS], named, {"_id": 0, "files_id": 1, "n": 1}, field="files_id"))
    return [
        Finding(f"{collection}/{row['_id']}", f"intake/{collection}/{row['_id']}", f"names the file {file_id}, {what}", _REMEDY)
        for row in documents
        for file_id in _named(row)
        if (what := _what(stored.get(file_id), chunks[file_id]))
    ]


def _named(row: Document) -> Iterable[str]:
    return [*row.get("files", ()), *([row["file"]] if "file" in row else [])]


def _what(stored: Document | None, chunks: int) -> str | None:
    if stored is None:
        return "which is not stored"
    wanted = -(-stored["length"] // stored["chunkSize"])
    return None if chunks == wanted else f"of which {chunks} of {wanted} pieces are stored"


ATTACHED = Invariant("attachments", "every file that came in is stored whole", _suspects, _judge)
