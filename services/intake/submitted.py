"""The parts of a submitted form, with what is no UTF-8 marked instead of guessed at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request


@dataclass(frozen=True)
class Parts:
    """`whole`: the end that its sender meant has come; otherwise nobody knows what else was to follow."""

    form: FormData
    whole: bool = True


@asynccontextmanager
async def parts_of(request: Request, *, most: int) -> AsyncIterator[Parts]:
    """The fields, with U+FFFD for what could not be read, and the files, which are closed afterwards. HTTPException 400."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form(max_files=most, max_fields=most) as form:
            yield Parts(form)
        return
    parser = _Marking(request.headers, request.stream(), max_files=most, max_fields=most)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from error
    try:
        yield Parts(form, parser.ended)
    finally:
        await form.close()


class _Marking(MultiPartParser):
    """Starlette reads a field that is no UTF-8 as Latin-1, which makes words nobody wrote of it.

    It also takes a body that was cut off for one that ends there.
    """

    ended = False

    def on_end(self) -> None:
        self.ended = True

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            part.data = bytearray(part.data.decode("utf-8", "replace").encode())
        super().on_part_end()
