"""What listens where, and what the services are told about it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from helpdesk.embedded.ports import require_free
from helpdesk.embedded.servers import Servers

SERVICES: Final = ("routing", "notifier", "intake")
"""In the order in which they are started: who takes requests comes last."""

SESSION_SECONDS: Final = "10"
"""A service that was killed is back after this, instead of the 45 s that suit networks; a laptop that slept longer just joins again."""

DEMO_SENDER: Final = "helpdesk@customs.example"


@dataclass(frozen=True)
class Ports:
    """Every port of one installation on one machine."""

    intake: int
    routing: int
    notifier: int
    mail: int
    catcher: int
    catcher_smtp: int

    def require_free(self, *, catching: bool) -> None:
        """PortTakenError with the option that changes it, before anything is started. Blocks for a moment."""
        for port, option in (
            (self.intake, "--intake-port"),
            (self.routing, "--routing-port"),
            (self.notifier, "--notifier-port"),
            (self.mail, "--mail-port"),
        ):
            require_free(port, option)
        if catching:
            require_free(self.catcher, "--catcher-port")
            require_free(self.catcher_smtp, "--catcher-smtp-port")

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
    """What the service processes get to see; what the user has set wins."""
    given = {
        "HELPDESK_SECRET": base.get("HELPDESK_SECRET") or kept_secret(data),
        "HELPDESK_PUBLIC_URL": ports.health("intake"),
        "HELPDESK_MAIL_FROM": DEMO_SENDER,
        "HELPDESK_LOG_LEVEL": "INFO",
        "HELPDESK_KAFKA_SESSION_TIMEOUT_SECONDS": SESSION_SECONDS,
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
