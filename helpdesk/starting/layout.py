"""What listens where, and what the services are told about it."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from helpdesk.embedded.ports import require_all_free, require_different
from helpdesk.embedded.servers import KAFKA_PORT, MONGO_PORT, Servers

SERVICES: Final = ("routing", "notifier", "intake")
"""In the order in which they are started: who takes requests comes last."""

SESSION_SECONDS: Final = "10"
"""A service that was killed is back after this, instead of the 45 s that suit networks; a laptop that slept longer just joins again."""

DEMO_SENDER: Final = "helpdesk@customs.example"
DEMO_BOUNCES: Final = "bounces@customs.example"
DEMO_CHAT: Final = "demo"


USUAL: Final = MappingProxyType(
    {
        "intake": 8000,
        "routing": 8001,
        "notifier": 8002,
        "mail": 8025,
        "catcher": 8003,
        "catcher_smtp": 8026,
        "kafka": KAFKA_PORT,
        "mongo": MONGO_PORT,
    }
)
"""In the order in which they are given out from a base port on."""


@dataclass(frozen=True)
class Ports:
    """Every port of one installation on one machine."""

    intake: int
    routing: int
    notifier: int
    mail: int
    catcher: int
    catcher_smtp: int
    kafka: int = KAFKA_PORT
    mongo: int = MONGO_PORT

    @classmethod
    def chosen(cls, given: Mapping[str, int | None], base: int | None = None) -> "Ports":
        """What was given; the rest as usual, or one after the other from `base` on."""
        usual = dict(USUAL) if base is None else {name: base + place for place, name in enumerate(USUAL)}
        return cls(**usual | {name: port for name, port in given.items() if port is not None})

    def require_free(self, *, catching: bool, embedded: Collection[str] = ()) -> None:
        """PortTakenError with every port that is taken or given twice and its option, before anything is started. Blocks for a moment.

        `embedded`: which of `kafka` and `mongo` are started here.
        """
        names = ["intake", "routing", "notifier", "mail", *(["catcher", "catcher_smtp"] if catching else []), *embedded]
        ports = {f"--{name.replace('_', '-')}-port": getattr(self, name) for name in names}
        require_different(ports)
        require_all_free(ports, otherwise=f"or move all of them at once: --base-port N takes the {len(USUAL)} ports from N on")

    @property
    def chat(self) -> str:
        """Where messages of the demo's chat account are posted."""
        return f"{self.health('intake')}/hooks/chat/{DEMO_CHAT}"

    @property
    def chat_callback(self) -> str:
        """Where the answers to them go: to the mail catcher."""
        return f"http://127.0.0.1:{self.catcher}/chat/{DEMO_CHAT}"

    def health(self, service: str) -> str:
        return f"http://127.0.0.1:{getattr(self, service)}"


def kept_secret(data: Path) -> str:
    """The installation's signing secret, made once and readable by its owner alone."""
    file = data / "secret"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text().strip()


def environment(base: Mapping[str, str], ports: Ports, servers: Servers, data: Path, *, catching: bool) -> dict[str, str]:
    """What the service processes get to see; what the user has set wins.

    Where all mail ends in the catcher, answers and reports come back by tokens in their addresses: our own mail port takes them all.
    """
    given = {
        **({"HELPDESK_PLUS_ADDRESSING": "true", "HELPDESK_BOUNCE_ADDRESS": DEMO_BOUNCES} if catching else {}),
        "HELPDESK_NOTICES_URL": ports.health("notifier"),
        "HELPDESK_SECRET": base.get("HELPDESK_SECRET") or kept_secret(data),
        "HELPDESK_PUBLIC_URL": ports.health("intake"),
        "HELPDESK_MAIL_FROM": DEMO_SENDER,
        "HELPDESK_LOG_LEVEL": "INFO",
        "HELPDESK_KAFKA_SESSION_TIMEOUT_SECONDS": SESSION_SECONDS,
        "MALLOC_ARENA_MAX": "2",  # an arena for each of the driver's threads took a tenth more memory under load
    }
    ours = {
        "KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers,
        "MONGODB_URI": servers.mongodb_uri,
        "HELPDESK_INTAKE_PORT": str(ports.intake),
        "HELPDESK_ROUTING_PORT": str(ports.routing),
        "HELPDESK_NOTIFIER_PORT": str(ports.notifier),
        "HELPDESK_MAIL_PORT": str(ports.mail),
    }
    if catching:
        ours["HELPDESK_SMTP_URL"] = f"smtp://127.0.0.1:{ports.catcher_smtp}"
    return {**given, **base, **ours}
