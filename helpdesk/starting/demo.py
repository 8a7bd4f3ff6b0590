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
from services.routing.tokens import PREFIX

ACCOUNTS: Final = {
    "binh": "officer at the focal point, where mail to helpdesk@customs.example arrives",
    "lan": "officer at Hon Gai Seaport",
    "hoa": "supervisor of Quang Ninh",
    "admin": "administrator",
    "auditor": "reads everything, changes nothing",
}


async def prepare(settings: ServiceSettings, mongo: Mongo, data: Path) -> dict[str, str]:
    """Load the organisation when none is loaded, and make the accounts' tokens; they stay the same from start to start."""
    if await provision.organisation_of(settings, mongo) is None:
        await provision.load(settings, mongo, read(ORGANISATION))
    tokens = kept_tokens(data)
    organisation = await provision.organisation_of(settings, mongo)
    known = {name: token for name, token in tokens.items() if organisation is not None and organisation.officer(name)}
    for name, token in known.items():
        await provision.create_token(settings, mongo, name, note="demo", token=token)
    return known


def kept_tokens(data: Path) -> dict[str, str]:
    """Made once, readable by their owner alone."""
    file = data / "demo-tokens.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({name: PREFIX + secrets.token_urlsafe(24) for name in ACCOUNTS}, indent=2))
    return {str(name): str(token) for name, token in json.loads(file.read_text()).items()}
