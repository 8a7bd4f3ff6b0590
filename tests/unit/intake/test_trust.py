"""Authentication-Results: only our own server's word counts, and only for the domain the mail says it is from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.trust import trust_of

OURS = {"mx.customs.example"}
SENDER = "lan@anbinh.example"
PASS = "mx.customs.example; dmarc=pass header.from=anbinh.example"


@pytest.mark.parametrize(
    ("field", "trust"),
    [
        (PASS, "pass"),
        ("MX.Customs.Example 1; DMARC=Pass (p=reject dis=none) header.from=AnBinh.example", "pass"),
        ("mx.customs.example; spf=fail smtp.mailfrom=x.example; dkim=none; dmarc=pass", "pass"),
        ("mx.customs.example; dmarc=fail (p=none) header.from=anbinh.example", "fail"),
        ("mx.customs.example; dkim=pass header.d=anbinh.example; dmarc=fail header.from=anbinh.example", "fail"),
        ("mx.customs.example; dmarc=pass header.from=other.example", "none"),
        ("mx.customs.example; dmarc=none; dkim=pass header.d=anbinh.example header.b=abc", "pass"),
        ("mx.customs.example; dkim=pass header.i=@anbinh.example", "pass"),
        ("mx.customs.example; dkim=pass header.d=example", "none"),  # nobody signs for a whole registry
        ("mx.customs.example; dkim=pass header.d=mailing.example", "none"),  # another's signature says nothing of this sender
        ("mx.customs.example; dkim=pass header.d=sub.anbinh.example", "none"),
        ("mx.customs.example; dkim=fail header.d=anbinh.example", "none"),
        ("mx.customs.example; spf=pass smtp.mailfrom=bounce@anbinh.example", "pass"),
        ("mx.customs.example; spf=pass smtp.mailfrom=bounce@notanbinh.example", "none"),
        ("mx.customs.example; spf=pass smtp.helo=anbinh.example", "none"),
        ("mx.customs.example; none", "none"),
        ("mx.elsewhere.example; dmarc=pass header.from=anbinh.example", "none"),
        ("mx.customs.example.evil.example; dmarc=pass", "none"),
        ('mx.customs.example; spf=fail reason="; dmarc=pass header.from=anbinh.example"', "none"),
        ("mx.customs.example; spf=fail (; dmarc=pass header.from=anbinh.example)", "none"),
        ('mx.customs.example; spf=fail reason="a\\"; dmarc=pass', "none"),
        ("mx.customs.example; dmarc=pass (never closed", "none"),
        ("mx.customs.example; x-dmarc=pass header.from=anbinh.example", "none"),
        ("", "none"),
    ],
)
def test_what_a_field_says_of_the_sender(field: str, trust: str) -> None:
    assert trust_of([field], OURS, SENDER) == trust


def test_a_signature_of_the_domain_above_stands_for_the_sender() -> None:
    assert trust_of(["mx.customs.example; dkim=pass header.d=anbinh.example"], OURS, "lan@mail.anbinh.example") == "pass"


def test_only_the_topmost_field_of_our_server_counts_for_what_stands_below_came_in_with_the_mail() -> None:
    assert trust_of(["mx.customs.example; dmarc=fail", PASS], OURS, SENDER) == "fail"
    assert trust_of(["mx.customs.example; none", PASS], OURS, SENDER) == "none"
    assert trust_of(["mx.provider.example; dmarc=fail", PASS], OURS, SENDER) == "pass"


def test_nobody_is_trusted_where_no_server_is_named_or_nobody_signed_as_the_sender() -> None:
    assert trust_of([PASS], set(), SENDER) == "none"
    assert trust_of([PASS], OURS, "") == "none"


@given(st.text())
def test_whatever_a_mail_carries_under_another_name_nobody_is_trusted_for_it(field: str) -> None:
    assert trust_of([field, f"mx.evil.example; {field}"], OURS, SENDER) == "none"


@given(st.text(alphabet='abc=;() "\\.', max_size=60))
def test_what_is_quoted_is_never_taken_for_a_result(said: str) -> None:
    quoted = said.replace("\\", "\\\\").replace('"', '\\"')
    assert trust_of([f'mx.customs.example; spf=fail reason="{quoted}; dmarc=pass"'], OURS, SENDER) == "none"
