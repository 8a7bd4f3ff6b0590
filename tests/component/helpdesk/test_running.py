"""`helpdesk run` with something it can't run with: one sentence, exit code 2, no traceback."""

import json
import signal
from collections.abc import Iterator
from typing import Final, NoReturn

import pytest
from pydantic import SecretStr, ValidationError

from services.notifier.settings import NotifierSettings
from tests.support.command_line import helpdesk

SECRET: Final = {"HELPDESK_SECRET": "of-these-tests-and-of-nobody-else-at-all"}
NEEDS_A_SECRET = "HELPDESK_SECRET must be set to at least 32 random characters, the same for every service"
ROLES = {
    "intake": "web, mail, consumer, relay",
    "routing": "web, consumer, relay, ticker",
    "notifier": "web, consumer, relay, sender",
}
SERVICES = pytest.mark.parametrize("service", ROLES)


@pytest.fixture(autouse=True)
def refused_soon() -> Iterator[None]:
    """A service that is not refused runs until it is told to stop."""

    def over(*_: object) -> NoReturn:
        raise AssertionError("it was not refused: it runs")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@SERVICES
def test_a_role_there_is_not_names_those_there_are(service: str) -> None:
    said = helpdesk("run", service, "--only", "web,mial", variables=SECRET)
    assert (said.code, said.err) == (2, f"{service} has no role mial; it has {ROLES[service]}\n")


@SERVICES
@pytest.mark.parametrize("secret", ["", "too-short", f"{'long-enough-' * 4},short"])
def test_without_a_secret_that_is_long_enough_nothing_runs(service: str, secret: str) -> None:
    said = helpdesk("run", service, variables={"HELPDESK_SECRET": secret})
    assert (said.code, said.err) == (2, NEEDS_A_SECRET + "\n")


def test_a_service_there_is_not_names_those_there_are() -> None:
    said = helpdesk("run", "nobody")
    assert said.code == 2
    for service in ROLES:
        assert f"'{service}'" in said.err
    assert "Value error" not in said.err


@SERVICES
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HELPDESK_KAFKA_PARTITIONS", "0", "Input should be greater than or equal to 1"),
        ("HELPDESK_KAFKA_SECURITY_PROTOCOL", "TLS", "String should match pattern '^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$'"),
        ("HELPDESK_LOG_LEVEL", "LOUD", "String should match pattern '(?i)^(debug|info|warning|error)$'"),
        ("HELPDESK_MONGODB_DATABASE_PREFIX", "a b", "String should match pattern '^[a-z0-9_-]{1,32}$'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(service: str, variable: str, value: str, says: str) -> None:
    said = helpdesk("run", service, variables=SECRET | {variable: value})
    assert (said.code, said.err) == (2, f"{variable}: {says} (`helpdesk settings` explains each setting)\n")


def test_all_settings_that_cannot_be_used_are_named_at_once() -> None:
    said = helpdesk("run", "intake", variables={"HELPDESK_INTAKE_PORT": "eighty", "HELPDESK_MAIL_PORT": "70000"})
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "HELPDESK_INTAKE_PORT: " in said.err
    assert "; HELPDESK_MAIL_PORT: " in said.err


@SERVICES
def test_an_address_of_mongodb_that_is_none_is_a_sentence(service: str) -> None:
    said = helpdesk("run", service, variables=SECRET | {"MONGODB_URI": "mongo://db.example"})
    assert (said.code, said.err) == (2, "MONGODB_URI: Invalid URI scheme: URI must begin with 'mongodb://' or 'mongodb+srv://'\n")


@pytest.mark.parametrize("command", [("run", "notifier"), ("settings",)])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mail.example", "the mail relay must be given as smtp://host:port or smtps://host:port"),
        ("http://x:hunter2@mail.example", "the mail relay must be given as smtp://host:port or smtps://host:port"),
        (
            "smtp://x:hunter2@mail.example:99999",
            "the mail relay's port must be a number up to 65535, and user and password percent-encoded",
        ),
        ("smtp://x:hunter2/3@mail.example", "the mail relay's port must be a number up to 65535, and user and password percent-encoded"),
    ],
)
def test_a_mail_relay_that_is_none_names_the_setting_and_not_the_password(command: tuple[str, ...], url: str, says: str) -> None:
    said = helpdesk(*command, variables=SECRET | {"HELPDESK_SMTP_URL": url})
    assert (said.code, said.out) == (2, "")
    assert said.err == f"HELPDESK_SMTP_URL: {says} (`helpdesk settings` explains each setting)\n"


def test_a_setting_that_cannot_be_used_never_shows_its_value() -> None:
    with pytest.raises(ValidationError) as error:
        NotifierSettings(smtp_url=SecretStr("http://x:hunter2@mail.example"))
    assert "hunter2" not in str(error.value)


def test_a_service_logs_which_of_its_variables_nothing_reads() -> None:
    mistyped = SECRET | {"HELPDESK_ROUTING_PROT": "1", "MONGODB_URI": "mongo://db.example"}
    said = helpdesk("run", "routing", variables=mistyped)
    warning = json.loads(said.err.splitlines()[0])
    assert (warning["event"], warning["level"]) == ("settings.unread", "warning")
    assert warning["variables"] == {"HELPDESK_ROUTING_PROT": "HELPDESK_ROUTING_PORT"}
