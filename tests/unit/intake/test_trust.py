"""Authentication-Results: only our own server's word counts, and only for the domain the mail says it is from."""

import time

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
        ("mx.customs.example; spf=fail smtp.mailfrom=x.example; dkim=none; dmarc=pass header.from=anbinh.example", "pass"),
        ("mx.customs.example; dmarc=pass", "none"),  # of whom, it does not say
        ("mx.customs.example; dmarc=pass (p=none)", "none"),
        ("mx.customs.example; dmarc=fail (p=none) header.from=anbinh.example", "fail"),
        ("mx.customs.example; dkim=pass header.d=anbinh.example; dmarc=fail header.from=anbinh.example", "fail"),
        ("mx.customs.example; dmarc=pass header.from=other.example", "none"),
        ("mx.customs.example; dmarc=none; dkim=pass header.d=anbinh.example header.b=abc", "pass"),
        ("mx.customs.example; dkim=pass header.i=@anbinh.example", "pass"),
        ("mx.customs.example; dkim=pass header.d=anbinh.example header.i=@mail.anbinh.example", "pass"),
        ("mx.customs.example; dkim=pass header.d=evil.example header.i=@anbinh.example", "none"),
        ("mx.customs.example; dkim=pass header.i=@anbinh.example header.d=evil.example", "none"),
        ("mx.customs.example; dkim=pass header.d=anbinh.example header.i=@evil.example", "none"),
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


GENUINE = {
    "OpenDKIM": 'dkim=pass (2048-bit key; unprotected) header.d=anbinh.example header.i=@anbinh.example header.s=s1 header.b="aB+/c="',
    "OpenDMARC": "dmarc=pass (p=none dis=none) header.from=anbinh.example",
    "policyd-spf": "spf=pass (Mailfrom (SPF) authorized) smtp.mailfrom=anbinh.example"
    " (client-ip=192.0.2.1; helo=mail.anbinh.example; envelope-from=lan@anbinh.example; receiver=focal@customs.example)",
    "rspamd": "dkim=pass header.d=anbinh.example header.s=s1 header.b=abc; dkim=pass header.d=esp.example header.s=k header.b=def;"
    " spf=pass (mx: domain of lan@anbinh.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=lan@anbinh.example;"
    " dmarc=pass (policy=none) header.from=anbinh.example",
    "Gmail": "dkim=pass header.i=@anbinh.example header.s=s1 header.b=abc;"
    " arc=pass (i=1 spf=pass spfdomain=x.example dkim=pass dkdomain=x.example);"
    " spf=pass (google.com: domain of lan@anbinh.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=lan@anbinh.example",
    "Exchange": "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=anbinh.example;"
    " dkim=pass (signature was verified) header.d=anbinh.example;"
    "dmarc=pass action=none header.from=anbinh.example;compauth=pass reason=100",
    "Fastmail": "bimi=skipped (DMARC did not pass); arc=none (no signatures found);"
    " iprev=pass smtp.remote-ip=192.0.2.1 (mail.anbinh.example);"
    " spf=pass smtp.mailfrom=lan@anbinh.example smtp.helo=mail.anbinh.example",
}


@pytest.mark.parametrize("server", GENUINE)
def test_the_word_of_every_kind_of_server_counts(server: str) -> None:
    assert trust_of([f"mx.customs.example; {GENUINE[server]}"], OURS, SENDER) == "pass"
    assert trust_of([f"mx.customs.example; {GENUINE[server]}"], OURS, "mai@other.example") == "none"


WRITERS = {
    "list of what is known": "spf=pass (Mailfrom (SPF) authorized) smtp.mailfrom=evil.example"
    " (client-ip=192.0.2.1; helo={helo}; envelope-from={local}@evil.example; receiver=focal@customs.example)",
    "list in quotes": 'spf=pass smtp.mailfrom=evil.example (helo={helo}; envelope-from="{local}"@evil.example; receiver=mx)',
    "list without a sender": "spf=pass smtp.mailfrom=evil.example (client-ip=192.0.2.1; helo={helo}; envelope-from=<UNKNOWN>; receiver=mx)",
    "sentence": "spf=pass (mx: domain of {local}@evil.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=evil.example",
    "value": "spf=pass smtp.mailfrom={local}@evil.example",
    "quoted value": 'spf=pass smtp.mailfrom="{local}"@evil.example; dkim=none',
}
PROOFS = (
    "dmarc=pass header.from=anbinh.example",
    "dkim=pass header.d=anbinh.example",
    "spf=pass smtp.mailfrom=anbinh.example",
    "dmarc=pass",
)
BREAKS = (
    "a);{proof}(",
    "a);{proof} (b",
    "a) ; {proof} ; (b",
    "a);{proof};spf=pass (b",
    "a);{proof};iprev=pass (b",
    'a";{proof};x="',
    'a");{proof} ("b',
    "a;{proof};b",
    "a;{proof} header.b=",
    "a;{proof} reason=x",
    "a;{proof} header.i=",
    "a\\);{proof} (b",
    "(a));{proof};((b",
    "a);{proof}",
    "a(;{proof}",
    "anbinh.example a",
    "lan@anbinh.example a",
    "lan@anbinh.example\x1fa",
    "lan@anbinh.example\xa0a",
    "anbinh.example reason=a",
    "anbinh.example x-{proof} y=",
    "anbinh.example smtp.helo=a",
    "lan@anbinh.example (a) ",
    "lan@anbinh.example (a",
)


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("escape", BREAKS)
@pytest.mark.parametrize("writer", [name for name in WRITERS if name != "list without a sender"])
def test_what_a_sender_writes_into_its_own_address_proves_nothing(writer: str, escape: str, proof: str) -> None:
    """Postfix takes `"a);dmarc=pass("@evil.example`, and what tells of SPF writes it down as it came."""
    field = WRITERS[writer].format(local=escape.format(proof=proof), helo="evil.example")
    assert trust_of([f"mx.customs.example; {field}"], OURS, SENDER) == "none"


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("escape", BREAKS)
@pytest.mark.parametrize("writer", [name for name in WRITERS if name.startswith("list")])
def test_nor_does_what_it_greets_the_server_with(writer: str, escape: str, proof: str) -> None:
    field = WRITERS[writer].format(local="a", helo=escape.format(proof=proof))
    assert trust_of([f"mx.customs.example; {field}"], OURS, SENDER) == "none"


@pytest.mark.parametrize(
    "said",
    [
        "iprev=pass (a);dmarc=pass() smtp.remote-ip=192.0.2.1",
        "iprev=pass (a);dkim=pass()header.d=anbinh.example() smtp.remote-ip=192.0.2.1",
        "dkim=pass header.d=evil.example header.i=a header.d=anbinh.example @evil.example",
        "dmarc=none header.from=evil.example; dmarc=pass header.from=anbinh.example",
        "spf=pass smtp.helo=evil.example (helo=x; envelope-from=a) smtp.mailfrom=anbinh.example (b@evil.example; receiver=mx)",
        "spf=pass (mx: domain of a) smtp.mailfrom=anbinh.example (b@evil.example is permitted) smtp.mailfrom=evil.example",
        "spf=none smtp.helo=x; spf=pass smtp.mailfrom=anbinh.example",
        "dmarc=pass header.from=anbinh.example; spf=none (a",
        "dmarc=pass header.from=anbinh.example; spf=none a)",
        'dmarc=pass header.from=anbinh.example; spf=none "a',
        'dmarc=pass header.from=anbinh.example; spf=none (a"b)',
        "spf=pass smtp.mailfrom=anbinh.example smtp.helo=a@evil.example",
        "spf=pass smtp.mailfrom=anbinh.example a",
        "spf=pass smtp.mailfrom=lan@anbinh.example (@evil.example smtp.helo=a)",
        "dkim=pass header.i=@anbinh.example a@evil.example",
    ],
)
def test_a_field_that_may_say_what_the_sender_wants_is_not_believed(said: str) -> None:
    assert trust_of([f"mx.customs.example; {said}"], OURS, SENDER) == "none"


def test_a_sender_can_neither_have_a_bad_word_overlooked_nor_the_field_that_says_it() -> None:
    assert trust_of(["mx.customs.example; dmarc=fail; dmarc=pass header.from=anbinh.example"], OURS, SENDER) == "fail"
    assert trust_of(["mx.customs.example; spf=none (a", PASS], OURS, SENDER) == "none"


def test_a_signature_of_the_domain_above_stands_for_the_sender() -> None:
    assert trust_of(["mx.customs.example; dkim=pass header.d=anbinh.example"], OURS, "lan@mail.anbinh.example") == "pass"


def test_only_the_topmost_field_of_our_server_counts_for_what_stands_below_came_in_with_the_mail() -> None:
    assert trust_of(["mx.customs.example; dmarc=fail", PASS], OURS, SENDER) == "fail"
    assert trust_of(["mx.customs.example; none", PASS], OURS, SENDER) == "none"
    assert trust_of(["mx.provider.example; dmarc=fail", PASS], OURS, SENDER) == "pass"


def test_nobody_is_trusted_where_no_server_is_named_or_nobody_signed_as_the_sender() -> None:
    assert trust_of([PASS], set(), SENDER) == "none"
    assert trust_of([PASS], OURS, "") == "none"


def test_of_a_field_that_is_too_long_no_good_word_counts_and_every_bad_one() -> None:
    assert trust_of([f"{PASS} reason={'a' * 8_000}"], OURS, SENDER) == "none"
    assert trust_of([f"mx.customs.example; dmarc=fail reason={'a' * 8_000}"], OURS, SENDER) == "fail"


@pytest.mark.parametrize("piece", ["a" * 3_900 + ".", "a.", "a.a ", "-", "a=", "(", "()", "();", ";", '"', "\\", " ", "a@"])
@pytest.mark.parametrize("whose", ["mx.customs.example", "mx.evil.example"])
def test_a_hostile_field_is_read_at_once(whose: str, piece: str) -> None:
    """The whole of what a header may hold; names that are looked for from every letter of a long word on took ten seconds."""
    said = (piece * 8_000)[:7_900]
    started = time.process_time()
    for method in ("x", "spf", "dkim", "dmarc"):
        trust_of([f"{whose}; {method}=pass {said}"] * 3, OURS, SENDER)
    assert time.process_time() - started < 1


@given(st.text())
def test_whatever_a_mail_carries_under_another_name_nobody_is_trusted_for_it(field: str) -> None:
    assert trust_of([field, f"mx.evil.example; {field}"], OURS, SENDER) == "none"


@given(st.text(alphabet='abc=;() "\\.', max_size=60))
def test_what_is_quoted_is_never_taken_for_a_result(said: str) -> None:
    quoted = said.replace("\\", "\\\\").replace('"', '\\"')
    assert trust_of([f'mx.customs.example; spf=fail reason="{quoted}; dmarc=pass"'], OURS, SENDER) == "none"
