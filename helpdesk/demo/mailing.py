"""`helpdesk demo reply`: answer a mail as the person who got it would, from whatever mail program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from helpdesk.starting.typed import DATA

if TYPE_CHECKING:
    from email.message import EmailMessage

USUAL_CATCHER: Final = "http://127.0.0.1:8003"
USUAL_MAIL: Final = "smtp://127.0.0.1:8025"
PATIENCE_SECONDS: Final = 15
_RUNNING: Final = "Is `helpdesk up --demo` running? Name its folder with --data."


def reply(
    text: Annotated[str, typer.Argument(help="What is said.")],
    to: Annotated[str, typer.Option(help="Answer the newest mail to an address with this in it.")] = "",
    sender: Annotated[str | None, typer.Option("--from", help="Who answers.", show_default="whoever got the mail")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the `helpdesk up` that runs.")] = DATA,
) -> None:
    """Answer the newest mail in the mail catcher that can be answered: the token in its Reply-To brings it to its request.

    The answer says nothing else of the request, neither its reference nor the id of a mail.
    """
    from helpdesk.failing import told
    from helpdesk.starting.here import CATCHER, MAIL, addresses_of

    with told():
        addresses = addresses_of(data)
        got, reply_to = _newest(_first_word(addresses.get(CATCHER, USUAL_CATCHER)).rstrip("/"), to)
        message = _answer(sender or got["to"][0], reply_to, text)
        _hand_in(_first_word(addresses.get(MAIL, USUAL_MAIL)), message, reply_to)
    typer.echo(f"{message['From']} answered {got['subject']!r}\nto {reply_to}")


def _first_word(address: str) -> str:
    return address.split(maxsplit=1)[0]


def _newest(catcher: str, to: str) -> tuple[dict[str, Any], str]:
    """The mail as the catcher lists it, and its Reply-To. RefusedError when there is none, TransientError when nothing answers."""
    from email.utils import parseaddr

    import httpx

    from kit.errors import RefusedError, TransientError

    try:
        with httpx.Client(base_url=catcher, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            for listed in client.get("/api/messages", params={"to": to}).raise_for_status().json():
                headers = dict(client.get(f"/api/messages/{listed['id']}").raise_for_status().json()["headers"])
                reply_to = parseaddr(headers.get("Reply-To", ""))[1]
                if "+r." in reply_to:
                    return listed, reply_to
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise TransientError(f"{catcher} does not answer ({error}). {_RUNNING}") from error
    wanted = f" to an address with {to!r} in it" if to else ""
    raise RefusedError(f"There is no mail{wanted} that can be answered: ask something first, by the form or by mail.")


def _answer(sender: str, reply_to: str, text: str) -> "EmailMessage":
    from email.message import EmailMessage

    from kit.ids import new_id

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, reply_to, "Re:"
    message["Message-ID"] = f"<{new_id()}@demo.example>"
    message.set_content(text)
    return message


def _hand_in(door: str, message: "EmailMessage", reply_to: str) -> None:
    import smtplib

    from kit.errors import RefusedError, TransientError

    host, _, port = door.removeprefix("smtp://").rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=PATIENCE_SECONDS) as client:
            client.send_message(message, to_addrs=[reply_to])
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as refused:
        raise RefusedError(f"{door} does not take it: {refused}") from refused
    except OSError as error:
        raise TransientError(f"{door} does not answer ({error}). {_RUNNING}") from error
