"""The notifier's settings."""

from pydantic import Field, SecretStr, field_validator

from kit.settings import ServiceSettings
from services.notifier.relay import Relay


class NotifierSettings(ServiceSettings):
    notifier_port: int = Field(default=8002, ge=0, le=65535, description="Port of the notifier's health and metrics.")
    smtp_url: SecretStr = Field(
        default=SecretStr("smtp://127.0.0.1:25"), description="Mail relay: `smtp://[user:pass@]host[:port][?starttls=1]` or `smtps://…`."
    )
    smtp_connections: int = Field(default=8, ge=1, le=100, description="Connections kept to the mail relay.")
    smtp_per_domain: int = Field(
        default=128, ge=1, description="Mails under way to one recipient domain at once; lower it where the relay delivers directly."
    )
    mail_from: str = Field(default="helpdesk@localhost.localdomain", description="Sender address; its domain also ends our message ids.")
    plus_addressing: bool = Field(
        default=False, description="Answers go to `mailbox+r.TOKEN@…`; the mail servers of all group mailboxes must take such addresses."
    )
    bounce_address: str | None = Field(
        default=None, description="Return path, to which each mail adds `+TOKEN`, at most 15 characters before the @; the same for intake."
    )
    null_return_path: bool = Field(
        default=True, description="Acknowledgements have no return path (RFC 3834); say false if the relay refuses `MAIL FROM:<>`."
    )
    acknowledgements_per_minute: int = Field(
        default=600, ge=1, description="Acknowledgements of mails in one minute; beyond them something is wrong, and no more are sent."
    )
    new_work_per_minute: int = Field(
        default=5,
        ge=0,
        description="Mails in a minute that tell one address of requests given to it; what is more comes as one digest. 0: all go at once.",
    )
    notices_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where staff reach the notifier's `/notices/` pages: notices they can do without then have a link to turn them off.",
    )
    dkim_keys: str = Field(
        default="", description="`selector:/path/to/key.pem[,…]`: RSA or Ed25519 keys that sign for the domain of the sender address."
    )
    mail_from_name: str = Field(default="Helpdesk", description="Sender name.")

    @field_validator("smtp_url")
    @classmethod
    def _is_a_relay(cls, url: SecretStr) -> SecretStr:
        Relay.from_url(url.get_secret_value())
        return url
