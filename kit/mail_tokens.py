"""What brings mail back to where it belongs: tokens in addresses and message ids of ours, signed, and the same in any case.

Base32 without padding: 25 and 30 bytes fill their characters, so every token has one spelling. The purpose is signed with it, as in
`links`, and so is the version: another layout would be another purpose. Whoever signs uses the newest secret, whoever reads accepts all.
"""

import base64
import hmac
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kit.tokens import base32, hmac_sha256, id_bytes

LONGEST_LOCAL: Final = 64
"""Octets of a local part, RFC 5321 section 4.5.3.1.1."""

_REPLY: Final = b"mail-reply-1\x00"
_DELIVERY: Final = b"mail-delivery-1\x00"
_RETURN: Final = b"mail-return-1\x00"
"""Not the same: whoever got a mail, or a copy of an answer to it, knows its id; its return path only the servers that carried it."""

_DELIVERY_OF_MANY: Final = b"mail-delivery-of-many-1\x00"
_RETURN_OF_MANY: Final = b"mail-return-of-many-1\x00"
"""Of a mail about several tickets: the same signs, under which the one they name is not the ticket that an answer belongs to."""

_DELIVERY_TO_STAFF: Final = b"mail-delivery-to-staff-1\x00"
_RETURN_TO_STAFF: Final = b"mail-return-to-staff-1\x00"
"""Of a mail to staff about one ticket: what answers it was never meant for the asker, whose page shows what is put on the ticket."""

_LOOP: Final = b"mail-loop-1\x00"

_DELIVERIES: Final = {_DELIVERY: (True, False), _DELIVERY_TO_STAFF: (True, True), _DELIVERY_OF_MANY: (False, False)}
_RETURNS: Final = {_RETURN: (True, False), _RETURN_TO_STAFF: (True, True), _RETURN_OF_MANY: (False, False)}

_LOOP_MAC: Final = 9
_REPLY_MAC: Final = 9
_DELIVERY_MAC: Final = 8
"""72 and 64 bits: each guess is a mail, and a local part has no room for more."""

_NAMED: Final = 6
"""Bytes of a delivery's id: among the few hundred deliveries of one ticket they name one."""

_REPLY_TOKEN: Final = re.compile(r"(?<![a-z0-9])r\.([a-z2-7]{40})(?![a-z2-7])", re.IGNORECASE)
_LOOP_TOKEN: Final = re.compile(r"[^;]*;\s*([a-z2-7]{40})\s*", re.IGNORECASE)
_DELIVERY_TOKEN: Final = re.compile(r"(?<![a-z2-7])([a-z2-7]{48})(?![a-z2-7])", re.IGNORECASE)
"""Found anywhere in a local part: mail servers put things of their own around it (SRS, BATV, quotes)."""


@dataclass(frozen=True)
class SentDelivery:
    """A mail of ours. `delivery`: the first twelve hexadecimal digits of its id. Not `alone`: it is about other tickets as well."""

    ticket_id: str
    delivery: str
    alone: bool = True
    staff: bool = False
    """It went to staff; one that is not alone always does, and doesn't say so."""

    @property
    def to_asker(self) -> bool:
        """Whether what answers it belongs on the ticket, where the asker reads it."""
        return self.alone and not self.staff


def reply_address(secret: str, mailbox: str, ticket_id: str) -> str | None:
    """`box+r.TOKEN@domain`; None when the mailbox's own name leaves no room for it (more than 21 characters)."""
    ticket = id_bytes(ticket_id)
    return _tagged(mailbox, f"r.{base32(ticket + _mac(secret, _REPLY, ticket)[:_REPLY_MAC])}")


def ticket_of_recipients(secrets: Sequence[str], addresses: Iterable[str]) -> str | None:
    """The ticket of the first of these addresses that carries a token of ours. It never expires: people answer old mail."""
    for raw in _found(_REPLY_TOKEN, addresses):
        ticket, mac = raw[:16], raw[16:]
        if _signed_by_any(secrets, _REPLY, ticket, mac):
            return str(uuid.UUID(bytes=ticket))
    return None


def bounce_address(secret: str, mailbox: str, ticket_id: str, delivery_id: str, *, alone: bool = True, staff: bool = False) -> str | None:
    """The return path of one delivery, `bounces+TOKEN@domain`; None when the mailbox's name is longer than 15 characters.

    Not `alone`: the mail is about other tickets as well. `staff`: it goes to staff.
    """
    purpose = (_RETURN_TO_STAFF if staff else _RETURN) if alone else _RETURN_OF_MANY
    return _tagged(mailbox, _delivery_token(secret, purpose, ticket_id, delivery_id))


def delivery_message_id(secret: str, ticket_id: str, delivery_id: str, domain: str, *, alone: bool = True, staff: bool = False) -> str:
    """The Message-ID of one delivery: answers and reports name it, and it can't be made up. Equal inputs give equal ids."""
    purpose = (_DELIVERY_TO_STAFF if staff else _DELIVERY) if alone else _DELIVERY_OF_MANY
    return f"<d.{_delivery_token(secret, purpose, ticket_id, delivery_id)}@{domain}>"


def delivery_of(secrets: Sequence[str], message_ids: Iterable[str]) -> SentDelivery | None:
    """The delivery that the first of these message ids with a token of ours is about."""
    return _delivery(secrets, _DELIVERIES, message_ids)


def returned_delivery(secrets: Sequence[str], addresses: Iterable[str]) -> SentDelivery | None:
    """The delivery whose return path is the first of these addresses that is one."""
    return _delivery(secrets, _RETURNS, addresses)


def loop_mark(secret: str, delivery_id: str, domain: str) -> str:
    """What a mail of ours carries so that it is known when it comes to us: `domain; TOKEN`. The domain is for whoever reads it."""
    delivery = id_bytes(delivery_id)
    return f"{domain}; {base32(delivery + _mac(secret, _LOOP, delivery)[:_LOOP_MAC])}"


def marked_by_us(secrets: Sequence[str], marks: Iterable[str]) -> bool:
    """Whether one of these is a mark that we made; a domain anybody can write."""
    tokens = [base64.b32decode(match[1].upper()) for match in map(_LOOP_TOKEN.fullmatch, marks) if match]
    return any(_signed_by_any(secrets, _LOOP, raw[:-_LOOP_MAC], raw[-_LOOP_MAC:]) for raw in tokens)


def _delivery(secrets: Sequence[str], purposes: Mapping[bytes, tuple[bool, bool]], written: Iterable[str]) -> SentDelivery | None:
    """`purposes`, each with whether it is of mails about one ticket alone, and of mails to staff."""
    for raw in _found(_DELIVERY_TOKEN, written):
        payload, mac = raw[:-_DELIVERY_MAC], raw[-_DELIVERY_MAC:]
        for purpose, (alone, staff) in purposes.items():
            if _signed_by_any(secrets, purpose, payload, mac):
                return SentDelivery(str(uuid.UUID(bytes=payload[:16])), payload[16:].hex(), alone, staff)
    return None


def _delivery_token(secret: str, purpose: bytes, ticket_id: str, delivery_id: str) -> str:
    payload = id_bytes(ticket_id) + id_bytes(delivery_id)[:_NAMED]
    return base32(payload + _mac(secret, purpose, payload)[:_DELIVERY_MAC])


def _tagged(mailbox: str, tag: str) -> str | None:
    local, _, domain = mailbox.rpartition("@")
    tagged = f"{local}+{tag}"
    return f"{tagged}@{domain}" if len(tagged) <= LONGEST_LOCAL else None


def _found(pattern: "re.Pattern[str]", written: Iterable[str]) -> Iterator[bytes]:
    for text in written:
        for token in pattern.findall(text.rpartition("@")[0]):
            yield base64.b32decode(token.upper())


def _signed_by_any(secrets: Sequence[str], purpose: bytes, payload: bytes, mac: bytes) -> bool:
    matches = [hmac.compare_digest(_mac(secret, purpose, payload)[: len(mac)], mac) for secret in secrets]
    return any(matches)  # of all: every secret takes its time


def _mac(secret: str, purpose: bytes, payload: bytes) -> bytes:
    if not secret:
        raise ValueError("the secret for mail tokens is empty")
    return hmac_sha256(secret, purpose + payload)
