"""Addresses and secrets: plausible, not shared, and never a loop."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding, Path

_LABEL: Final = r"[^\W_]([\w-]{0,61}[^\W_])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)+{_LABEL}")
_SIGNING: Final = "whsec_"
_SECRET_BYTES: Final = 24
"""The least that the Standard Webhooks specification allows."""


def mail_findings(draft: Draft) -> Iterator[Finding]:
    for path, address in _addresses(draft):
        local, _, domain = address.rpartition("@")
        if not _DOMAIN.fullmatch(domain) or local.startswith(".") or local.endswith(".") or ".." in local or "," in local:
            yield Finding(path, f'"{address}" does not look like an e-mail address', "Write it as name@example.org.")


def mailboxes_apart(draft: Draft) -> Iterator[Finding]:
    """One mailbox, one group; and no officer behind a mailbox, or every notice would come back as a request."""
    owners: dict[str, str] = {}
    for at, group in draft.groups:
        mailbox = (group.mailbox or "").lower()
        if mailbox and mailbox in owners:
            message = f'"{group.mailbox}" is already the mailbox of "{owners[mailbox]}"'
            yield Finding(("groups", at, "mailbox"), message, "Give each its own.")
        owners.setdefault(mailbox, group.key)
    for path, address in _people(draft):
        group_key = owners.get(address.lower())
        if group_key:
            message = f'"{address}" is the mailbox of the group "{group_key}"'
            yield Finding(path, message, "Notices to it would come back as requests: give a personal address.")


def secret_findings(draft: Draft) -> Iterator[Finding]:
    for at, account in draft.chat_accounts:
        if account.secret.startswith(_SIGNING) and not _long_enough(account.secret):
            message = f"what follows {_SIGNING} is not base64 of at least {_SECRET_BYTES} bytes"
            yield Finding(("chat_accounts", at, "secret"), message, "Copy it again from where it was made.")


def _long_enough(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix(_SIGNING), validate=True)) >= _SECRET_BYTES
    except (binascii.Error, ValueError):
        return False


def _addresses(draft: Draft) -> Iterator[tuple[Path, str]]:
    for at, group in draft.groups:
        if group.mailbox:
            yield ("groups", at, "mailbox"), group.mailbox
    yield from _people(draft)


def _people(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Officers and the competent authority."""
    for at, officer in draft.officers:
        if officer.email:
            yield ("officers", at, "email"), officer.email
    authority: Any = draft.data.get("competent_authority")
    email = authority.get("email") if isinstance(authority, dict) else None
    if isinstance(email, str) and "@" in email:
        yield ("competent_authority", "email"), email
