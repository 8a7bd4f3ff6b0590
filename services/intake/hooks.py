"""Chat, in a form any platform's bridge can speak: signed webhooks (Standard Webhooks 1.0), one message each."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from starlette.requests import Request

from kit.errors import TransientError
from kit.webhooks import verify
from schemas.organisation import ChatAccountSpec
from schemas.values import Attachment, Business, ChatAddress, Contact, Language
from services.intake.acceptance import KeyUsedBefore, Receipt, ThreadTaken
from services.intake.accepted import Opening, Saying
from services.intake.bodies import attachments_of, language_of, read_body, without_files, worded
from services.intake.decoding import decoded
from services.intake.desk import Desk, every_problem, store_files
from services.intake.documented import HEARD, ChatBody, refusals, takes
from services.intake.domain.chat import ChatMessage, read_chat
from services.intake.domain.request import LONGEST_SUBJECT
from services.intake.domain.text import first_line
from services.intake.refusals import Refusal
from services.intake.storing import examine

LARGEST_HOOK: Final = 1_000_000
"""Bytes of one chat message with its files; larger files go by link or by form."""

RACES: Final = 5
"""How often a conversation may get another ticket between our looking and our writing, before the sender is asked to come again."""

MessageKey = Annotated[str, Header(description="Unique per message; a repeat is answered alike.")]
Timestamp = Annotated[str, Header(description="Seconds since 1970, within 5 minutes of our clock.")]
Signature = Annotated[str, Header(description="`v1,` and base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`.")]


@dataclass(frozen=True)
class Heard:
    """A message that its account signed."""

    account: ChatAccountSpec
    source: str
    digest: str
    message: ChatMessage
    attachments: tuple[Attachment, ...]
    raw: dict[str, Any]

    @property
    def thread(self) -> str:
        return f"chat:{self.account.key}:{self.message.conversation}"


def hook_routes(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/hooks", tags=["chat"])

    @router.post(
        "/chat/{account}", response_model=None, responses=HEARD | refusals(400, 401, 404, 409, 413, 422, 503), openapi_extra=takes(ChatBody)
    )
    async def hear(
        request: Request,
        account: str,
        webhook_id: MessageKey = "",  # noqa: ARG001 (documented; `verify` reads the headers themselves)
        webhook_timestamp: Timestamp = "",  # noqa: ARG001
        webhook_signature: Signature = "",  # noqa: ARG001
    ) -> JSONResponse:
        """One message of a chat conversation: the first opens a request, later ones are said on it while it is not closed."""
        receipt = await receive_chat(desk, account, request)
        return JSONResponse({"ticket_id": receipt.ticket_id, "reference": receipt.reference, "status_url": desk.status_url(receipt)})

    return router


async def receive_chat(desk: Desk, key: str, request: Request) -> Receipt:
    """Verified over the raw bytes before anything is decoded; durable when it returns."""
    language = language_of(request)
    account = desk.organisation.current.organisation.chat_account(key)
    if account is None:
        raise Refusal("no_account", language)
    raw = await read_body(request, LARGEST_HOOK, language)
    webhook_id = verify([account.secret, *account.previous_secrets], request.headers, raw, desk.now(), language=language)
    body = decoded(raw, language)
    language = language_of(request, body)
    with worded(language):
        try:
            heard = await understand(desk, account, f"chat:{key}:{webhook_id}", hashlib.sha256(raw).hexdigest(), body, language)
            return heard if isinstance(heard, Receipt) else await place(desk, heard)
        except KeyUsedBefore as error:
            raise Refusal("webhook_id_used", language) from error


async def understand(desk: Desk, account: ChatAccountSpec, source: str, digest: str, body: object, language: Language) -> Heard | Receipt:
    """The message with its files stored; or, where it came before with files, what was answered then. Raises Invalid."""
    organisation = desk.organisation.current.organisation
    sent, problems = attachments_of(body)
    uploads = await examine(sent)
    with every_problem(problems):
        message = read_chat(
            body,
            topics={topic.key for topic in organisation.topics},
            units={unit.key for unit in organisation.units},
            files=uploads,
            language=language,
        )
    stored = await store_files(desk, source, digest, message.files, sent)
    return stored if isinstance(stored, Receipt) else Heard(account, source, digest, message, stored, {"body": without_files(body)})


async def place(desk: Desk, heard: Heard) -> Receipt:
    """On the ticket the conversation is about; on a new one when there is none, or when that one is over."""
    for _ in range(RACES):
        current = await desk.conversations.of_thread(heard.thread)
        if current is not None and not current.over:
            return await desk.acceptance.say(_saying(desk, heard, current.ticket_id))
        try:
            return await desk.acceptance.open(_opening(desk, heard, current.ticket_id if current else None))
        except ThreadTaken:
            continue
    raise TransientError(f"the conversation {heard.thread} keeps getting other tickets")


def _opening(desk: Desk, heard: Heard, replaces: str | None) -> Opening:
    message = heard.message
    return Opening(
        source=heard.source,
        fingerprint=heard.digest,
        channel="chat",
        subject=first_line(message.text, LONGEST_SUBJECT),
        text=message.text,
        language=message.language,
        business=Business(name=message.business or message.name or message.conversation),
        contact=Contact(
            name=message.name,
            email=message.email,
            phone=message.phone,
            chat=ChatAddress(account=heard.account.key, conversation=message.conversation),
        ),
        received_at=desk.now(),
        topic=message.topic,
        unit=message.unit,
        group=heard.account.group,
        attachments=heard.attachments,
        raw=heard.raw,
        thread=heard.thread,
        replaces=replaces,
    )


def _saying(desk: Desk, heard: Heard, ticket_id: str) -> Saying:
    return Saying(
        source=heard.source,
        fingerprint=heard.digest,
        ticket_id=ticket_id,
        channel="chat",
        text=heard.message.text,
        received_at=desk.now(),
        author_name=heard.message.name,
        attachments=heard.attachments,
        raw=heard.raw,
    )
