"""Keys the organisation no longer has: the ticket is shown, measured and told about all the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.organisation import Organisation
from schemas.tickets import TicketOpened
from schemas.values import LocalText, Person
from services.routing.directory import context as of_organisation
from services.routing.domain.clocks import Era
from services.routing.domain.commands import Actor, Claim, Prioritise, RepairClock
from services.routing.domain.conditions import asked, topic_name, unit_name
from services.routing.domain.context import Edition
from services.routing.domain.decide import open_ticket
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused
from services.routing.domain.people import AUTHORITY_KEY, told, told_as
from services.routing.domain.reasons import pause_in_words
from services.routing.domain.rules import choose_group
from services.routing.domain.ticket import snapshot
from tests.support.happenings import HAI, OPENED, Life, keys, request
from tests.support.organisations import as_written, context, local, named, officer, organisation, with_officers


def with_group(key: str, **changed: Any) -> list[dict[str, Any]]:
    return [{**group, **changed} if group["key"] == key else group for group in as_written()["groups"]]


def test_what_the_organisation_has_is_shown_by_its_name_and_what_is_gone_by_its_key() -> None:
    ticket = replace(Life().ticket, officer="hai", topic="valuation", unit="hon-gai")
    seen = snapshot(ticket, organisation())
    assert (seen.officer, seen.unit and seen.unit.name.en, seen.topic.name.en) == (
        Person(key="hai", name="Hai", email="hai@customs.example"),
        "Hon Gai",
        "Customs valuation",
    )
    gone = snapshot(replace(ticket, officer="ghost", topic="lost", unit="sunk", group="left"), organisation())
    assert gone.officer == Person(key="ghost", name="ghost")
    assert gone.unit is not None
    for shown, key in ((gone.unit, "sunk"), (gone.topic, "lost"), (gone.group, "left"), (gone.group.unit, "left")):
        assert (shown.key, shown.name) == (key, LocalText(vi=key, en=key))


def test_a_ticket_of_no_topic_yet_is_shown_as_not_yet_sorted() -> None:
    seen = snapshot(replace(Life().ticket, topic="unsorted"), organisation())
    assert (seen.topic.key, seen.topic.name.en) == ("unsorted", "Not yet sorted")


def test_a_topic_and_a_unit_in_a_reason_are_called_by_their_names_or_their_keys_or_not_at_all() -> None:
    org = organisation()
    assert topic_name("origin", org) == LocalText(vi="Xuất xứ", en="Origin")
    assert unit_name("hon-gai", org) == LocalText(vi="Chi cục Hòn Gai", en="Hon Gai")
    assert [topic_name("lost", org), unit_name("lost", org), topic_name(None, org), unit_name(None, org)] == ["lost", "lost", "", ""]


def test_words_are_folded_only_where_a_rule_looks_for_some() -> None:
    wordy = organisation(rules=[{"name": "Late", "words": ["chậm"], "group": "legal"}])
    assert asked(request(), organisation()).text == ""
    assert asked(request(subject="Chậm", text="quá"), wordy).text == " cham qua "


def test_the_focal_point_stands_for_a_group_that_is_gone_wherever_it_is_in_the_file() -> None:
    turned = organisation(groups=as_written()["groups"][::-1])
    assert context(turned).group("left").key == "focal"
    assert choose_group(asked(request(topic="origin", unit=None), turned)).group.key == "focal"


def test_the_first_group_stands_for_a_focal_point_that_is_gone() -> None:
    headless = organisation(focal_point="left", groups=as_written()["groups"][1:])
    assert context(headless).group("gone").key == "legal"
    assert choose_group(asked(request(topic="origin", unit=None), headless)).group.key == "legal"


def test_the_calendar_of_a_focal_point_stands_for_one_that_is_gone() -> None:
    ctx = context(organisation(focal_point="cau-treo"))
    assert ctx.calendar("left") is ctx.calendar("border")
    assert ctx.calendar("office") is not ctx.calendar("border")


def test_the_calendar_of_an_era_is_its_own_and_not_the_focal_points() -> None:
    began = datetime(2025, 3, 3, tzinfo=UTC)
    old = of_organisation(organisation(), 3, Edition(3, began))
    new = of_organisation(organisation(), 9, Edition(7, began, (old,)))
    era = Era("border", began, timedelta(0), 0, False, None, "p", 3)
    assert new.calendar_then(era) is old.calendar("border") is new.calendar_at(4, "border")


def test_a_lead_who_is_gone_reads_vietnamese_and_the_authority_is_told_in_the_place_of_one() -> None:
    org = organisation(groups=with_group("hon-gai", lead="ghost"))
    draft = Draft(Life().ticket, context(org), OPENED, cause="c")
    assert draft.in_words(LocalText(vi="vâng", en="yes")) == "vâng"
    assert keys(told(("lead",), org, draft.ctx.group("hon-gai"), None)) == [AUTHORITY_KEY]


def test_the_authority_is_told_by_its_name_in_its_language() -> None:
    org = organisation(
        competent_authority={"name": named("Bộ Tài chính", "Ministry of Finance"), "email": "mof@gov.example", "language": "en"}
    )
    (person,) = told(("authority",), org, context(org).group("hon-gai"), None)
    assert person == Person(key=AUTHORITY_KEY, name="Ministry of Finance", email="mof@gov.example", language="en")


def away(key: str, *groups: str, **more: Any) -> dict[str, Any]:
    return officer(key, *groups, on_duty=False, **more)


def roles(org: Organisation, *words: Any) -> list[tuple[str, str]]:
    return [(role, person.key) for role, person in told_as(words, org, context(org).group("hon-gai"), None)]


def test_the_lead_is_asked_to_reach_an_authority_without_an_address_where_no_supervisor_is_there() -> None:
    authority = {"name": named("Bộ Tài chính", "Ministry of Finance")}
    there = with_officers(competent_authority=authority)
    assert roles(there, "authority") == [("authority_unreachable", "sau")]
    org = with_officers(away("sau", supervises=["quang-ninh"]), competent_authority=authority)
    assert roles(org, "authority") == [("authority_unreachable", "hong")]


def test_where_mail_reaches_nobody_and_no_supervisor_is_there_the_leads_are_told() -> None:
    org = with_officers(away("sau", supervises=["quang-ninh"]), {"key": "hong", "name": "Hong", "groups": ["hon-gai"]})
    assert roles(org, "lead") == [("lead", "hong"), ("lead", "hong"), ("lead", "phuc")]


def test_a_lease_of_an_officer_who_is_gone_is_refused_by_the_key() -> None:
    life = Life()
    life.officer(Claim(), OPENED)
    life.ticket = replace(life.ticket, officer="ghost")
    with pytest.raises(Refused) as refused:
        life.officer(Claim(), OPENED + timedelta(hours=1), Actor("hung", "Hung"))
    assert "ghost" in refused.value.sentence.en
    life.ticket = replace(life.ticket, officer="hai")
    with pytest.raises(Refused) as refused:
        life.officer(Claim(), OPENED + timedelta(hours=1), Actor("hung", "Hung"))
    assert "Hai" in refused.value.sentence.en


def test_a_ticket_without_clocks_says_so() -> None:
    life = Life()
    life.ticket = replace(life.ticket, clocks=())
    with pytest.raises(Refused) as refused:
        life.officer(RepairClock("resolution-1", "Sai", "met"), OPENED, Actor("quan", "Quan"))
    assert refused.value.sentence.en == "This ticket has no clock resolution-1. Those it has are: -."


def test_a_pause_an_officer_gave_the_reason_of_keeps_it_in_both_languages() -> None:
    assert pause_in_words("chờ giám định") == LocalText(vi="chờ giám định", en="chờ giám định")
    assert pause_in_words("waiting").en == "waiting for the business"


def test_nobodys_ticket_has_no_lease() -> None:
    assert (Life().ticket.officer, Life().ticket.claimed_until) == (None, None)


@pytest.mark.parametrize(("unit", "tier"), [("cau-treo", "gold"), ("hon-gai", None)])
def test_a_memorandum_ends_with_the_day_of_the_unit_the_business_named(unit: str, tier: str | None) -> None:
    written = as_written()
    calendars = [
        {**calendar, "timezone": "America/New_York"} if calendar["key"] == "border" else calendar for calendar in written["calendars"]
    ]
    member = {"name": "An Bình", "tax_code": "0100109106", "tier": "gold", "signed_on": "2024-01-01", "valid_until": "2025-03-03"}
    org = organisation(calendars=calendars, members=[member])
    decision = open_ticket(request(local("2025-03-04 09:00"), unit=unit), context(org), {}, local("2025-03-04 09:00"))
    (event,) = decision.events
    assert isinstance(event, TicketOpened)
    assert (decision.ticket.member_tier, event.ticket.member_tier) == (tier, tier)


def test_a_policy_that_is_chosen_again_is_that_of_the_revision_that_chose_it() -> None:
    life = Life(context(revision=3))
    life.ctx = context(revision=4)
    life.officer(Prioritise("high", "Hàng dễ hỏng"), OPENED, HAI)
    assert life.ticket.revision == 4
