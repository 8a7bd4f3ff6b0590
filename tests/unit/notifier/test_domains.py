"""Recipient domains: how many mails at once, and when all of them rest."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.domain.domains import FIRST_REST, FULL, LONGEST_REST, PATIENCE, Domains

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
LIMIT = "421 4.7.28 Our system has detected an unusual rate of mail"


def annoyed(domains: Domains, reason: str = LIMIT, times: int = PATIENCE, now: datetime = NOW) -> Domains:
    for number in range(times):
        domains.put_off(f"a{number}@Big.example", reason, now)
    return domains


def test_a_domain_has_so_many_places_and_others_have_their_own() -> None:
    domains = Domains(2)
    assert [domains.enter(f"{name}@big.example", NOW) for name in "abc"] == [None, None, NOW + FULL]
    assert domains.enter("c@BIG.example", NOW) is not None
    assert domains.enter("d@small.example", NOW) is None
    domains.leave("a@big.example")
    assert domains.enter("c@big.example", NOW) is None


def test_a_domain_that_says_several_times_it_is_too_much_rests_with_all_its_mail() -> None:
    domains = annoyed(Domains(9))
    assert domains.enter("new@big.example", NOW) == NOW + FIRST_REST
    assert domains.enter("new@small.example", NOW) is None
    assert domains.enter("new@big.example", NOW + FIRST_REST) is None


@pytest.mark.parametrize(
    "reason",
    [
        "450 4.7.1 Greylisted, try again later",
        "451 4.7.1 Greylisting in action",
        "450 4.2.2 mailbox full",
        "451 4.3.0 try again later",
        "550 5.7.1 refused",
        "data: TimeoutError after the mail was handed over",
        "",
    ],
)
def test_what_is_about_one_mailbox_or_one_server_makes_nobody_else_wait(reason: str) -> None:
    assert annoyed(Domains(9), reason, times=20).enter("new@big.example", NOW) is None


@pytest.mark.parametrize("reason", [LIMIT, "451 4.7.500 Server busy", "421 try again later", "450 4.7.0 too many connections"])
def test_what_is_about_the_amount_does(reason: str) -> None:
    assert annoyed(Domains(9), reason).enter("new@big.example", NOW) is not None


def test_one_recipient_who_is_put_off_again_and_again_makes_nobody_else_wait() -> None:
    domains = Domains(9)
    for _ in range(20):
        domains.put_off("a@big.example", LIMIT, NOW)
    assert domains.enter("new@big.example", NOW) is None


def test_fewer_complaints_than_that_or_an_accepted_mail_between_them_change_nothing() -> None:
    domains = annoyed(Domains(9), times=PATIENCE - 1)
    assert domains.enter("new@big.example", NOW) is None
    domains.taken("a@big.example")
    assert annoyed(domains, times=PATIENCE - 1).enter("new@big.example", NOW) is None


def test_after_a_rest_one_complaint_is_enough_and_each_rest_is_twice_as_long_up_to_an_hour() -> None:
    domains, now, rests = annoyed(Domains(9)), NOW, []
    for _ in range(9):
        until = domains.enter("new@big.example", now)
        assert until is not None
        rests.append(until - now)
        now = until
        domains.put_off("new@big.example", LIMIT, now)
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests[-1] == LONGEST_REST == timedelta(hours=1)
    domains.taken("new@big.example")
    assert domains.enter("new@big.example", now) is None
