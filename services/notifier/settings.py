"""The notifier's settings."""

from pydantic import Field, SecretStr

from kit.settings import ServiceSettings


class NotifierSettings(ServiceSettings):
    notifier_port: int = Field(default=8002, ge=0, le=65535, description="Port of the notifier's health and metrics.")
    smtp_url: SecretStr = Field(
        default=SecretStr("smtp://127.0.0.1:25"), description="Mail relay: `smtp://[user:pass@]host[:port][?starttls=1]` or `smtps://…`."
    )
    smtp_connections: int = Field(default=8, ge=1, le=100, description="Connections kept to the mail relay.")
    mail_from: str = Field(default="helpdesk@localhost.localdomain", description="Sender address; its domain also ends our message ids.")
    mail_from_name: str = Field(default="Helpdesk", description="Sender name.")
