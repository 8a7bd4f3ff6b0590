"""Which policy measures a ticket, why, and whose member it is."""

from datetime import date
from typing import Any

import pytest

from schemas.organisation import Organisation
from schemas.values import Business
from services.routing.domain.conditions import asked
from services.routing.domain.decide import open_ticket
from services.routing.domain.membership import tier_on
from services.routing.domain.policies import Traits, because, choose_policy
from services.routing.domain.rules import choose_priority
from tests.support.happenings import OPENED, request
from tests.support.organisations import as_written, context, local, organisation

TARGETS = [{"clock": "first_response", "hours": 4}, {"clock": "resolution", "days": 5}]
AN_BINH = {"name": "An Bình", "tax_code": "0100109106", "tier": "gold", "signed_on": date(2025, 3, 3), "valid_until": date(2025, 3, 4)}


def policy(key: str, **conditions: Any) -> dict[str, Any]:
    return {"key": key, "targets": TARGETS, **conditions}


def with_policies(*policies: dict[str, Any]) -> Organisation:
    return organisation(policies=[*policies, policy("standard")])


HON_GAI = Traits("valuation", "hon-gai", "form", "high", "gold")
CONDITIONS: list[tuple[dict[str, Any], str | None]] = [
    ({}, "it applies to every request"),
    ({"topics": ["origin", "valuation"]}, "topic Customs valuation"),
    ({"topics": ["origin"]}, None),
    ({"units": ["quang-ninh"]}, "unit Quang Ninh"),
    ({"units": ["ha-tinh"]}, None),
    ({"channels": ["email", "form"]}, "channel form"),
    ({"channels": ["email"]}, None),
    ({"priorities": ["high", "urgent"]}, "priority high"),
    ({"priorities": ["urgent"]}, None),
    ({"member_tiers": ["silver", "gold"]}, "member of the tier gold"),
    ({"member_tiers": ["silver"]}, None),
    (
        {"topics": ["valuation"], "units": ["hon-gai"], "channels": ["form"], "priorities": ["high"], "member_tiers": ["gold"]},
        "topic Customs valuation, unit Hon Gai, channel form, priority high, member of the tier gold",
    ),
    ({"topics": ["valuation"], "units": ["hon-gai"], "channels": ["form"], "priorities": ["low"], "member_tiers": ["gold"]}, None),
]


@pytest.mark.parametrize(("conditions", "why"), CONDITIONS)
def test_a_policy_is_for_a_ticket_when_all_its_conditions_hold_and_says_which(conditions: dict[str, Any], why: str | None) -> None:
    org = with_policies(policy("first", **conditions))
    chosen = choose_policy(org, HON_GAI)
    assert chosen.key == ("first" if why else "standard")
    assert because(org, chosen, HON_GAI).en == (f"Policy “first”: {why}" if why else "Policy “standard”: it applies to every request")


def test_the_first_of_two_policies_for_a_ticket_is_chosen() -> None:
    org = with_policies(policy("urgent", priorities=["urgent"]), policy("gold", member_tiers=["gold"]), policy("high", priorities=["high"]))
    assert choose_policy(org, HON_GAI).key == "gold"


def test_a_policy_for_members_is_not_for_a_business_that_is_none() -> None:
    org = with_policies(policy("gold", member_tiers=["gold"]))
    assert choose_policy(org, Traits("valuation", "hon-gai", "form")).key == "standard"


def test_the_last_policy_says_that_it_is_the_last_resort_when_not_even_it_is_for_the_ticket() -> None:
    org = organisation(policies=[policy("chat", channels=["chat"])])
    traits = Traits("valuation", "hon-gai", "form")
    assert because(org, choose_policy(org, traits), traits).en == "Policy “chat”: no policy matches, so the last one applies"


# --- members -----------------------------------------------------------------------------------------------------

DAYS_OF_A_MEMBER = [
    # as the wall clock shows it in Viet Nam: signed on 3 March, valid until 4 March 2025
    ("hon-gai", "2025-03-02 23:59", None),
    ("hon-gai", "2025-03-03 00:00", "gold"),
    ("hon-gai", "2025-03-04 23:59", "gold"),
    ("hon-gai", "2025-03-05 00:00", None),
    # the border gate keeps the time of Vladivostok here: three hours later than in Viet Nam
    ("cau-treo", "2025-03-02 21:00", "gold"),
    ("cau-treo", "2025-03-04 21:00", None),
    # no group at its unit or above: the organisation's own zone; so where no unit is named
    ("ha-tinh", "2025-03-02 21:00", None),
    (None, "2025-03-03 00:00", "gold"),
]


@pytest.mark.parametrize(("unit", "when", "tier"), DAYS_OF_A_MEMBER)
def test_a_member_is_one_from_the_first_to_the_last_day_of_the_unit_it_asks(unit: str | None, when: str, tier: str | None) -> None:
    office, border = as_written()["calendars"]
    org = organisation(members=[AN_BINH], calendars=[office, {**border, "timezone": "Asia/Vladivostok"}])
    assert tier_on(org, "0100109106", unit, local(when)) == tier


@pytest.mark.parametrize("tax_code", [None, "", "0100109106-001", "0100109107"])
def test_only_the_tax_code_itself_makes_a_member(tax_code: str | None) -> None:
    assert tier_on(organisation(members=[AN_BINH]), tax_code, "hon-gai", OPENED) is None


def test_a_member_gets_its_own_policy_and_keeps_it_after_the_memorandum_has_ended() -> None:
    gold = policy("gold", member_tiers=["gold"])
    org = organisation(members=[AN_BINH], policies=[gold, *as_written()["policies"]])
    decision = open_ticket(request(), context(org), {}, OPENED)
    (event,) = decision.events
    assert (decision.ticket.member_tier, decision.ticket.policy, event.ticket.member_tier) == ("gold", "gold", "gold")
    later = open_ticket(request(local("2025-03-05 09:00")), context(org), {}, OPENED)
    assert (later.ticket.member_tier, later.ticket.policy) == (None, "standard")
    other = request(business=Business(name="Công ty An Bình"))
    assert open_ticket(other, context(org), {}, OPENED).ticket.member_tier is None


def test_a_rule_can_send_members_elsewhere() -> None:
    rules = [{"name": "Gold members", "member_tiers": ["gold"], "group": "quang-ninh"}]
    org = organisation(members=[AN_BINH], rules=rules)
    event = open_ticket(request(), context(org), {}, OPENED).events[0]
    assert event.ticket.group.key == "quang-ninh"
    assert getattr(event, "because", "") == "Rule “Gold members”: member of the tier gold"


# --- priorities --------------------------------------------------------------------------------------------------

PRIORITY_RULES = [
    {"name": "Spoils at the gate", "units": ["cau-treo"], "words": ["hàng tươi"], "priority": "urgent"},
    {"name": "Spoils", "words": ["hàng tươi"], "priority": "high"},
    {"name": "Proposals", "topics": ["proposal"], "priority": "low"},
    {"name": "Gold", "member_tiers": ["gold"], "priority": "high"},
]


@pytest.mark.parametrize(
    ("sent", "tier", "priority", "why"),
    [
        ({"text": "Lô HANG TUOI bị giữ", "unit": "cau-treo"}, None, "urgent", "“Spoils at the gate”: unit Cau Treo, the words “hàng tươi”"),
        ({"text": "Lô HANG TUOI bị giữ", "topic": "proposal"}, None, "high", "“Spoils”: the words “hàng tươi”"),
        ({"topic": "proposal"}, "gold", "low", "“Proposals”: topic Law and policy proposal"),
        ({}, "gold", "high", "“Gold”: member of the tier gold"),
        ({}, None, "normal", None),
    ],
)
def test_the_first_priority_rule_that_matches_says_how_urgent_a_request_is(
    sent: dict[str, Any], tier: str | None, priority: str, why: str | None
) -> None:
    urgency = choose_priority(asked(request(**sent), organisation(priority_rules=PRIORITY_RULES), tier))
    assert urgency.priority == priority
    assert (urgency.because.en if urgency.because else None) == (f"Priority {priority} by the rule {why}" if why else None)


def test_an_urgent_request_is_opened_under_the_policy_for_it_and_says_why_in_the_lead_s_language() -> None:
    urgent = policy("urgent", priorities=["urgent", "high"])
    org = organisation(priority_rules=PRIORITY_RULES, policies=[urgent, *as_written()["policies"]])
    decision = open_ticket(request(text="hàng tươi sống"), context(org), {}, OPENED)
    assert (decision.ticket.priority, decision.ticket.policy, decision.events[0].ticket.priority) == ("high", "urgent", "high")
    assert getattr(decision.events[0], "policy_because", "") == (
        "Mức ưu tiên cao theo quy tắc “Spoils”: có từ “hàng tươi”. Chính sách thời hạn “urgent”: mức ưu tiên cao"
    )


@pytest.mark.parametrize(
    "condition", [{"topics": ["valuation"]}, {"units": ["hon-gai"]}, {"channels": ["form"]}, {"priorities": ["normal"]}]
)
def test_a_ticket_is_measured_by_the_policy_for_its_own_topic_unit_channel_and_priority(condition: dict[str, Any]) -> None:
    ticket = open_ticket(request(), context(with_policies(policy("its-own", **condition))), {}, OPENED).ticket
    assert ticket.policy == "its-own"
