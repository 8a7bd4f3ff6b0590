"""Filters name what is there: a key with a typo is refused, where it would show nothing as if there were nothing."""

from collections.abc import Collection, Mapping
from typing import Final

from schemas.organisation import Organisation
from schemas.values import LocalText
from services.routing.access import Reader
from services.routing.api.refusals import NOT_VALID, refused
from services.routing.domain.sentences import NO_SUCH_OFFICER, fill
from services.routing.domain.ticket import UNSORTED
from services.routing.record import Carried, Record

NO_SUCH_TOPIC: Final = LocalText(
    vi="Không có lĩnh vực “{key}”; các lĩnh vực hiện có: {known}.", en="There is no topic {key}. Those there are: {known}."
)
NO_SUCH_TIER: Final = LocalText(
    vi="Không có hạng thành viên “{key}”; các hạng hiện có: {known}.", en="There is no member tier {key}. Those there are: {known}."
)
SENTENCES: Final[Mapping[Carried, LocalText]] = {"topic": NO_SUCH_TOPIC, "member_tier": NO_SUCH_TIER, "officer": NO_SUCH_OFFICER}


async def refuse_unknown(
    fields: Mapping[Carried, str | None], reader: Reader, org: Organisation, record: Record, sees: Collection[str] | None
) -> None:
    """422 naming the first key that neither the organisation has nor anything of the groups `sees` carries; None: of any group.

    What only others' tickets carry is as unknown as what nobody's does.
    """
    for name, key in fields.items():
        if key is None or _has(org, name, key) or await record.carries(name, key, sees):
            continue
        known = ", ".join(_listed(org, name)) or "-"
        raise refused(reader.language, 422, NOT_VALID, fill(SENTENCES[name], key=key, known=known), field=name)


def _has(org: Organisation, name: Carried, key: str) -> bool:
    return org.officer(key) is not None if name == "officer" else key in _listed(org, name)


def _listed(org: Organisation, name: Carried) -> list[str]:
    """All keys; of officers none, for there may be thousands."""
    if name == "topic":
        return [*(spec.key for spec in org.topics), UNSORTED]
    if name == "member_tier":
        favoured = [spec.member_tiers for spec in org.policies] + [spec.member_tiers for spec in (*org.rules, *org.priority_rules)]
        return sorted({member.tier for member in org.members}.union(*favoured))
    return []
