"""Requests hold what the document names and nothing else: a filter with a typo would show everything as if it were the answer."""

import re
from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from kit.errors import FieldError, RefusedError
from schemas.values import Language, LocalText
from services.routing.access import Reader
from services.routing.api.refusals import NOT_VALID, refused
from services.routing.api.signing_in import SignedIn
from services.routing.domain.sentences import fill

LONGEST: Final = 64
"""Characters of a name that are said back."""

MOST: Final = 10
"""Names that are looked at: there is room for thousands in a query string, and each is compared with all that exist."""

JSON: Final = re.compile(r"application/(json|[\w.!#$&^+-]+\+json)", re.IGNORECASE)

ALIKE: Final = 0.7
"""As `difflib` measures it: what a slip of the finger leaves, and not what merely shares some letters."""

WRONG_TYPE: Final = LocalText(vi="Sai kiểu nội dung", en="Wrong media type")
AS_JSON: Final = LocalText(
    vi="Hãy gửi JSON với tiêu đề `Content-Type: application/json`.", en="Send JSON with the header `Content-Type: application/json`."
)
NO_PARAMETERS: Final = LocalText(
    vi="Địa chỉ này không nhận tham số nào; hãy bỏ “{name}”.", en="This address takes no parameters; remove {name}."
)
NO_SUCH_PARAMETER: Final = LocalText(
    vi="Không có tham số “{name}”; các tham số hiện có: {known}.", en="There is no parameter {name}. Those there are: {known}."
)
MISSPELT_PARAMETER: Final = LocalText(
    vi="Không có tham số “{name}”; tên gần giống nhất là `{nearest}`.", en="There is no parameter {name}; the nearest is `{nearest}`."
)


def documented(signed_in: SignedIn) -> Callable[..., Awaitable[None]]:
    """A dependency of every route. Who asks is known first.

    422 for query parameters that the OpenAPI document does not name; 415 for a body that says it is no JSON where JSON is taken.
    """

    async def checked(request: Request, reader: Annotated[Reader, Depends(signed_in)]) -> None:
        operation = operation_of(request)
        known = parameters_of(operation)
        unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
        if unknown:
            raise _refused(unknown[:MOST], known, reader.language)
        if "requestBody" in operation and not is_json(request) and await request.body():
            raise refused(reader.language, 415, WRONG_TYPE, AS_JSON, field="Content-Type")

    return checked


def operation_of(request: Request) -> Mapping[str, Any]:
    """What the document, made once, says of the route that was asked."""
    paths: Mapping[str, Any] = request.app.openapi()["paths"]
    operation: Mapping[str, Any] = paths[request.scope["route"].path_format][request.method.lower()]
    return operation


def parameters_of(operation: Mapping[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


def is_json(request: Request) -> bool:
    """RFC 6839 section 3.1 beside JSON itself; what names no type is taken for JSON."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    return JSON.fullmatch(media_type) is not None


def _refused(unknown: list[str], known: list[str], language: Language) -> RefusedError:
    errors = [FieldError(name[:LONGEST], _sentence(name[:LONGEST], known).in_language(language)) for name in unknown]
    return RefusedError(
        " ".join(dict.fromkeys(error.message for error in errors)), status=422, title=NOT_VALID.in_language(language), errors=errors
    )


def _sentence(name: str, known: list[str]) -> LocalText:
    if not known:
        return fill(NO_PARAMETERS, name=name)
    nearest = get_close_matches(name.casefold(), known, n=1, cutoff=ALIKE)
    if nearest:
        return fill(MISSPELT_PARAMETER, name=name, nearest=nearest[0])
    return fill(NO_SUCH_PARAMETER, name=name, known=", ".join(known))
