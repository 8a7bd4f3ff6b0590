"""`helpdesk demo`: be the other side for a moment, to try things out."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from helpdesk.demo.mailing import reply
from helpdesk.starting.typed import DATA

demo = typer.Typer(help="Try things out on a running `helpdesk up --demo`.", no_args_is_help=True)

USUAL_INTAKE: Final = "http://127.0.0.1:8000"
PATIENCE_SECONDS: Final = 15


demo.command("reply")(reply)


@demo.command("chat")
def chat(  # noqa: PLR0913, PLR0917 (each is one option)
    text: Annotated[str, typer.Argument(help="What is said.")],
    name: Annotated[str, typer.Option("--from", help="Who says it.")] = "Lan",
    account: Annotated[str, typer.Option(help="Chat account of the organisation.")] = "demo",
    conversation: Annotated[str, typer.Option(help="Which conversation it belongs to; another one opens another request.")] = "demo-room",
    secret: Annotated[
        str | None, typer.Option(envvar="HELPDESK_CHAT_SECRET", help="Of the account.", show_default="that of the demo's account")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where intake answers.", show_default="that of what runs on --data")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the `helpdesk up` that runs.")] = DATA,
) -> None:
    """Say something in a chat, as a chat platform's bridge would: signed (Standard Webhooks) and posted to the account's address."""
    import orjson

    from helpdesk.failing import told
    from helpdesk.starting.here import CATCHER, addresses_of

    with told():
        said = {"conversation": conversation, "text": text, "name": name}
        answer = _posted(_address(data, url, account), _secret(account, secret), orjson.dumps(said))
    typer.echo(f"{answer['reference']}  {answer['status_url']}")
    seen = "on that page and on the mail catcher's, under Chat" if CATCHER in addresses_of(data) else "on that page"
    typer.echo(f"Answers appear {seen}.")


def _address(data: Path, url: str | None, account: str) -> str:
    from helpdesk.starting.here import CHAT, addresses_of

    if url is None:
        url = addresses_of(data).get(CHAT, USUAL_INTAKE).partition("/hooks/")[0]
    return f"{url.rstrip('/')}/hooks/chat/{account}"


def _secret(account: str, given: str | None) -> str:
    from helpdesk.starting.demo import chat_secrets
    from kit.errors import RefusedError

    known = {} if given else chat_secrets()
    if not given and account not in known:
        raise RefusedError(f"The demo has no chat account {account!r}. Give the account's secret with --secret.")
    return given or known[account][0]


def _posted(address: str, secret: str, body: bytes) -> dict[str, Any]:
    """What intake said. RefusedError with its sentence, TransientError when it does not answer."""
    from datetime import UTC, datetime

    import httpx

    from kit.errors import RefusedError, TransientError
    from kit.ids import new_id
    from kit.webhooks import signed_headers

    signed = signed_headers(secret, new_id(), datetime.now(UTC), body)
    headers = {"Content-Type": "application/json", "Accept-Language": "en", **signed}
    try:
        answer = httpx.post(address, content=body, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)
        told: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise TransientError(
            f"{address} does not answer ({error}). Is `helpdesk up --demo` running? Name its folder with --data, or its address with --url."
        ) from error
    if not answer.is_success:
        named = [f"{error['field']}: {error['message']}" for error in told.get("errors", [])]
        raise RefusedError("; ".join(named) or str(told.get("detail", answer.status_code)))
    return told
