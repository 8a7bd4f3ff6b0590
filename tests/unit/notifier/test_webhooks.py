"""Standard Webhooks: what we sign and what we believe."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.webhooks import BadSignature, Replayed, secret_bytes, sign, signed_headers, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
NOW = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The example the reference libraries of the specification test with."""


def test_the_published_example_is_signed_and_believed() -> None:
    assert sign(SECRET, HEADERS["webhook-id"], 1614265330, BODY) == HEADERS["webhook-signature"]
    assert signed_headers(SECRET, HEADERS["webhook-id"], NOW, BODY) == HEADERS
    assert verify([SECRET], HEADERS, BODY, NOW) == HEADERS["webhook-id"]


def test_a_secret_in_plain_text_is_its_own_key() -> None:
    secret = "a plain text of 24 letters"
    digest = hmac.new(secret.encode(), b"id.1614265330.body", sha256).digest()
    assert sign(secret, "id", 1614265330, b"body") == "v1," + base64.b64encode(digest).decode()


def test_while_a_secret_is_replaced_either_is_believed_and_several_signatures_may_come() -> None:
    assert verify(["the new one, 24 letters at least", SECRET], HEADERS, BODY, NOW)
    assert verify([SECRET, "the old one, 24 letters at least"], HEADERS, BODY, NOW)
    for several in ("v1a,AAAA v1,AAAA {}", "{} v1,AAAA v1a,AAAA"):
        signatures = several.format(HEADERS["webhook-signature"])
        assert verify([SECRET], {**HEADERS, "webhook-signature": signatures}, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 257},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v2" + HEADERS["webhook-signature"][2:]},
        {"webhook-signature": HEADERS["webhook-signature"][3:]},
    ],
)
def test_anything_changed_in_the_headers_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(BadSignature) as refused:
        verify([SECRET], {**HEADERS, **changed}, BODY, NOW)
    assert refused.value.status == 401


@pytest.mark.parametrize("missing", list(HEADERS))
def test_a_missing_header_is_named(missing: str) -> None:
    with pytest.raises(BadSignature, match=missing):
        verify([SECRET], {name: value for name, value in HEADERS.items() if name != missing}, BODY, NOW)


def test_another_body_another_secret_or_no_secret_is_refused() -> None:
    for secrets, body in (([SECRET], BODY + b" "), (["whsec_AAAAAAAAAAAAAAAAAAAAAAAA"], BODY), ([], BODY)):
        with pytest.raises(BadSignature):
            verify(secrets, HEADERS, body, NOW)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_true_signature_outside_five_minutes_is_a_replay(seconds: int) -> None:
    with pytest.raises(Replayed) as refused:
        verify([SECRET], HEADERS, BODY, NOW + timedelta(seconds=seconds))
    assert refused.value.status == 401


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    assert verify([SECRET], HEADERS, BODY, NOW + timedelta(seconds=seconds))


def test_the_largest_timestamp_that_is_read_is_a_replay_and_no_crash() -> None:
    headers = {**HEADERS, "webhook-timestamp": "9" * 11, "webhook-signature": sign(SECRET, HEADERS["webhook-id"], 99_999_999_999, BODY)}
    with pytest.raises(Replayed):
        verify([SECRET], headers, BODY, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_is_none_is_a_mistake_of_the_configuration(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        secret_bytes(secret)


@given(st.binary(max_size=200), st.binary(min_size=24, max_size=64))
def test_what_is_signed_verifies_and_no_other_body_does(body: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers(secret, "id", NOW, body)
    assert verify([secret], headers, body, NOW) == "id"
    with pytest.raises(BadSignature):
        verify([secret], headers, body + b"x", NOW)
