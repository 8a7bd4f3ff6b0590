"""Settings: one flat class per service, prefix `HELPDESK_`, every field described."""

from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs. Values come from the environment."""

    model_config = SettingsConfigDict(env_prefix="HELPDESK_", extra="ignore", populate_by_name=True, frozen=True, hide_input_in_errors=True)

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "HELPDESK_KAFKA_BOOTSTRAP_SERVERS"),
        description="Kafka brokers, `host:port[,host:port…]`.",
    )
    kafka_security_protocol: str = Field(
        default="PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_ssl_ca_file: str | None = Field(default=None, description="CA bundle for SSL; the system's when unset.")
    kafka_sasl_mechanism: str = Field(
        default="SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_sasl_username: str | None = Field(default=None, description="SASL user.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="SASL password.")
    kafka_partitions: int = Field(default=12, ge=1, description="Partitions of new topics; growing later re-maps keys, so choose once.")
    kafka_replication_factor: int = Field(default=1, ge=1, description="Copies of new topics; 3 in real use.")
    kafka_create_topics: bool = Field(
        default=True, description="Create missing topics at the start; where services may not, say false and run `helpdesk init`."
    )
    kafka_session_timeout_seconds: float = Field(
        default=45,
        ge=6,
        le=1800,
        description="How long Kafka keeps the work of a killed process for it. Shorter: taken over sooner, lost in longer pauses.",
    )
    dead_letter_burst: int = Field(
        default=100,
        ge=1,
        description="Dead letters within a minute that stop a consumer. Raise it for one start when the records are at fault.",
    )
    mongodb_uri: SecretStr = Field(
        default=SecretStr("mongodb://127.0.0.1:27017/?replicaSet=helpdesk"),
        validation_alias=AliasChoices("MONGODB_URI", "HELPDESK_MONGODB_URI"),
        description="MongoDB replica set; TLS and credentials go into the URI.",
    )
    mongodb_database_prefix: str = Field(
        default="helpdesk", pattern=r"^[a-z0-9_-]{1,32}$", description="Databases are called `<prefix>_<service>`."
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signs status links. At least 32 characters; several separated by commas while rotating, newest first.",
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="Where businesses reach the form; the base of status links.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    log_level: str = Field(default="INFO", pattern=r"(?i)^(debug|info|warning|error)$", description="DEBUG, INFO, WARNING or ERROR.")
    replay_window_hours: float = Field(
        default=168, gt=0, description="How far back the journal is published again when Kafka has lost its log."
    )

    def secrets(self) -> tuple[str, ...]:
        """The signing secrets, newest first. ValueError when they are missing or too short to be safe."""
        parts = tuple(part for part in (part.strip() for part in self.secret.get_secret_value().split(",")) if part)
        if not parts or any(len(part) < 32 for part in parts):  # noqa: PLR2004 (the number stands in the message)
            raise ValueError("HELPDESK_SECRET must be set to at least 32 random characters, the same for every service")
        return parts


def described(settings: BaseSettings) -> Iterator[tuple[str, Any, str]]:
    """(variable, value with secrets masked, description) of each setting."""
    for name, field in type(settings).model_fields.items():
        variable = _variables(name, field)[0]
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = "********" if value.get_secret_value() else ""
        yield variable, value, field.description or ""


def variables(settings: type[BaseSettings]) -> frozenset[str]:
    """Every variable these settings are read from."""
    return frozenset(variable for name, field in settings.model_fields.items() for variable in _variables(name, field))


def _variables(name: str, field: FieldInfo) -> list[str]:
    """The first is the one to tell people."""
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [f"HELPDESK_{name.upper()}"]
