"""`helpdesk check` as it is typed, on a real MongoDB: what it prints and how it exits."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from helpdesk.checking.examining import INVARIANTS
from helpdesk.cli import app
from tests.component.helpdesk.building import Story, lived
from tests.support.ports import free_ports
from tests.support.servers import KafkaServer, MongoServer


@pytest.fixture(scope="module")
async def story(mongo_server: MongoServer) -> AsyncIterator[Story]:
    async with lived(mongo_server.uri) as story:
        yield story


def settings_of(story: Story, **changed: str) -> dict[str, str]:
    """Kafka is away unless it is given: what it says of dead letters is no part of the verdict."""
    return {
        "MONGODB_URI": story.settings.mongodb_uri.get_secret_value(),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_ports(1)[0]}",
        "HELPDESK_MONGODB_DATABASE_PREFIX": story.prefix,
        **changed,
    }


async def check(variables: dict[str, str], *options: str) -> tuple[int, str, str]:
    """Exit code, output, complaints."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ("check", *options), env=variables)
    return result.exit_code, result.stdout, result.stderr


async def test_a_consistent_installation_passes(story: Story, kafka_server: KafkaServer) -> None:
    code, out, err = await check(settings_of(story, KAFKA_BOOTSTRAP_SERVERS=kafka_server.bootstrap_servers))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line[:2] for line in lines[: len(INVARIANTS)]] == ["✓ "] * len(INVARIANTS)
    assert all(line.endswith(" looked at") for line in lines[: len(INVARIANTS)])
    assert lines[-3:] == [
        "warning: 1 mail of the last week could not be read: `helpdesk mail parked`",
        "",
        "everything holds, but read the warning",
    ]
    assert "does not answer" not in out


async def test_a_finding_names_its_record_and_the_exit_code_is_1(story: Story) -> None:
    deliveries = story.databases["notifier"]["deliveries"]
    row = await deliveries.find_one({"state": "pending", "template": "assignment"})
    assert row is not None
    await deliveries.delete_one({"_id": row["_id"]})
    code, out, _ = await check(settings_of(story))
    json_code, data, _ = await check(settings_of(story), "--json")
    await deliveries.insert_one(row)

    assert code == json_code == 1
    assert f"routing/journal/{row['event_id']}" in out
    assert f"asks for a delivery to {row['recipient']}, and there is none" in out
    assert "→ see whether the notifier runs (/readyz)" in out
    assert out.splitlines()[-1] == "1 finding"
    report = json.loads(data)
    assert report["ok"] is False
    [broken] = [invariant for invariant in report["invariants"] if not invariant["ok"]]
    assert (broken["invariant"], broken["count"]) == ("told", 1)
    [finding] = broken["findings"]
    assert (finding["invariant"], finding["record"]) == ("told", f"routing/journal/{row['event_id']}")


async def test_kafka_that_is_away_is_a_warning(story: Story) -> None:
    variables = settings_of(story)
    code, out, err = await check(variables)
    assert (code, err) == (0, "")
    away = f"Kafka at {variables['KAFKA_BOOTSTRAP_SERVERS']} does not answer"
    assert f"warning: dead letters were not counted: {away}" in out.splitlines()


async def test_databases_nobody_ever_used_pass_with_a_doubt(story: Story) -> None:
    code, out, _ = await check(settings_of(story, HELPDESK_MONGODB_DATABASE_PREFIX="misspelt"))
    assert code == 0
    assert "warning: no organisation is loaded in misspelt_routing; are MONGODB_URI and HELPDESK_MONGODB_DATABASE_PREFIX right?" in out


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mongodb://user:secret@127.0.0.1:{port}/?serverSelectionTimeoutMS=300", "MongoDB does not answer (127.0.0.1:{port}"),
        ("http://x", "MONGODB_URI: Invalid URI scheme"),
    ],
)
async def test_mongodb_that_is_away_is_said_in_one_sentence(story: Story, uri: str, says: str) -> None:
    port = str(free_ports(1)[0])
    variables = settings_of(story, MONGODB_URI=uri.format(port=port))
    code, out, err = await check(variables)
    assert (code, out) == (2, "")
    assert err.startswith(says.format(port=port))
    assert err.count("\n") == 1
    assert "secret" not in err

    code, out, _ = await check(variables, "--json")
    assert code == 2
    assert json.loads(out) == {"ok": None, "error": err.strip()}
