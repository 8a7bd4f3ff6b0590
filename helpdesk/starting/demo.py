"""The demo organisation and its accounts."""

import json
import secrets
from pathlib import Path
from typing import Final

from helpdesk import provision
from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from kit.mongo import Mongo
from kit.settings import ServiceSettings
from schemas.organisation import ChatAccountSpec, Organisation
from services.routing.tokens import PREFIX

ACCOUNTS: Final = {
    "binh": "officer at the focal point, where mail to helpdesk@customs.example arrives",
    "lan": "officer at Hon Gai Seaport",
    "tam": "officer in Ho Chi Minh City, who reads English",
    "hoa": "supervisor of Quang Ninh",
    "admin": "administrator",
    "auditor": "reads everything, changes nothing",
}


async def prepare(settings: ServiceSettings, mongo: Mongo, data: Path, callback: str | None = None) -> dict[str, str]:
    """Load the organisation when none is loaded, and make the accounts' tokens; they stay the same from start to start.

    `callback`: where answers to the demo's chat account go now; an account that is not the demo's is left alone.
    """
    loaded = await provision.organisation_of(settings, mongo)
    organisation = answering(loaded or read(ORGANISATION), callback)
    if organisation != loaded:
        await provision.load(settings, mongo, organisation)
    known = {name: token for name, token in kept_tokens(data).items() if organisation.officer(name)}
    for name, token in known.items():
        await provision.create_token(settings, mongo, name, note="demo", token=token)
    return known


def chat_secrets() -> dict[str, tuple[str, ...]]:
    """Of the demo's chat accounts."""
    return {account.key: (account.secret,) for account in read(ORGANISATION).chat_accounts}


def answering(organisation: Organisation, callback: str | None) -> Organisation:
    """The organisation with the demo's chat account answering there."""
    known = _of_the_demo(organisation) if callback else []
    accounts = [
        account.model_copy(update={"callback_url": callback}) if account in known else account for account in organisation.chat_accounts
    ]
    return Organisation.model_validate(organisation.model_dump() | {"chat_accounts": accounts})


def answering_as_before(organisation: Organisation, loaded: Organisation | None) -> Organisation:
    """The organisation with the demo's chat account answering where it does now, unless it says itself where."""
    before = [account.callback_url for account in _of_the_demo(loaded) if account.callback_url] if loaded else []
    return answering(organisation, before[0]) if before and unanswered(organisation) else organisation


def unanswered(organisation: Organisation) -> bool:
    """Whether it has the demo's chat account and does not say where answers go."""
    return any(account.callback_url is None for account in _of_the_demo(organisation))


def _of_the_demo(organisation: Organisation) -> list[ChatAccountSpec]:
    known = chat_secrets()
    return [account for account in organisation.chat_accounts if (account.secret,) == known.get(account.key)]


def kept_tokens(data: Path) -> dict[str, str]:
    """Each made once, readable by their owner alone; an account that is new in this release gets one too."""
    file = data / "demo-tokens.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text("{}")
    kept = {str(name): str(token) for name, token in json.loads(file.read_text()).items()}
    missing = {name: PREFIX + secrets.token_urlsafe(24) for name in ACCOUNTS if name not in kept}
    if missing:
        file.write_text(json.dumps(kept | missing, indent=2))
    return kept | missing
