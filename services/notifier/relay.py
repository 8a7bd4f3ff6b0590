"""Where mail is handed over, as the settings say it. Apart from what speaks to it: whoever reads the settings needs no mail client."""

from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

Encryption = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail is handed over; the password is kept out of every representation."""

    host: str
    port: int
    encryption: Encryption = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`smtp://[user:pass@]host[:port][?starttls=1]` or `smtps://…`; user and password percent-encoded. Raises `ValueError`.

        Without `starttls=1` nothing is encrypted even where the relay offers it: what is asked for is what happens.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("the mail relay must be given as smtp://host:port or smtps://host:port")
        try:
            port = parts.port
        except ValueError:
            # What it says may be a part of the password: a / in one that is not encoded ends the host.
            raise ValueError("the mail relay's port must be a number up to 65535, and user and password percent-encoded") from None
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] in {"1", "true", "yes"}
        encryption: Encryption = "tls" if parts.scheme == "smtps" else "starttls" if starttls else "none"
        default_port = {"tls": 465, "starttls": 587, "none": 25}[encryption]
        username = unquote(parts.username) if parts.username else None
        return cls(parts.hostname, port or default_port, encryption, username, unquote(parts.password or "") if username else None)
