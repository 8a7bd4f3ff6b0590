"""Intake's settings."""

from pydantic import Field

from kit.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    intake_port: int = Field(default=8000, ge=0, le=65535, description="Port of the form and the request API.")
    mail_port: int = Field(default=8025, ge=0, le=65535, description="Port of the mail receiver (SMTP); put a mail server in front of it.")
    mail_lmtp: bool = Field(default=False, description="Speak LMTP instead of SMTP on the mail port.")
    mail_hostname: str = Field(default="helpdesk.localhost", description="Name the mail receiver greets with.")
    mail_max_bytes: int = Field(default=25_000_000, gt=0, description="Largest mail accepted, in bytes.")
    mail_from: str | None = Field(default=None, description="Sender address of the notifier's mail; answers to it go to the focal point.")
