"""The JSON API's formats as its OpenAPI document shows them. Reading is done by the domain, which names every fault."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from schemas.values import AuthorRole, ClockKind, ClockState, Language, LocalText, MessageKind, TicketStatus
from services.intake.domain.files import MOST_FILES
from services.intake.domain.identity import LONGEST_EMAIL
from services.intake.domain.request import LONGEST_NAME, LONGEST_SUBJECT, LONGEST_TEXT


class Sent(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not lost silently."""

    model_config = ConfigDict(extra="forbid")


class FileBody(Sent):
    filename: str = Field(min_length=1)
    content: str = Field(description="Base64 (RFC 4648 section 4), at most 10 MB decoded.", json_schema_extra={"contentEncoding": "base64"})


class BusinessBody(Sent):
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    tax_code: str | None = Field(default=None, description="10 digits, 10 and 3, or 12.", examples=["0101234567"])


class ContactBody(Sent):
    """At least one of `email` and `phone`."""

    name: str | None = Field(default=None, max_length=LONGEST_NAME)
    email: str | None = Field(default=None, max_length=LONGEST_EMAIL, examples=["lan@company.example"])
    phone: str | None = Field(default=None, examples=["0912 345 678"])


class RequestBody(Sent):
    topic: str = Field(description="A key of `GET /api/v1/topics`.", examples=["tax"])
    unit: str | None = Field(default=None, description="A key of `GET /api/v1/units`, where the business knows who is concerned.")
    subject: str | None = Field(default=None, max_length=LONGEST_SUBJECT, description="Default: the first line of the text.")
    text: str = Field(min_length=1, max_length=LONGEST_TEXT, examples=["Tờ khai bị phân luồng đỏ ba ngày nay."])
    language: Language | None = Field(default=None, description="What we answer in. Default: `Accept-Language`, else `vi`.")
    business: BusinessBody
    contact: ContactBody
    attachments: Annotated[list[FileBody], Field(max_length=MOST_FILES)] | None = None


class MessageBody(Sent):
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    attachments: Annotated[list[FileBody], Field(max_length=MOST_FILES)] | None = None


class ChatBody(Sent):
    """One message of a chat conversation. Topic, unit and business count for the first message of a request."""

    conversation: str = Field(min_length=1, max_length=200, description="The conversation on that account; answers are sent there.")
    message_id: str | None = Field(default=None, max_length=200, description="The message's own id there; kept for tracing.")
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    name: str | None = Field(default=None, max_length=LONGEST_NAME)
    business: str | None = Field(default=None, max_length=LONGEST_NAME)
    email: str | None = Field(default=None, max_length=LONGEST_EMAIL)
    phone: str | None = None
    language: Language | None = None
    topic: str | None = None
    unit: str | None = None
    attachments: Annotated[list[FileBody], Field(max_length=MOST_FILES)] | None = None


class Accepted(BaseModel):
    """It is stored for good and on its way to a group."""

    ticket_id: str
    reference: str
    status_url: str = Field(description="Shows status, deadlines and answers to whoever holds it, for 90 days.")


class NamedKey(BaseModel):
    key: str
    name: LocalText | str = Field(description="Both languages; with `?language=` the name in that one.")


class FileShown(BaseModel):
    filename: str
    content_type: str
    size: int
    url: str


class MessageShown(BaseModel):
    kind: MessageKind
    author_role: AuthorRole
    author_name: str | None
    text: str = Field(description="All of it, with the mail it quotes.")
    new_text: str = Field(description="`text` without the quoted mail and the signature; equal to it where nothing was left out.")
    attachments: list[FileShown]
    at: datetime


class DeadlineShown(BaseModel):
    kind: ClockKind
    state: ClockState
    due_at: datetime | None = Field(description="None while paused.")
    missed_at: datetime | None
    left: timedelta | None = Field(description="Working time left while paused, as an ISO 8601 duration.")
    finished_at: datetime | None


class GroupShown(BaseModel):
    name: LocalText
    unit: LocalText | None


class StatusShown(BaseModel):
    reference: str
    status: TicketStatus
    subject: str
    topic: LocalText | None
    group: GroupShown | None = Field(description="None for the moment until a group has it.")
    deadlines: list[DeadlineShown]
    messages: list[MessageShown]
    opened_at: datetime
    resolved_at: datetime | None


class FieldShown(BaseModel):
    field: str = Field(description="Path of the field, like `contact.email`.")
    message: str


class Problem(BaseModel):
    """RFC 9457. `detail` says what to do."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldShown] | None = None


_BODIES: Final = (RequestBody, MessageBody, ChatBody, Problem)
_MEANING: Final = {
    400: "Not readable: broken JSON, or a malformed header",
    401: "Not signed with the account's secret, or signed outside the time window",
    404: "Not found; a wrong token and an unknown reference look the same",
    409: "The key was used for another content, or the request takes no more messages",
    410: "The link has expired",
    413: "Too large",
    415: "Not JSON",
    422: "Not valid; `errors` names every field",
    503: "Not accepted: send it again after `Retry-After` seconds",
}

ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {202: {"model": Accepted, "description": "Accepted for good"}}
HEARD: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Accepted, "description": "Stored for good"}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may be refused so."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The same key again is the same request: it is accepted once and answered alike.",
}


def takes(body: type[BaseModel], *, keyed: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself; `keyed`: and the sender's key."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    named: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    return named | ({"parameters": [_KEY]} if keyed else {})


def document(app: FastAPI) -> None:
    """Have the OpenAPI document hold the formats that routes only refer to."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            for model in _BODIES:
                own = model.model_json_schema(ref_template="#/components/schemas/{model}")
                components |= own.pop("$defs", {})
                components[model.__name__] = own
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
