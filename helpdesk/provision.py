"""Making an installation ready: topics, collections, the organisation, tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from kit.errors import RefusedError
from kit.kafka import ensure_topics
from kit.mongo import CollectionSpec, Mongo, translated
from kit.organisation import ORGANISATION, OrganisationStore
from kit.settings import ServiceSettings
from schemas import topics
from schemas.organisation import Organisation
from services.intake.storage import INTAKE
from services.notifier.storage import NOTIFIER
from services.routing.repository import note_revisions
from services.routing.storage import ROUTING
from services.routing.tokens import IssuedToken, TokenRepository

COLLECTIONS: Final[Mapping[str, Sequence[CollectionSpec]]] = MappingProxyType({"intake": INTAKE, "routing": ROUTING, "notifier": NOTIFIER})

TOKEN_LIFE: Final = timedelta(days=365)


def connected(settings: ServiceSettings) -> Mongo:
    return Mongo(settings.mongodb_uri.get_secret_value(), application="helpdesk-cli")


def database_name(settings: ServiceSettings, service: str) -> str:
    return f"{settings.mongodb_database_prefix}_{service}"


async def init(settings: ServiceSettings, mongo: Mongo) -> list[str]:
    """Topics, collections, indexes, validators, what tickets of earlier versions lack. Idempotent; returns the topics made now."""
    for service, specs in COLLECTIONS.items():
        await mongo.ensure(mongo.database(database_name(settings, service)), specs)
    await note_revisions(mongo.database(database_name(settings, "routing")))
    return await ensure_topics(settings, topics.WRITER, [topics.dead_letters(service) for service in topics.SERVICES])


async def load(settings: ServiceSettings, mongo: Mongo, organisation: Organisation) -> int:
    """Give every service the organisation. Idempotent; returns the revision.

    Routing first: whoever offers a topic or a unit to the public then knows that it can be routed.
    """
    numbers = [
        await OrganisationStore(mongo.database(database_name(settings, service))).save(organisation, mongo.now())
        for service in ("routing", "notifier", "intake")
    ]
    return numbers[0]


async def revisions(settings: ServiceSettings, mongo: Mongo) -> dict[str, int | None]:
    """The newest revision that each service has; the numbers of services may differ."""
    found: dict[str, int | None] = {}
    for service in topics.SERVICES:
        with translated():
            newest = await mongo.database(database_name(settings, service))[ORGANISATION.name].find_one({}, {"_id": 1}, sort=[("_id", -1)])
        found[service] = newest["_id"] if newest else None
    return found


async def organisation_of(settings: ServiceSettings, mongo: Mongo) -> Organisation | None:
    """What is loaded now."""
    store = OrganisationStore(mongo.database(database_name(settings, "routing")))
    await store.refresh()
    return store.current.organisation if store.loaded else None


async def create_token(
    settings: ServiceSettings, mongo: Mongo, officer: str, *, life: timedelta = TOKEN_LIFE, note: str = "", token: str | None = None
) -> tuple[str, datetime]:
    """(token, when it expires). RefusedError when there is no such officer."""
    organisation = await organisation_of(settings, mongo)
    if organisation is None:
        raise RefusedError("No organisation is loaded yet. Run `helpdesk load FILE.yaml` first.")
    if organisation.officer(officer) is None:
        keys = ", ".join(sorted(spec.key for spec in organisation.officers))
        raise RefusedError(f"There is no officer {officer!r}. There are: {keys}.")
    now = mongo.now()
    tokens = TokenRepository(mongo.database(database_name(settings, "routing")))
    return await tokens.create(officer, now=now, expires_at=now + life, note=note, token=token), now + life


async def issued_tokens(settings: ServiceSettings, mongo: Mongo, officer: str | None = None) -> list[IssuedToken]:
    """Of one officer or of all."""
    return await TokenRepository(mongo.database(database_name(settings, "routing"))).issued(officer)


async def revoke_tokens(settings: ServiceSettings, mongo: Mongo, officer: str, *, id: str | None = None, every: bool = False) -> int:  # noqa: A002
    """How many were revoked: the one of that id, the only one, or every one. RefusedError where it is not clear which, or there is none."""
    issued = await issued_tokens(settings, mongo, officer)
    chosen = [token for token in issued if id is None or token.id.startswith(id)]
    if not chosen:
        raise RefusedError(f"{officer} has no such token. `helpdesk token list` shows those there are.")
    if len(chosen) > 1 and not every:
        ids = ", ".join(token.id for token in chosen)
        raise RefusedError(f"{officer} has {len(chosen)} tokens: {ids}. Name one with --id, or say --all.")
    tokens = TokenRepository(mongo.database(database_name(settings, "routing")))
    return await tokens.revoke(officer, None if every else chosen[0].id)
