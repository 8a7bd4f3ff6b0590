"""Refusals as problem JSON (RFC 9457), and the sentences of those that any service may have to say, in both languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.responses import JSONResponse

from kit.errors import FieldError
from schemas.numbers import grouped
from schemas.values import Language, LocalText

PROBLEM: Final = "application/problem+json"
RETRY_AFTER: Final = "5"

Worded = tuple[LocalText, LocalText]
"""Title, and what to do."""

NOT_FOUND: Final = 404
TOO_LARGE: Final = 413
FAILED: Final = 500
UNAVAILABLE: Final = 503
UNREADABLE: Final = 400

_WORDING: Final[Mapping[int, Worded]] = {
    UNREADABLE: (
        LocalText(vi="Không đọc được nội dung", en="The body cannot be read"),
        LocalText(
            vi="Vui lòng gửi đúng định dạng nêu ở /docs, bằng UTF-8 và không lồng quá sâu.",
            en="Send it in the format that /docs describes, in UTF-8 and not nested too deeply.",
        ),
    ),
    NOT_FOUND: (
        LocalText(vi="Không tìm thấy", en="Not found"),
        LocalText(vi="Không có gì ở địa chỉ này. Xem /docs để biết những gì hiện có.", en="There is nothing at this address. See /docs."),
    ),
    405: (
        LocalText(vi="Sai phương thức", en="Method not allowed"),
        LocalText(vi="Địa chỉ này không nhận phương thức đó. Xem /docs.", en="This address does not take that method. See /docs."),
    ),
    TOO_LARGE: (
        LocalText(vi="Dữ liệu quá lớn", en="Too large"),
        LocalText(vi="Vui lòng gửi tối đa {most} mỗi lần.", en="Send at most {most} in one request."),
    ),
    FAILED: (
        LocalText(vi="Hệ thống gặp lỗi", en="Something went wrong here"),
        LocalText(
            vi="Lỗi đã được ghi lại và không phải do người gửi. Vui lòng thử lại, hoặc viết cho chúng tôi.",
            en="It is logged and not your fault. Try again, or write to us.",
        ),
    ),
    UNAVAILABLE: (
        LocalText(vi="Tạm ngừng trong giây lát", en="Out of service for a moment"),
        LocalText(
            vi="Yêu cầu chưa được tiếp nhận. Vui lòng gửi lại sau vài giây.",
            en="The request was not accepted. Send it again in a few seconds.",
        ),
    ),
}


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(extra or {})}
    if errors:
        body["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    return JSONResponse(body, status_code=status, media_type=PROBLEM, headers=dict(headers or {}))


def worded(status: int, language: Language, *, otherwise: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
    """What is said with a status; `otherwise` where we have no words of our own for it."""
    if status not in _WORDING:
        return problem(status, otherwise, otherwise, headers=headers)
    title, remedy = (text.in_language(language) for text in _WORDING[status])
    errors = [FieldError("body", remedy)] if status == UNREADABLE else []
    return problem(status, title, remedy, errors=errors, headers=headers)


def unavailable(language: Language) -> JSONResponse:
    return worded(UNAVAILABLE, language, headers={"Retry-After": RETRY_AFTER})


def too_large(limit: int, language: Language) -> JSONResponse:
    title, remedy = (text.in_language(language) for text in _WORDING[TOO_LARGE])
    return problem(TOO_LARGE, title, remedy.format(most=_size(limit, language)))


def _size(limit: int, language: Language) -> str:
    if limit >= 1_000_000:  # noqa: PLR2004 (a megabyte)
        return f"{limit // 1_000_000} MB"
    return f"{grouped(limit, language)} {'bytes' if language == 'en' else 'byte'}"
