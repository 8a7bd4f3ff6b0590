"""The JSON API for businesses: send a request, say more, see where it stands."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from schemas.organisation import TopicSpec, UnitSpec
from schemas.values import Attachment, Language
from services.intake.acceptance import Receipt
from services.intake.bodies import attachments_of, idempotency_key, language_of, read_json, weight, without_files, worded
from services.intake.desk import LARGEST_JSON, Desk, Incoming, add_message, open_request
from services.intake.documented import ACCEPTED, MessageBody, NamedKey, RequestBody, StatusShown, refusals, takes
from services.intake.pages.view import MessageView, StatusView
from services.intake.status import Conversation, linked

Token = Annotated[str | None, Query(description="The `k` of the status link; or send it as `Authorization: Bearer`.")]
Plain = Annotated[Literal["vi", "en"] | None, Query(description="Give names in this language only.")]

PREFIX: Final = "/api/v1"
TAGS: Final = ("requests",)


class _Direct(APIRoute):
    """For what takes the request and nothing else: working out what to hand over took a tenth of accepting a request.

    What the endpoint raises is answered further out, by the same handlers; there are no dependencies to be closed after it.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


def add_api(app: FastAPI, desk: Desk) -> None:
    app.include_router(api_routes(desk))
    app.router.routes.insert(0, front_door(desk))  # behind the others it was found last: that took a twentieth of accepting a request


def front_door(desk: Desk) -> APIRoute:
    """`POST /api/v1/requests`: nearly all that comes."""

    async def send_request(request: Request) -> JSONResponse:
        """Open a request. Answered when it is stored for good; a group gets it moments later."""
        return await receive_request(desk, request)

    return _Direct(
        f"{PREFIX}/requests",
        send_request,
        methods=["POST"],
        tags=[*TAGS],
        status_code=202,
        response_model=None,
        responses=ACCEPTED | refusals(400, 409, 413, 415, 422, 503),
        openapi_extra=takes(RequestBody, keyed=True),
    )


def api_routes(desk: Desk) -> APIRouter:
    """All but the front door."""
    router = APIRouter(prefix=PREFIX, tags=[*TAGS])
    add_sending(router, desk)
    add_reading(router, desk)
    return router


def add_sending(router: APIRouter, desk: Desk) -> None:
    """What else a business sends."""

    @router.post(
        "/requests/{reference}/messages",
        status_code=202,
        response_model=None,
        responses=ACCEPTED | refusals(400, 404, 409, 410, 413, 415, 422, 503),
        openapi_extra=takes(MessageBody, keyed=True),
    )
    async def send_message(request: Request, reference: str, k: Token = None) -> JSONResponse:
        """Say more on a request."""
        return await receive_message(desk, request, reference, k)


def add_reading(router: APIRouter, desk: Desk) -> None:
    """What a business may know."""

    @router.get("/requests/{reference}", responses=refusals(404, 410, 422, 503), response_model=StatusShown)
    async def read_status(request: Request, reference: str, k: Token = None) -> JSONResponse:
        """Where a request stands, with what was said in public."""
        conversation, token = await by_link(desk, request, reference, k)
        view = conversation.view(desk.organisation.current.organisation.timezone)
        shown = StatusShown.model_validate(status_json(view, desk.links.public_url, token))
        return JSONResponse(shown.model_dump(mode="json"), headers={"Cache-Control": "no-store"})

    @router.get("/topics", responses=refusals(422, 503), response_model=list[NamedKey])
    async def list_topics(language: Plain = None) -> list[dict[str, Any]]:
        """What a request can be about."""
        return [named(topic, language) for topic in desk.organisation.current.organisation.topics]

    @router.get("/units", responses=refusals(422, 503), response_model=list[NamedKey])
    async def list_units(language: Plain = None) -> list[dict[str, Any]]:
        """The units a request can name."""
        return [named(unit, language) for unit in desk.organisation.current.organisation.units]


async def receive_request(desk: Desk, request: Request) -> JSONResponse:
    language = language_of(request)
    key = idempotency_key(request, language)
    async with desk.room.held(weight(request, LARGEST_JSON)):
        body = await read_json(request, LARGEST_JSON, language)
        language = language_of(request, body)
        sent, problems = attachments_of(body)
        incoming = Incoming(f"api:{key}", "api", language, body, sent, {"body": without_files(body)}, problems)
        with worded(language):
            return accepted(desk, await open_request(desk, incoming))


async def receive_message(desk: Desk, request: Request, reference: str, k: str | None) -> JSONResponse:
    language = language_of(request)
    key = idempotency_key(request, language)
    conversation, _ = await by_link(desk, request, reference, k)
    async with desk.room.held(weight(request, LARGEST_JSON)):
        body = await read_json(request, LARGEST_JSON, language)
        sent, problems = attachments_of(body)
        source = f"api:{conversation.ticket_id}:{key}"
        incoming = Incoming(source, "api", language, body, sent, {"body": without_files(body)}, problems)
        with worded(language):
            return accepted(desk, await add_message(desk, conversation, incoming))


async def by_link(desk: Desk, request: Request, reference: str, k: str | None) -> tuple[Conversation, str]:
    """The request and the token it was shown for. Refusal `bad_link` or `expired_link`."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = k or (bearer.strip() if scheme.lower() == "bearer" else "")
    return await linked(desk.conversations, desk.links, reference, token, desk.now(), language_of(request)), token


def accepted(desk: Desk, receipt: Receipt) -> JSONResponse:
    body = {"ticket_id": receipt.ticket_id, "reference": receipt.reference, "status_url": desk.status_url(receipt)}
    return JSONResponse(body, status_code=202)


def named(spec: TopicSpec | UnitSpec, language: Language | None) -> dict[str, Any]:
    return {"key": spec.key, "name": spec.name.in_language(language) if language else spec.name.model_dump()}


def status_json(view: StatusView, public_url: str, token: str) -> dict[str, Any]:
    return {
        "reference": view.reference,
        "status": view.status,
        "subject": view.subject,
        "topic": view.topic,
        "group": {"name": view.group, "unit": view.unit} if view.group else None,
        "deadlines": [vars(deadline) for deadline in view.deadlines],
        "messages": [_message(message, public_url, token) for message in view.messages],
        "opened_at": view.opened_at,
        "resolved_at": view.resolved_at,
    }


def _message(message: MessageView, public_url: str, token: str) -> dict[str, Any]:
    return vars(message) | {"attachments": [_file(file, public_url, token) for file in message.attachments]}


def _file(file: Attachment, public_url: str, token: str) -> dict[str, Any]:
    url = f"{public_url.rstrip('/')}/files/{file.id}?k={token}"
    return {"filename": file.filename, "content_type": file.content_type, "size": file.size, "url": url}
