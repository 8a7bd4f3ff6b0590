"""Form posts, with every field as the bytes it was sent as: a mail is bytes, whatever a form library takes it for."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.intake.mail.providers.posted import Unreadable

MOST_FIELDS: Final = 200


async def fields_of(headers: Mapping[str, str], body: bytes) -> dict[str, bytes]:
    """The last value of each field, since what is signed is the last (Mailgun). Raises Unreadable."""
    media_type = headers.get("content-type", "")
    if media_type.lower().startswith("multipart/form-data"):
        return await _multipart(media_type, body)
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Unreadable(f"The form could not be read: {error}") from error
    return {name: value.encode("latin-1", "replace") for name, value in pairs}


async def _multipart(media_type: str, body: bytes) -> dict[str, bytes]:
    """Read as Latin-1, in which every byte is a character and comes back as the same byte."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    named = ";".join(part for part in media_type.split(";") if not part.strip().lower().startswith("charset="))
    parser = MultiPartParser(
        Headers({"content-type": f"{named}; charset=latin-1"}),
        stream(),
        max_files=MOST_FIELDS,
        max_fields=MOST_FIELDS,
        max_part_size=max(len(body), 1),
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Unreadable(f"The form could not be read: {error}") from error
    try:
        return await _values(form)
    finally:
        await form.close()


async def _values(form: FormData) -> dict[str, bytes]:
    values = {}
    for name, value in form.multi_items():
        values[name] = await value.read() if isinstance(value, UploadFile) else value.encode("latin-1", "replace")
    return values


def text(fields: Mapping[str, bytes], name: str) -> str:
    return fields.get(name, b"").decode("utf-8", "replace")
