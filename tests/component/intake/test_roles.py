"""Which parts of intake a process runs."""

import pytest
from pydantic import SecretStr

from services.intake.app import build
from services.intake.settings import IntakeSettings

SETTINGS = IntakeSettings(secret=SecretStr("s" * 32), intake_port=0, mail_port=0)


@pytest.mark.parametrize(
    ("only", "loops", "inlets"),
    [
        (["web"], {"organisation", "file sweep", "refused mails, web"}, []),
        (["relay"], {"organisation", "file sweep", "relay", "relay slots", "relay log", "relay adoption", "relay age"}, []),
        (["consumer"], {"organisation", "file sweep"}, ["helpdesk.tickets.v1"]),
    ],
)
async def test_a_process_runs_the_roles_it_is_given(only: list[str], loops: set[str], inlets: list[str]) -> None:
    service = build(SETTINGS, only)
    assert {loop.name for loop in service.loops} == loops
    assert [inlet.topic for inlet in service.inlets] == inlets
    await service.closers[0]()


async def test_without_roles_given_it_runs_them_all() -> None:
    service = build(SETTINGS)
    assert "relay" in {loop.name for loop in service.loops}
    assert [inlet.topic for inlet in service.inlets] == ["helpdesk.tickets.v1"]
    await service.closers[0]()


def test_a_role_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no role ticker; it has web, mail, consumer, relay"):
        build(SETTINGS, ["web", "ticker"])


def test_without_a_secret_it_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"HELPDESK_SECRET"):
        build(SETTINGS.model_copy(update={"secret": SecretStr("")}))
