"""What has to hold between the parts of an organisation. Each check takes a draft and yields findings."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from helpdesk.organisation import addresses, coverage, hours, members, references, structure, texts
from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding

Check = Callable[[Draft], Iterator[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    references.keys_given_once,
    references.keys_exist,
    references.keys_named_once,
    references.reserved_keys,
    structure.one_root,
    structure.no_circles,
    structure.levels_descend,
    structure.leads_belong,
    structure.nobody_for_oneself,
    texts.rules_can_match,
    texts.names_said,
    coverage.groups_covered,
    coverage.targets_once,
    coverage.steps_happen,
    members.tax_codes_once,
    members.memorandums_last,
    members.tiers_exist,
    addresses.mail_findings,
    addresses.mailboxes_apart,
    addresses.secret_findings,
)


def findings(draft: Draft, now: datetime) -> Iterator[Finding]:
    """Everything wrong between the parts; calendars have to open within ten years from `now`."""
    for check in CHECKS:
        yield from check(draft)
    yield from hours.calendar_findings(draft, now)
