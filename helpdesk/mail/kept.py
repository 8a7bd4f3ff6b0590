"""`helpdesk mail kept|open`: mails that became nobody's request, why, and making a request of one after all."""

import getpass
import json
import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from helpdesk.mail.reaching import with_mails

if TYPE_CHECKING:
    from helpdesk.mail.stored import StoredMails

SHOWN: Final = 100


def kept(
    reason: Annotated[str | None, typer.Option(help="Only those that are kept for this reason.", metavar="NAME")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List mails that are nobody's request (automatic mail, reports, our own), the newest first, with the reason and the ticket if any."""

    async def work(mails: "StoredMails") -> None:
        from helpdesk.mail.envelope import kept_as_data, kept_line

        rows = await mails.kept(reason, limit)
        for row in rows:
            print(json.dumps(kept_as_data(row), ensure_ascii=False) if as_json else kept_line(row))
        if not as_json:
            print(_summary(len(rows), await mails.count_kept(reason), reason))

    with_mails(work)


def open_(
    mail_id: Annotated[str, typer.Argument(help="As `kept` shows it.", metavar="ID")],
) -> None:
    """Open a kept mail as a request after all. Done once, however often it is asked; the log of intake says who asked."""

    async def work(mails: "StoredMails") -> None:
        print(await mails.open(mail_id, by=_user()))

    with_mails(work)


def _user() -> str:
    """A container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _summary(shown: int, count: int, reason: str | None) -> str:
    if not count and reason:
        return f"No mail is kept for the reason {reason[:60]!r}; `helpdesk mail kept` lists those kept for any."
    if not count:
        return "No mail is kept: each became a request, or is on one."
    hidden = f", {count - shown:,} older ones with --limit" if count > shown else ""
    return f"{count:,} kept{hidden}; `helpdesk mail show ID`, and `helpdesk mail open ID` makes a request of one"
