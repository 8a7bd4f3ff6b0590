"""Intake's settings."""

from pydantic import Field, SecretStr

from kit.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    intake_port: int = Field(default=8000, ge=0, le=65535, description="Port of the form and the request API.")
    mail_port: int = Field(default=8025, ge=0, le=65535, description="Port of the mail receiver (SMTP); put a mail server in front of it.")
    mail_lmtp: bool = Field(default=False, description="Speak LMTP instead of SMTP on the mail port.")
    mail_hostname: str = Field(default="helpdesk.localhost", description="Name the mail receiver greets with.")
    mail_max_bytes: int = Field(default=25_000_000, gt=0, description="Largest mail accepted, in bytes.")
    mail_from: str | None = Field(default=None, description="Sender address of the notifier's mail; answers to it go to the focal point.")
    bounce_address: str | None = Field(
        default=None, description="Return path of the notifier's mail, without its token; the same for intake and notifier."
    )
    mail_authserv_id: str = Field(
        default="",
        description="Name of the mail server in front of the mail port in Authentication-Results (RFC 8601); several with commas.",
    )
    imap_urls: SecretStr = Field(
        default=SecretStr(""),
        description="IMAP folders to read, separated by commas: imaps://user:password@host/INBOX?mailbox=helpdesk@customs.example"
        " (&start=now, &ca=FILE, &authserv=NAME of your own server in Authentication-Results).",
    )
    mailgun_signing_key: SecretStr = Field(
        default=SecretStr(""), description="Mailgun's HTTP webhook signing key; several separated by commas while it is replaced."
    )
    postmark_credentials: SecretStr = Field(
        default=SecretStr(""), description="user:password that Postmark's inbound webhook URL holds (HTTP basic authentication)."
    )
    sendgrid_public_key: str = Field(default="", description="Public key of the security policy of SendGrid's Inbound Parse (base64).")
    sendgrid_credentials: SecretStr = Field(
        default=SecretStr(""), description="user:password that SendGrid's Inbound Parse URL holds, instead of a public key or besides."
    )
    ses_topics: str = Field(default="", description="ARNs of the Amazon SNS topics that SES publishes mail to, separated by commas.")
