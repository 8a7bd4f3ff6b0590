"""Which files come in: size, number, names that are safe everywhere, nothing that runs, and nothing that is not what it says."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.text import composed
from services.intake.domain.kinds import BLOCKED_EXTENSIONS, BLOCKED_TYPES, KIND_OF_EXTENSION, UNKNOWN, kind_of_type
from services.intake.domain.problems import FieldProblem

MEGABYTE: Final = 1024 * 1024
LARGEST_FILE: Final = 10 * MEGABYTE
LARGEST_TOTAL: Final = 25 * MEGABYTE
MOST_FILES: Final = 10
LONGEST_NAME: Final = 150
"""Characters of a file name."""

LONGEST_NAME_BYTES: Final = 240
"""Of its UTF-8 form: common file systems end at 255 bytes, and some programs add a suffix."""

_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_SPACES: Final = re.compile(r"\s+")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Device names of Windows, with or without an extension."""

_LONGEST_LOOKED_AT: Final = 2_000
"""Characters of a name that are looked at: its end, where the extension is."""

_NO_NAME: Final = "tep"
_LONGEST_EXTENSION: Final = 20


@dataclass(frozen=True)
class Upload:
    """A file as it arrived. `filename` is the sender's word; `content_type` was sniffed from the bytes."""

    filename: str
    size: int
    content_type: str
    sha256: str
    position: int | None = None
    """In the sender's list, by which problems name the file; None: as they are listed here."""


@dataclass(frozen=True)
class AcceptedFile:
    """A file that may be kept, under a name that is safe on every system and unique in its request."""

    filename: str
    content_type: str
    size: int
    sha256: str


def check_files(uploads: Sequence[Upload], field: str = "attachments") -> tuple[tuple[AcceptedFile, ...], tuple[FieldProblem, ...]]:
    """The files that may be kept and what is wrong with the others (`attachments.0` is the first file chosen).

    A browser sends an empty part where no file was chosen: no name and no bytes is not a file.
    """
    chosen = [upload for upload in uploads if upload.filename or upload.size]
    names = _distinct(clean_filename(upload.filename) for upload in chosen)
    accepted: list[AcceptedFile] = []
    problems = list(_together(chosen, field))
    for place, (upload, name) in enumerate(zip(chosen, names, strict=True)):
        problem = _check(upload, name, f"{field}.{place if upload.position is None else upload.position}")
        if problem:
            problems.append(problem)
        else:
            accepted.append(AcceptedFile(name, upload.content_type, upload.size, upload.sha256))
    return tuple(accepted), tuple(problems)


def clean_filename(raw: str) -> str:
    """A name without path, control, invisible or direction characters, that no file system or browser reads differently."""
    last = re.split(r"[/\\]", composed(raw[-_LONGEST_LOOKED_AT:]))[-1]
    visible = "".join(" " if character.isspace() else character for character in last if not _is_hidden(character))
    name = _SPACES.sub(" ", _FORBIDDEN.sub("_", visible)).strip(" .")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _shortened(name) or _NO_NAME


def extension_of(filename: str) -> str:
    """The last extension in lower case, without its dot; empty where there is none."""
    stem, dot, extension = filename.rpartition(".")
    return extension.strip().lower() if dot and stem else ""


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} and not character.isspace()


def _shortened(name: str) -> str:
    """Cut in the stem, so that the extension stays; an absurdly long extension counts as stem."""
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        stem, tail = name, ""
    else:
        tail = dot + extension
    while stem and (len(stem + tail) > LONGEST_NAME or len((stem + tail).encode()) > LONGEST_NAME_BYTES):
        stem = stem[:-1]
    return stem.rstrip(" .") + tail


def _distinct(names: Iterable[str]) -> list[str]:
    """Telephones call every picture `image.jpg`: the second becomes `image (2).jpg`."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            free = _numbered(name, number)
        taken.add(free.casefold())
        distinct.append(free)
    return distinct


def _numbered(name: str, number: int) -> str:
    tail = name[-len(extension_of(name)) - 1 :] if extension_of(name) else ""
    stem = name.removesuffix(tail)
    return f"{stem[: LONGEST_NAME - len(tail) - 6]} ({number}){tail}"


def _together(chosen: Sequence[Upload], field: str) -> Iterable[FieldProblem]:
    total = sum(upload.size for upload in chosen)
    if len(chosen) > MOST_FILES:
        yield FieldProblem(field, "files_many", {"count": len(chosen), "most": MOST_FILES})
    elif total > LARGEST_TOTAL:
        yield FieldProblem(field, "files_large", {"size": _megabytes(total), "most": LARGEST_TOTAL // MEGABYTE})


def _check(upload: Upload, name: str, field: str) -> FieldProblem | None:
    """The first thing wrong with one file."""
    extension = extension_of(name)
    if upload.size == 0:
        return FieldProblem(field, "file_empty", {"name": name})
    if upload.size > LARGEST_FILE:
        return FieldProblem(field, "file_large", {"name": name, "size": _megabytes(upload.size), "most": LARGEST_FILE // MEGABYTE})
    if extension in BLOCKED_EXTENSIONS:
        return FieldProblem(field, "file_blocked", {"name": name})
    if upload.content_type in BLOCKED_TYPES:
        return FieldProblem(field, "file_runs" if extension else "file_blocked", {"name": name, "extension": extension})
    said, found = KIND_OF_EXTENSION.get(extension, UNKNOWN), kind_of_type(upload.content_type)
    if said not in {found, UNKNOWN} and upload.content_type not in _ALSO.get(said, ()):
        return FieldProblem(field, "file_differs", {"name": name, "extension": extension, "found": found})
    return None


_ALSO: Final = {
    # An encrypted .docx is an OLE container, and an RTF file named .doc is what many programs write.
    "word": ("application/x-ole-storage",),
    "sheet": ("application/x-ole-storage",),
    "slides": ("application/x-ole-storage",),
    "mail": ("application/x-ole-storage",),
}


def _megabytes(size: int) -> int:
    """Rounded up, so that a file just over the limit never seems to be within it."""
    return -(-size // MEGABYTE)
