"""`helpdesk check`."""

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from helpdesk.checking.examining import Result
    from helpdesk.checking.installation import Installation
    from kit.settings import ServiceSettings

SHOWN: Final = 20
"""Findings of one invariant that are shown unless all are asked for."""

BROKEN: Final = 1
UNREACHABLE: Final = 2


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every finding, not only the first 20 of each kind.")] = False,
) -> None:
    """Check what must hold of the whole installation: nothing lost, nothing forgotten, all services in agreement. Changes nothing.

    Exit code 0: everything holds; 1: something does not; 2: MongoDB could not be asked.
    """
    from helpdesk.failing import told

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with told(away=UNREACHABLE, besides=_unknown if as_json else None):
        results = asyncio.run(_checked(None if everything else SHOWN, as_json=as_json))
    if not all(result.holds for result in results):
        raise typer.Exit(BROKEN)


async def _checked(limit: int | None, *, as_json: bool) -> "list[Result]":
    from helpdesk.checking import report
    from helpdesk.checking.examining import examine
    from helpdesk.checking.installation import Installation
    from helpdesk.checking.summed import mail_sum
    from helpdesk.checking.watching import Watching
    from helpdesk.provision import connected
    from kit.settings import ServiceSettings

    settings = ServiceSettings()
    mongo = connected(settings)
    try:
        await mongo.measure_clock()
        installation = Installation(mongo, settings.mongodb_database_prefix)
        with Watching() as notice:
            results = await examine(installation, limit=limit, notice=notice)
        mail = await mail_sum(installation)
        warnings = await _warnings(settings, installation)
        if as_json:
            print(json.dumps(report.as_json(results, warnings, mongo.now(), mail), ensure_ascii=False, indent=2))
        else:
            print("\n".join(report.lines(results, warnings, mail)))
        return results
    finally:
        await mongo.close()


async def _warnings(settings: "ServiceSettings", installation: "Installation") -> list[str]:
    """What is no contradiction and still worth a look."""
    from helpdesk.checking.mailboxes import mail_warnings
    from helpdesk.checking.sending import delivery_warnings
    from helpdesk.checking.unanswered import chat_warnings
    from helpdesk.checking.unproven import setting_warnings
    from helpdesk.deadletters.counting import unhandled
    from kit.errors import TransientError
    from kit.organisation import ORGANISATION
    from services.intake.settings import IntakeSettings
    from services.notifier.settings import NotifierSettings

    warnings = []
    if await installation.database("routing")[ORGANISATION.name].find_one({}, {"_id": 1}) is None:
        warnings.append(
            f"no organisation is loaded in {installation.prefix}_routing; are MONGODB_URI and HELPDESK_MONGODB_DATABASE_PREFIX right?"
        )
    warnings += [*await mail_warnings(installation), *await delivery_warnings(installation), *await chat_warnings(installation)]
    warnings += await setting_warnings(installation, IntakeSettings(), NotifierSettings())
    try:
        counts = await unhandled(settings, installation.databases)
    except TransientError:
        return [*warnings, f"dead letters were not counted: Kafka at {settings.kafka_bootstrap_servers} does not answer"]
    for service, count in counts.items():
        letters = "1 dead letter waits" if count == 1 else f"{count:,} dead letters wait"
        if count:
            warnings.append(f"{letters} for a decision in {service}: `helpdesk dlq list {service}`")
    return warnings


def _unknown(sentence: str) -> None:
    print(json.dumps({"ok": None, "error": sentence}))
