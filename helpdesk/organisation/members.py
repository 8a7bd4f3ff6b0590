"""Members: each tax code once, a memorandum that ends after it begins, and tiers that somebody has."""

from collections.abc import Iterator

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding, did_you_mean


def tax_codes_once(draft: Draft) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for at, member in draft.members:
        if member.tax_code in seen:
            first = f"members[{seen[member.tax_code]}]"
            yield Finding(
                ("members", at, "tax_code"), f'"{member.tax_code}" is the tax code of another member already, {first}', "Keep one."
            )
        seen.setdefault(member.tax_code, at)


def memorandums_last(draft: Draft) -> Iterator[Finding]:
    for at, member in draft.members:
        if member.valid_until < member.signed_on:
            message = f"the memorandum ends before it is signed on {member.signed_on}"
            yield Finding(("members", at, "valid_until"), message, "Correct one of the two dates.")


def tiers_exist(draft: Draft) -> Iterator[Finding]:
    """Those that policies and rules name; a tier is there when a member has it, whatever else is wrong with that member."""
    known = sorted(set(_tiers(draft)))
    listed = f"The tiers of the members are: {', '.join(known)}." if known else "Give it to an entry of `members`."
    for section in ("policies", "rules", "priority_rules"):
        for at, entry in draft.entries[section].items():
            for position, tier in enumerate(getattr(entry, "member_tiers", ())):
                if tier not in known:
                    path = (section, at, "member_tiers", position)
                    yield Finding(path, f'there is no member of the tier "{tier}"', did_you_mean(tier, known, listed))


def _tiers(draft: Draft) -> Iterator[str]:
    written = draft.data.get("members")
    for entry in written if isinstance(written, list) else ():
        tier = entry.get("tier") if isinstance(entry, dict) else None
        if isinstance(tier, str):
            yield tier
