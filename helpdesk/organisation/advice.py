"""What may stand in the file and is still worth a look."""

from collections.abc import Iterator

from schemas.organisation import Conditions, Organisation
from services.routing.domain.people import on_duty


def warnings(org: Organisation) -> tuple[str, ...]:
    """Sentences about what works but may not be meant; the organisation can be loaded all the same."""
    return (*_alone(org), *_nobody_on_duty(org), *_never_reached(org), *_answered_nowhere(org))


def _alone(org: Organisation) -> Iterator[str]:
    for group in org.groups:
        if not any(group.key in officer.groups and officer.key != group.lead for officer in org.officers):
            yield f'The group "{group.key}" has no officers besides its lead "{group.lead}".'


def _nobody_on_duty(org: Organisation) -> Iterator[str]:
    for group in org.groups:
        lead = org.officer(group.lead)
        if lead is not None and on_duty(org, lead) is None:
            yield f'"{lead.key}", the lead of the group "{group.key}", is off duty and no substitute on duty is named.'


def _never_reached(org: Organisation) -> Iterator[str]:
    rules: tuple[Conditions, ...]
    for rules in (org.rules, org.priority_rules):
        for at, rule in enumerate(rules[:-1]):
            if not (rule.topics or rule.units or rule.channels or rule.languages or rule.words or rule.without_unit or rule.member_tiers):
                yield f'The rule "{rule.name}" matches every request, so that the {len(rules) - at - 1} after it are never reached.'


def _answered_nowhere(org: Organisation) -> Iterator[str]:
    for account in org.chat_accounts:
        if account.callback_url is None:
            yield f'Answers to the chats of the account "{account.key}" are shown on the status page alone; give it a callback_url.'


def summary(org: Organisation) -> tuple[str, ...]:
    """A few lines that tell a person what was loaded."""
    leads = {group.lead for group in org.groups}
    supervisors = sum(bool(officer.supervises) for officer in org.officers)
    focal_point = next((group.name.en for group in org.groups if group.key == org.focal_point), org.focal_point)
    tiers = sorted({member.tier for member in org.members})
    members = (f"{_count(org.members, 'member')}: {', '.join(tiers)}",) if tiers else ()
    return (
        f"{org.name.en} ({org.name.vi})",
        ", ".join((_count(org.units, "unit"), _count(org.groups, "group"), _count(org.topics, "topic"), _count(org.rules, "rule"))),
        f"{_count(org.officers, 'officer')}: {_number(len(leads), 'lead')}, {_number(supervisors, 'supervisor')}, {_roles(org)}",
        f"{_count(org.calendars, 'calendar')}: {', '.join(calendar.key for calendar in org.calendars)}",
        f"{_count(org.policies, 'policy')}: {', '.join(policy.key for policy in org.policies)}",
        *members,
        f"{_count(org.chat_accounts, 'chat account')}; what no rule matches goes to {focal_point}",
    )


def _roles(org: Organisation) -> str:
    counts = [(role, sum(role in officer.roles for officer in org.officers)) for role in ("administrator", "auditor")]
    return ", ".join(_number(count, role) for role, count in counts)


def _count(entries: tuple[object, ...], noun: str) -> str:
    return _number(len(entries), noun)


def _number(count: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("cy") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
