"""Settings: described for people, secrets kept."""

import pytest
from pydantic import SecretStr, ValidationError

from kit.settings import ServiceSettings, described

LONG = "x" * 32


def settings(**values: object) -> ServiceSettings:
    return ServiceSettings.model_validate(values)


def test_every_setting_is_described_under_the_name_of_its_variable() -> None:
    rows = {name: (value, text) for name, value, text in described(settings(kafka_partitions=7))}
    assert rows["HELPDESK_KAFKA_PARTITIONS"][0] == 7
    assert {"KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "HELPDESK_SECRET"} <= rows.keys()
    assert all(text for _, text in rows.values())
    assert len(rows) == len(ServiceSettings.model_fields)


def test_no_secret_is_ever_shown() -> None:
    held = settings(secret=LONG, mongodb_uri="mongodb://user:hunter2@db", kafka_sasl_password="hunter3")
    shown = str(list(described(held))) + repr(held) + str(held)
    assert LONG not in shown
    assert "hunter" not in shown


def test_a_secret_that_is_not_set_can_be_told_from_one_that_is() -> None:
    rows = {name: value for name, value, _ in described(settings(secret=LONG))}
    assert rows["HELPDESK_SECRET"] == "********"
    assert not rows["HELPDESK_KAFKA_SASL_PASSWORD"]


@pytest.mark.parametrize(
    ("given", "read"),
    [(LONG, (LONG,)), (f"{LONG}n, {LONG}o ,", (f"{LONG}n", f"{LONG}o"))],
    ids=["one", "two while rotating, newest first"],
)
def test_signing_secrets_are_read(given: str, read: tuple[str, ...]) -> None:
    assert settings(secret=given).secrets() == read


@pytest.mark.parametrize("given", ["", " , ", "short", f"{LONG},short"])
def test_missing_and_short_secrets_are_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(ValueError, match="HELPDESK_SECRET must be set to at least 32 random characters"):
        settings(secret=given).secrets()


def test_settings_cannot_be_changed_once_read() -> None:
    held = settings()
    with pytest.raises(ValidationError):
        held.secret = SecretStr("other")  # type: ignore[misc]  # the type checker would refuse it too


def test_a_database_prefix_that_mongodb_would_not_take_is_refused() -> None:
    with pytest.raises(ValidationError):
        settings(mongodb_database_prefix="Not A Name!")
