"""DKIM signatures (RFC 6376, RFC 8463): made once, when a mail is rendered, so that every attempt sends the same bytes.

Written out because the usual library computes RSA in Python: 8 ms a mail, as much as ten mails take otherwise. Tests have it verify ours.
Without a time in it, the signature of the same mail is the same.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LEAST_RSA_BITS: Final = 1024
"""RFC 8301 section 3.2."""

_SIGNED: Final = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version", "content-type"),
    *("content-language", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post"),
)
_ONCE_MORE: Final = ("from", "to", "subject", "reply-to")
"""Signed once more than they stand there (RFC 6376 section 8.15): nobody can add another one."""

_WHITE: Final = re.compile(rb"[ \t]+")
_FOLD: Final = re.compile(rb"\r\n(?=[ \t])")
_LINE: Final = 72

Key = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class SigningKey:
    """One key of a domain; `selector._domainkey.domain` is where its public half stands."""

    selector: str
    key: Key = field(repr=False)

    @classmethod
    def load(cls, selector: str, path: Path) -> Self:
        """An RSA or Ed25519 key as PEM, without a passphrase. Raises `ValueError`, which names the file and says what to do."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"HELPDESK_DKIM_KEYS: {path} can't be read as a PEM private key: {error}") from error
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size < LEAST_RSA_BITS):
            raise ValueError(f"HELPDESK_DKIM_KEYS: {path} must hold an Ed25519 key or an RSA key of at least {LEAST_RSA_BITS} bits")
        return cls(selector, key)

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, said: bytes) -> str:
        """Base64. RFC 8463 section 3: Ed25519 signs the digest, not the text."""
        if isinstance(self.key, RSAPrivateKey):
            return base64.b64encode(self.key.sign(said, PKCS1v15(), SHA256())).decode()
        return base64.b64encode(self.key.sign(hashlib.sha256(said).digest())).decode()


def keys_of(setting: str) -> tuple[SigningKey, ...]:
    """Of `selector:/path/to/key.pem[,…]`. Raises `ValueError`."""
    found = []
    for written in filter(None, (part.strip() for part in setting.split(","))):
        selector, colon, path = written.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", selector) or not path:
            raise ValueError("HELPDESK_DKIM_KEYS must be written as selector:/path/to/key.pem, several separated by commas")
        found.append(SigningKey.load(selector, Path(path)))
    return tuple(found)


class Signer:
    """Signs for one domain with every key there is: an Ed25519 signature is for those who know it, the RSA one for the others."""

    def __init__(self, domain: str, keys: Sequence[SigningKey]) -> None:
        self._domain = domain
        self._keys = tuple(keys)

    def sign(self, raw: bytes) -> bytes:
        """The mail with a signature for each key in front. Relaxed in header and body; lines must end with CR LF."""
        if not self._keys:
            return raw
        head, _, body = raw.partition(b"\r\n\r\n")
        fields = [_relaxed(line) for line in _FOLD.sub(b"", head).split(b"\r\n")]
        digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
        return b"".join(self._signature(key, fields, digest) for key in self._keys) + raw

    def _signature(self, key: SigningKey, fields: Sequence[tuple[str, bytes]], digest: str) -> bytes:
        names = _signed_names(name for name, _ in fields)
        tags = [
            f"v=1; a={key.algorithm}; c=relaxed/relaxed;",
            f"d={self._domain}; s={key.selector};",
            *_folded(f"h={':'.join(names)};"),
            f"bh={digest};",
            "b=",
        ]
        unsigned = "DKIM-Signature: " + "\r\n ".join(tags)
        own = _relaxed(_FOLD.sub(b"", unsigned.encode()))
        said = b"".join([*_picked(names, fields), own[1]])
        signature = key.sign(said)
        lines = [signature[start : start + _LINE] for start in range(0, len(signature), _LINE)]
        return (unsigned + "\r\n ".join(["", *lines]) + "\r\n").encode()


def _signed_names(there: Iterable[str]) -> list[str]:
    names = list(there)
    return [name for name in _SIGNED for _ in range(names.count(name) + (name in _ONCE_MORE))]


def _picked(names: Sequence[str], fields: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """The fields of these names, those of one name from the last to the first (RFC 6376 section 5.4.2), each with its line end."""
    left: dict[str, list[bytes]] = {}
    for name, line in fields:
        left.setdefault(name, []).append(line)
    return [left[name].pop() + b"\r\n" for name in names if left.get(name)]


def _relaxed(line: bytes) -> tuple[str, bytes]:
    """RFC 6376 section 3.4.2, of an unfolded field: its name in lower case, and the field as it is signed."""
    name, _, value = line.partition(b":")
    plain = name.strip().lower()
    return plain.decode("ascii"), plain + b":" + _WHITE.sub(b" ", value).strip(b" ")


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    lines = [_WHITE.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(tag: str) -> list[str]:
    """At colons, where white space is allowed."""
    lines = [""]
    for part in tag.split(":"):
        joined = f"{lines[-1]}{':' if lines[-1] else ''}{part}"
        if len(joined) <= _LINE:
            lines[-1] = joined
        else:
            lines[-1] += ":"
            lines.append(part)
    return lines
