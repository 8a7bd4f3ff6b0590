"""Bodies and headers as they arrive: limits, JSON, the sender's key and language."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from kit.ids import new_id
from kit.language import DEFAULT
from schemas.values import Language
from services.intake.acceptance import KeyUsedBefore
from services.intake.decoding import decoded
from services.intake.domain.attached import read_attachments
from services.intake.domain.files import LARGEST_TOTAL
from services.intake.domain.problems import FieldProblem, Invalid
from services.intake.pages.language import negotiate
from services.intake.refusals import Refusal, invalid
from services.intake.storing import SentFile

PATIENCE: Final = 120.0
"""Seconds in which a JSON body has to be there whole; its sender is a program, and holds room that others wait for."""

SMALL: Final = 256_000
"""Bytes of a body that need no room of their own."""

LARGEST_FORM: Final = LARGEST_TOTAL + 2_000_000
"""Room for the fields, and for files a little too large, about which the form then says more than "too large"."""

_KEY: Final = re.compile(r"[\x20-\x7e]{1,200}")
_JSON: Final = re.compile(r"application/(json|[\w.!#$&^+-]+\+json)", re.IGNORECASE)


def weight(request: Request, limit: int) -> int:
    """Bytes to hold while a body is read and used: what it declares, `limit` where it does not say, none for a small one."""
    declared = request.headers.get("content-length", "")
    size = min(int(declared), limit) if declared.isdigit() else limit
    return size if size > SMALL else 0


async def read_body(request: Request, limit: int, language: Language) -> bytes:
    """The raw body. Refusal `too_large` by its declared length, or as soon as it grows over `limit` bytes; TimeoutError."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise Refusal("too_large", language, most=limit // 1_000_000)
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(PATIENCE):
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise Refusal("too_large", language, most=limit // 1_000_000)
            parts.append(part)
    return b"".join(parts)


async def read_json(request: Request, limit: int, language: Language) -> object:
    """The decoded body (RFC 8259). Refusal `media_type`, `too_large`, `not_json` or `name_twice`."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if not _JSON.fullmatch(media_type):
        raise Refusal("media_type", language)
    return decoded(await read_body(request, limit, language), language)


def attachments_of(body: object) -> tuple[list[SentFile], tuple[FieldProblem, ...]]:
    """The files inside a JSON body, and what is wrong with those that could not be read."""
    read, problems = read_attachments(body.get("attachments") if isinstance(body, Mapping) else None)
    return [SentFile(file.filename, file.content, file.position) for file in read], problems


def without_files(body: object) -> dict[str, object]:
    """What is kept of a body as it came; its files are kept as files."""
    return {name: value for name, value in body.items() if name != "attachments"} if isinstance(body, Mapping) else {}


def idempotency_key(request: Request, language: Language) -> str:
    """The sender's `Idempotency-Key`, or a new one where there is none. Refusal `key_malformed`, or `key_repeated` for more than one."""
    match request.headers.getlist("idempotency-key"):
        case []:
            return new_id()
        case [key] if _KEY.fullmatch(key):
            return key
        case [_]:
            raise Refusal("key_malformed", language)
        case keys:
            raise Refusal("key_repeated", language, count=len(keys))


def language_of(request: Request, body: object = None) -> Language:
    """What `Accept-Language` prefers, else the language the body names, else Vietnamese."""
    named = body.get("language") if isinstance(body, Mapping) else None
    accepted = request.headers.get("accept-language", "")
    if not accepted:  # as of nearly every program
        return named if named in ("vi", "en") else DEFAULT
    return negotiate(None, None, f"{accepted},{named};q=0.001" if named in ("vi", "en") else accepted)


@contextmanager
def worded(language: Language) -> Iterator[None]:
    """What the desk finds wrong, as refusals in the sender's language."""
    try:
        yield
    except Invalid as error:
        raise invalid(error.problems, language) from error
    except KeyUsedBefore as error:
        raise Refusal("key_used", language) from error
