"""Errors by remedy: who has to do something, and what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class HelpdeskError(Exception):
    """Anything this project raises on purpose."""


class TransientError(HelpdeskError):
    """Infrastructure trouble that passes: wait and do the same again."""


class PermanentError(HelpdeskError):
    """It will never work with this input: put it aside, say why, go on."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with what the caller sent; `field` is a path like `contact.email`."""

    field: str
    message: str


class RefusedError(HelpdeskError):
    """The caller's fault; `detail` says what to do about it. Becomes RFC 9457 problem JSON with `status`."""

    def __init__(
        self,
        detail: str,
        *,
        status: int = 422,
        title: str = "The request cannot be carried out",
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.title = title
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
