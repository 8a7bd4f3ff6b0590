"""Which IMAP folders are read, as settings say it: `imaps://user:password@host/INBOX?mailbox=helpdesk@customs.example`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_PORTS: Final = {"imaps": 993, "imap": 143}
_OPTIONS: Final = {"mailbox", "start", "ca", "authserv"}
_STARTS: Final = {"all", "now"}
_SHAPE: Final = "imaps://user:password@host/INBOX?mailbox=helpdesk@customs.example"


@dataclass(frozen=True)
class Account:
    """One folder and the mailbox of ours that its mail is for.

    `tls`: from the first byte; else STARTTLS, which only a server on this machine may lack. `from_now`: what lies in the folder when it
    is first seen is left alone. `authserv_ids`: names, in lower case, by which this server signs what it found out about senders
    (RFC 8601); none unless it is said, for other servers let through what anybody wrote there.
    """

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    folder: str
    mailbox: str
    from_now: bool = False
    ca_file: str | None = None
    authserv_ids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What its state is kept under: the same folder read for another mailbox is another matter."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder} for {self.mailbox}"

    @property
    def may_be_clear(self) -> bool:
        return self.host == "localhost" or _loopback(self.host)


def accounts_of(urls: str) -> tuple[Account, ...]:
    """The accounts of a comma-separated list. ValueError, with which one is wrong and never its password."""
    written = [url.strip() for url in urls.split(",") if url.strip()]
    accounts = tuple(_account(url, number) for number, url in enumerate(written, start=1))
    if len({account.key for account in accounts}) < len(accounts):
        raise ValueError("HELPDESK_IMAP_URLS names the same folder and mailbox twice")
    return accounts


def _account(url: str, number: int) -> Account:
    place = f"HELPDESK_IMAP_URLS, entry {number}"
    try:
        parts = urlsplit(url)
        port = parts.port
        given = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(f"{place}: this is no URL like {_SHAPE}; write special characters of a password as %XX") from None
    options = {name: values[-1] for name, values in given.items()}
    if problem := _problem(parts, options):
        raise ValueError(f"{place}: {problem}")
    return Account(
        host=parts.hostname or "",
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "imaps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        mailbox=options["mailbox"].strip().lower(),
        from_now=options.get("start") == "now",
        ca_file=options.get("ca"),
        authserv_ids=tuple(name.strip().lower() for name in given.get("authserv", ())),
    )


def _problem(parts: SplitResult, options: Mapping[str, str]) -> str | None:
    if parts.scheme not in _PORTS:
        return f"the scheme must be imaps or imap, as in {_SHAPE}"
    if not parts.hostname or not parts.username or not parts.password:
        return f"host, user and password must be there, as in {_SHAPE}"
    if "@" not in options.get("mailbox", ""):
        return f"it must say which mailbox of the organisation the mail is for, as in {_SHAPE}"
    if unknown := set(options) - _OPTIONS:
        return f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(sorted(_OPTIONS))}"
    if options.get("start", "all") not in _STARTS:
        return "start must be all or now"
    return None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
