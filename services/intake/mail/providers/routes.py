"""The doors of mail providers: `POST /hooks/mail/PROVIDER/GROUP`, where GROUP is a group's key or its mailbox.

200 only when the mail is stored for good. Trouble of ours is 503, on which every provider comes again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import httpx
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from starlette.requests import Request
from structlog.typing import FilteringBoundLogger

from kit.errors import RefusedError
from services.intake.bodies import language_of, read_body, weight
from services.intake.desk import LARGEST_JSON, Desk
from services.intake.domain.mailboxes import Mailbox, Mailboxes, one_per_group
from services.intake.mail.arrivals import Arrivals, Arrived, KeyTaken
from services.intake.mail.envelopes import header_of
from services.intake.mail.providers.mailgun import Mailgun
from services.intake.mail.providers.posted import Posted, Provider, split_secrets
from services.intake.mail.providers.postmark import Postmark
from services.intake.mail.providers.sendgrid import SendGrid
from services.intake.mail.providers.ses import Ses
from services.intake.mail.turned_away import TurnedAway
from services.intake.settings import IntakeSettings

Name = Literal["mailgun", "postmark", "sendgrid", "ses"]

HOOKS = Counter("helpdesk_mail_hooks", "Posts of mail providers, by what they were answered", ["provider", "answer"])


def providers_of(settings: IntakeSettings, logger: FilteringBoundLogger) -> dict[Name, Provider]:
    """ValueError for a setting that cannot be meant."""
    return {
        "mailgun": Mailgun(split_secrets(settings.mailgun_signing_key.get_secret_value())),
        "postmark": Postmark(settings.postmark_credentials.get_secret_value()),
        "sendgrid": SendGrid(settings.sendgrid_public_key, settings.sendgrid_credentials.get_secret_value()),
        "ses": Ses(split_secrets(settings.ses_topics), logger),
    }


class MailHooks:
    """Takes what providers post. `max_bytes`: the largest mail that is read; of larger ones the header is kept."""

    def __init__(
        self,
        desk: Desk,
        arrivals: Arrivals,
        mailboxes: Callable[[], Mailboxes],
        providers: Mapping[Name, Provider],
        max_bytes: int,
        refused: TurnedAway | None = None,
    ) -> None:
        self._desk = desk
        self._arrivals = arrivals
        self._mailboxes = mailboxes
        self._providers = providers
        self._max_bytes = max_bytes
        self._refused = refused

    def turned_away(self, name: Name, status: int) -> None:
        """Of a refusal of ours that passes (5xx) the provider comes again."""
        if self._refused is not None and status < httpx.codes.INTERNAL_SERVER_ERROR:
            self._refused.note(f"{name}_{status}")

    async def take(self, name: Name, key: str, request: Request) -> str | None:
        """The mail's id once it is durable; None when the post held no mail."""
        async with self._desk.room.held(weight(request, LARGEST_JSON)):
            body = await read_body(request, LARGEST_JSON, language_of(request))
            posted = await self._providers[name].read(request.headers, body, self._desk.now())
            if posted is None:
                return None
            peer = request.client.host if request.client else ""
            arrived = self._arrived(name, self._for(self._mailbox(key), posted.recipients), posted, peer)
            try:
                return await self._arrivals.keep(arrived)
            except KeyTaken as error:
                raise RefusedError("This token came with another mail before.", status=403, title="Used before") from error

    def _mailbox(self, key: str) -> Mailbox:
        """Of a group's key, or of an address. TransientError while no organisation is loaded."""
        found = self._mailboxes().find(key) if "@" in key else self._mailbox_of_group(key)
        if found is None:
            raise RefusedError(
                "No group of this key has a mailbox here. The URL ends in /hooks/mail/PROVIDER/GROUP, with a group that has a `mailbox`.",
                status=404,
                title="Not found",
            )
        return found

    def _mailbox_of_group(self, key: str) -> Mailbox | None:
        group = next((group for group in self._desk.organisation.current.organisation.groups if group.key == key), None)
        return self._mailboxes().find(group.mailbox) if group is not None and group.mailbox else None

    def _for(self, mailbox: Mailbox, recipients: Sequence[str]) -> tuple[Mailbox, ...]:
        """Providers post once for all recipients, or all mail of a domain at one URL: those that are ours say for whom it is.

        The URL's `mailbox` stands for every other, such as an address that only the provider knows.
        """
        found = [self._mailboxes().find(address) for address in recipients]
        return one_per_group(found if found and all(found) else [mailbox, *found])

    def _arrived(self, name: Name, mailboxes: tuple[Mailbox, ...], posted: Posted, peer: str) -> Arrived:
        content, unfit = posted.content, posted.unfit
        if len(content) > self._max_bytes:
            content, unfit = header_of(content), "too_large"
        return Arrived(
            content=content,
            sender=posted.sender,
            recipients=posted.recipients or tuple(mailbox.address for mailbox in mailboxes),
            mailboxes=mailboxes,
            peer=peer,
            helo="",
            door=name,
            key=posted.key or f"{name}:{','.join(mailbox.address for mailbox in mailboxes)}:{hashlib.sha256(posted.content).hexdigest()}",
            unfit=unfit,
            verdict=posted.verdict,
        )


def mail_hook_routes(hooks: MailHooks, logger: FilteringBoundLogger) -> APIRouter:
    router = APIRouter(prefix="/hooks/mail", include_in_schema=False)

    @router.post("/{provider}/{key}", response_model=None)
    @router.post("/{provider}/{key}/mime", response_model=None)
    async def take(request: Request, provider: Name, key: str) -> JSONResponse:
        try:
            mail_id = await hooks.take(provider, key, request)
        except RefusedError as error:
            HOOKS.labels(provider, str(error.status)).inc()
            hooks.turned_away(provider, error.status)
            logger.warning("mail.hook_refused", provider=provider, group=key[:100], status=error.status, reason=error.detail)
            raise
        HOOKS.labels(provider, "200").inc()
        logger.info("mail.posted", provider=provider, mail=mail_id)
        return JSONResponse({"mail": mail_id})

    return router
