"""All services work for the same organisation."""

from collections.abc import AsyncIterator, Sequence

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from kit.organisation import ORGANISATION
from schemas.topics import SERVICES

_REMEDY = "run `helpdesk load FILE.yaml` with the file that is meant; it gives all three the same"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    tally.add(len(SERVICES))
    for finding in await _judge(installation, SERVICES):
        yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    """Routing gets it first when it is loaded, so it says what the others must have."""
    newest = {service: await _newest(installation, service) for service in SERVICES}
    wanted = newest["routing"] or next((revision for revision in newest.values() if revision), None)
    return [
        Finding(service, f"{service}/organisation/{_number(newest[service])}", _what(newest[service], wanted), _REMEDY)
        for service in SERVICES
        if service in keys and wanted is not None and _digest(newest[service]) != _digest(wanted)
    ]


async def _newest(installation: Installation, service: str) -> tuple[int, str] | None:
    """(number, digest); numbers may differ between services that were set up at different times, digests may not."""
    row = await installation.database(service)[ORGANISATION.name].find_one({}, {"digest": 1}, sort=[("_id", -1)])
    return (row["_id"], row.get("digest", "")) if row else None


def _what(revision: tuple[int, str] | None, wanted: tuple[int, str]) -> str:
    if revision is None:
        return f"has no organisation, while others have the one with digest {_short(wanted)}"
    return f"has the digest {_short(revision)}, while routing has {_short(wanted)}"


def _number(revision: tuple[int, str] | None) -> str:
    return str(revision[0]) if revision else "none"


def _digest(revision: tuple[int, str] | None) -> str | None:
    return revision[1] if revision else None


def _short(revision: tuple[int, str]) -> str:
    return f"{revision[1][:12]}…"


SAME_ORGANISATION = Invariant("organisation", "intake, routing and notifier have the same organisation", _suspects, _judge)
