"""What is wrong with the form of a request, field by field, in the language of whoever sent it."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from kit.errors import FieldError
from kit.web import problem
from schemas.values import Language, LocalText
from services.routing.api import refusals
from services.routing.domain.sentences import fill

CORRECT: Final = LocalText(vi="Hãy sửa rồi gửi lại: {fields}.", en="Correct these and send it again: {fields}.")
WHOLE_NUMBER: Final = LocalText(vi="Hãy gửi một số nguyên.", en="Send a whole number.")
A_DATE: Final = LocalText(vi="Hãy gửi ngày có dạng 2025-03-31.", en="Send a date such as 2025-03-31.")
TRUE_OR_FALSE: Final = LocalText(vi="Hãy gửi true hoặc false.", en="Send true or false.")
AN_OBJECT: Final = LocalText(vi="Hãy gửi một đối tượng JSON.", en="Send a JSON object.")
ONE_OF: Final = LocalText(vi="Hãy chọn một trong: {expected}.", en="Choose one of: {expected}.")
NOT_UNDERSTOOD: Final = LocalText(vi="Giá trị này không hợp lệ.", en="This value is not valid.")

SENTENCES: Final[Mapping[str, LocalText]] = {
    "missing": LocalText(vi="Trường này bắt buộc phải có.", en="This is required."),
    "string_too_long": LocalText(vi="Nhiều nhất {max_length} ký tự.", en="At most {max_length} characters."),
    "string_too_short": LocalText(vi="Ít nhất {min_length} ký tự.", en="At least {min_length} characters."),
    "string_type": LocalText(vi="Hãy gửi văn bản.", en="Send text."),
    "string_pattern_mismatch": LocalText(
        vi="Hãy gửi một mã gồm chữ thường không dấu, chữ số, “-” và “_”, nhiều nhất 64 ký tự.",
        en="Send a key: lower-case letters, digits, - and _, at most 64.",
    ),
    "extra_forbidden": LocalText(
        vi="Không có trường này; hãy bỏ đi hoặc sửa lại tên.", en="There is no such field; remove it or correct its name."
    ),
    "json_invalid": LocalText(vi="Nội dung không phải JSON hợp lệ.", en="This is not valid JSON."),
    "literal_error": ONE_OF,
    "enum": ONE_OF,
    "greater_than_equal": LocalText(vi="Nhỏ nhất là {ge}.", en="At least {ge}."),
    "less_than_equal": LocalText(vi="Lớn nhất là {le}.", en="At most {le}."),
    "int_parsing": WHOLE_NUMBER,
    "int_type": WHOLE_NUMBER,
    "date_parsing": A_DATE,
    "date_from_datetime_parsing": A_DATE,
    "date_from_datetime_inexact": A_DATE,
    "bool_parsing": TRUE_OR_FALSE,
    "model_attributes_type": AN_OBJECT,
    "dict_type": AN_OBJECT,
}
"""By the kind of error pydantic names; the gaps are its own."""

_PLACES: Final = frozenset({"body", "query", "header", "path"})


def language_of(request: Request) -> Language:
    """Of the officer once they are known, else what `Accept-Language` asks for first, else Vietnamese."""
    known: Language | None = getattr(request.state, "language", None)
    asked = request.headers.get("accept-language", "").strip().lower()
    return known or ("en" if asked.startswith("en") else "vi")


def say_it_in_their_language(app: FastAPI) -> None:
    """Replace the answer to requests that do not have the documented form."""

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
        language = language_of(request)
        errors = [FieldError(_field(item["loc"]), _sentence(item).in_language(language)) for item in error.errors()]
        named = ", ".join(sorted({item.field for item in errors}))
        return problem(422, refusals.NOT_VALID.in_language(language), fill(CORRECT, fields=named).in_language(language), errors=errors)

    app.add_exception_handler(RequestValidationError, invalid)


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location if part not in _PLACES) or "body"


def _sentence(item: Mapping[str, Any]) -> LocalText:
    sentence = SENTENCES.get(item["type"], NOT_UNDERSTOOD)
    gaps = {name: str(value) for name, value in (item.get("ctx") or {}).items()}
    return fill(sentence, **gaps)
