"""The mail role of intake, put together."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from fastapi import APIRouter

from kit.leases import Slots
from kit.loops import Loop
from kit.mongo import Database, Mongo
from kit.organisation import OrganisationStore
from kit.publishing import RENEW_EVERY, process_name
from kit.service import Service
from services.intake.acceptance import Acceptance
from services.intake.desk import Desk
from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.arrivals import Arrivals
from services.intake.mail.filing import Filing
from services.intake.mail.imap.wiring import add_imap
from services.intake.mail.parser import Parser
from services.intake.mail.providers.posted import Provider
from services.intake.mail.providers.routes import MailHooks, Name, mail_hook_routes
from services.intake.mail.receiver import MailReceiver, Place, Porter
from services.intake.mail.threads import Threads
from services.intake.mail.turned_away import TurnedAway
from services.intake.mail.worker import Worker
from services.intake.settings import IntakeSettings
from services.intake.storage import MAIL_LEASES
from services.intake.storing import FileStore

READ_EVERY: Final = 1.0
"""Seconds between looks for mails that another process received; this one's own ring the bell."""


TELL_EVERY: Final = 5.0
"""Seconds between writes of what the doors refused."""


def add_mail(  # noqa: PLR0913, PLR0917 (each is one collaborator)
    service: Service,
    settings: IntakeSettings,
    mongo: Mongo,
    database: Database,
    acceptance: Acceptance,
    files: FileStore,
    organisation: OrganisationStore,
) -> MailReceiver:
    """Receive mail and read it. Append `mongo.close` to the closers before calling this: what uses the database is closed first."""
    mailboxes = current_mailboxes(organisation, settings.mail_from, settings.bounce_address)
    arrivals = Arrivals(mongo, database)
    slots = Slots(mongo, database[MAIL_LEASES.name], process_name())
    parser = Parser()
    filing = Filing(database, acceptance, files, Threads(database, settings.secrets()), mailboxes)
    worker = Worker(mongo, arrivals, slots, parser, filing, service.logger)
    place = Place(settings.host, settings.mail_port, settings.mail_hostname, settings.mail_max_bytes, settings.mail_lmtp)
    refused = _counting(service, database, "mail")
    porter = Porter(arrivals, mailboxes, service.logger, refused=refused, authserv_ids=authserv_ids(settings))
    receiver = MailReceiver(place, porter)
    service.parts.append(receiver)
    loop = partial(Loop, logger=service.logger)
    service.loops += [
        loop("mail slots", slots.renew, every=RENEW_EVERY),
        loop("mail reader", worker.step, every=READ_EVERY, wake=arrivals.bell),
    ]
    service.closers += [slots.release, parser.close, worker.close]
    add_imap(service, settings, mongo, database, arrivals, mailboxes)
    return receiver


def build_mail_hooks(
    service: Service, settings: IntakeSettings, mongo: Mongo, database: Database, desk: Desk, providers: Mapping[Name, Provider]
) -> APIRouter:
    """The doors of mail providers."""
    arrivals = Arrivals(mongo, database)
    mailboxes = current_mailboxes(desk.organisation, settings.mail_from, settings.bounce_address)
    hooks = MailHooks(desk, arrivals, mailboxes, providers, settings.mail_max_bytes, _counting(service, database, "web"))
    return mail_hook_routes(hooks, service.logger)


def _counting(service: Service, database: Database, role: str) -> TurnedAway:
    """What the doors of one role refuse."""
    refused = TurnedAway(database)
    service.loops.append(Loop(f"refused mails, {role}", refused.write, every=TELL_EVERY, logger=service.logger))
    service.closers.append(refused.close)
    return refused


def authserv_ids(settings: IntakeSettings) -> frozenset[str]:
    """The names by which the mail server in front of the mail port signs what it found out, in lower case."""
    return frozenset(name.strip().lower() for name in settings.mail_authserv_id.split(",") if name.strip())


def current_mailboxes(organisation: OrganisationStore, sender: str | None, bounces: str | None = None) -> Callable[[], Mailboxes]:
    """Those of the newest organisation, made once for each revision. What it returns raises TransientError while none is loaded."""
    made: dict[int, Mailboxes] = {}

    def mailboxes() -> Mailboxes:
        current = organisation.current
        if current.number not in made:
            made.clear()
            made[current.number] = Mailboxes.of(current.organisation, sender, bounces)
        return made[current.number]

    return mailboxes
