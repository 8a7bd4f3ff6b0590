"""Our signatures, checked by somebody else's program with the keys where DNS would have them."""

import base64
from collections.abc import Callable
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # carries no types
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.dkim import Signer, SigningKey, keys_of

MAILS = Path(__file__).parents[2] / "data" / "mails_out"
KEYS = (SigningKey("rsa2026", rsa(public_exponent=65537, key_size=2048)), SigningKey("ed2026", Ed25519PrivateKey.generate()))
DOMAIN = "customs.example"
SIGNER = Signer(DOMAIN, KEYS)
MAIL = b"From: a@customs.example\r\nTo: b@anbinh.example\r\nSubject: One\r\n two\r\n\r\n.dot \t x  \r\n\r\nend\r\n\r\n\r\n"


def record(key: SigningKey) -> bytes:
    public = key.key.public_key()
    if isinstance(key.key, RSAPrivateKey):
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def in_dns() -> Callable[..., bytes | None]:
    records = {f"{key.selector}._domainkey.{DOMAIN}.".encode(): record(key) for key in KEYS}
    return lambda name, timeout=5: records.get(name)


def verified(raw: bytes) -> list[bool]:
    """Of each signature, from the topmost."""
    return [holds(dkim.DKIM(raw), number) for number in range(len(KEYS))]


def holds(mail: dkim.DKIM, number: int) -> bool:
    try:
        return bool(mail.verify(idx=number, dnsfunc=in_dns()))
    except dkim.ValidationError:
        return False


@pytest.mark.parametrize("path", sorted(MAILS.glob("*.eml")), ids=lambda path: path.stem)
def test_every_mail_we_write_carries_two_signatures_that_hold(path: Path) -> None:
    raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert verified(SIGNER.sign(raw)) == [True, True]


@given(st.binary(max_size=300).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"\r\n")))
@settings(max_examples=60, deadline=None)
def test_a_signature_holds_for_any_body(body: bytes) -> None:
    assert verified(SIGNER.sign(b"From: a@customs.example\r\nSubject:  x \t y\r\n\r\n" + body + b"\r\n")) == [True, True]


def test_what_servers_on_the_way_may_change_does_not_break_it() -> None:
    signed = SIGNER.sign(MAIL)
    passed_on = b"Received: from here by there\r\n" + signed.replace(b"Subject: One\r\n two", b"subject:   One two") + b"\r\n\r\n"
    assert verified(passed_on) == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: One", b"Subject: Two"),
        (b"end", b"END"),
        (b"To: b@anbinh", b"To: c@anbinh"),
        (b"From: a@", b"From: evil@customs.example\r\nFrom: a@"),  # signed once more than it stands there
        (b"Subject: One", b"Reply-To: evil@x.example\r\nSubject: One"),
    ],
)
def test_what_would_deceive_a_reader_breaks_it(old: bytes, new: bytes) -> None:
    signed = SIGNER.sign(MAIL)
    assert old in signed
    assert verified(signed.replace(old, new)) == [False, False]


def test_the_same_mail_is_signed_alike_each_time_so_that_every_attempt_sends_the_same_bytes() -> None:
    assert SIGNER.sign(MAIL) == SIGNER.sign(MAIL)


def test_lines_of_a_signature_are_short_enough_for_any_server() -> None:
    head = SIGNER.sign(MAIL).partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 78


def test_without_a_key_nothing_is_added() -> None:
    assert Signer(DOMAIN, keys_of("")).sign(MAIL) == MAIL


def pem(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]


def test_keys_are_read_from_the_files_the_setting_names(tmp_path: Path) -> None:
    for key in KEYS:
        (tmp_path / key.selector).write_bytes(pem(key.key))
    read = keys_of(f"rsa2026:{tmp_path}/rsa2026, ed2026:{tmp_path}/ed2026")
    assert [(key.selector, key.algorithm) for key in read] == [("rsa2026", "rsa-sha256"), ("ed2026", "ed25519-sha256")]
    assert Signer(DOMAIN, read).sign(MAIL) == SIGNER.sign(MAIL)


def test_a_key_that_cannot_be_used_is_refused_with_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "no-key").write_text("hello")
    (tmp_path / "curve").write_bytes(pem(elliptic(SECP256R1())))
    for name in ("no-key", "curve", "missing"):
        with pytest.raises(ValueError, match=name):
            keys_of(f"s:{tmp_path}/{name}")


@pytest.mark.parametrize("setting", ["selector", ":path", "selector:", "bad selector:path", "s\r\n:path"])
def test_a_setting_that_is_written_wrong_is_refused_with_how_to_write_it(setting: str) -> None:
    with pytest.raises(ValueError, match="selector:/path"):
        keys_of(setting)
