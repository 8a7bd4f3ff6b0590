"""What is wrong with the form of a request, field by field, in the language of whoever sent it."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from kit.errors import FieldError
from kit.language import language_of
from kit.problems import UNREADABLE, problem
from schemas.numbers import grouped
from schemas.values import Language, LocalText

NOT_VALID: Final = LocalText(vi="Chưa hợp lệ", en="Not valid")
CORRECT: Final = LocalText(vi="Hãy sửa rồi gửi lại: {fields}.", en="Correct these and send it again: {fields}.")
NOT_JSON: Final = LocalText(vi="Không phải JSON hợp lệ", en="Not valid JSON")
CORRECT_JSON: Final = LocalText(
    vi="Hãy sửa cú pháp JSON ở dòng {line}, cột {column} rồi gửi lại.",
    en="Correct the JSON syntax at line {line}, column {column} and send it again.",
)
WHOLE_NUMBER: Final = LocalText(vi="Hãy gửi một số nguyên.", en="Send a whole number.")
A_DATE: Final = LocalText(vi="Hãy gửi ngày có dạng 2025-03-31.", en="Send a date such as 2025-03-31.")
TRUE_OR_FALSE: Final = LocalText(vi="Hãy gửi true hoặc false.", en="Send true or false.")
AN_OBJECT: Final = LocalText(vi="Hãy gửi một đối tượng JSON.", en="Send a JSON object.")
OR: Final = LocalText(vi="' hoặc '", en="' or '")
ONE_OF: Final = LocalText(vi="Hãy chọn một trong: {expected}.", en="Choose one of: {expected}.")
NOT_UNDERSTOOD: Final = LocalText(vi="Giá trị này không hợp lệ.", en="This value is not valid.")

SENTENCES: Final[Mapping[str, LocalText]] = {
    "missing": LocalText(vi="Trường này bắt buộc phải có.", en="This is required."),
    "string_too_long": LocalText(vi="Nhiều nhất {max_length} ký tự.", en="At most {max_length} characters."),
    "string_too_short": LocalText(vi="Ít nhất {min_length} ký tự.", en="At least {min_length} characters."),
    "too_long": LocalText(vi="Nhiều nhất {max_length} giá trị.", en="At most {max_length} values."),
    "string_type": LocalText(vi="Hãy gửi văn bản.", en="Send text."),
    "string_pattern_mismatch": LocalText(
        vi="Hãy gửi một mã gồm chữ thường không dấu, chữ số, “-” và “_”, nhiều nhất 64 ký tự.",
        en="Send a key: lower-case letters, digits, - and _, at most 64.",
    ),
    "extra_forbidden": LocalText(
        vi="Không có trường này; hãy bỏ đi hoặc sửa lại tên.", en="There is no such field; remove it or correct its name."
    ),
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


async def invalid(request: Request, error: Exception) -> Response:
    """The answer to a request that has not the documented form."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type)
    language = language_of(request)
    broken = next((item for item in error.errors() if item["type"] == "json_invalid"), None)
    if broken:
        return _not_json(str(error.body or ""), int(broken["loc"][-1]), language)
    errors = [FieldError(_field(item), _sentence(item, language)) for item in error.errors()]
    fields = ", ".join(sorted({item.field for item in errors}))
    return problem(422, NOT_VALID.in_language(language), CORRECT.in_language(language).format(fields=fields), errors=errors)


def _not_json(text: str, position: int, language: Language) -> Response:
    """Where it breaks off, as an editor counts: lines and columns from one."""
    before = text[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    sentence = CORRECT_JSON.in_language(language).format(line=line, column=column)
    return problem(UNREADABLE, NOT_JSON.in_language(language), sentence, errors=[FieldError("body", sentence)])


def _field(item: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in item["loc"] if part not in _PLACES) or "body"


def _sentence(item: Mapping[str, Any], language: Language) -> str:
    sentence = SENTENCES.get(item["type"], NOT_UNDERSTOOD).in_language(language)
    limits = {name: grouped(limit, language) if isinstance(limit, int) else limit for name, limit in (item.get("ctx") or {}).items()}
    if "expected" in limits:
        limits["expected"] = str(limits["expected"]).replace("' or '", OR.in_language(language))  # pydantic joins them in English
    return sentence.format(**limits)
