"""`helpdesk mail parked|show|retry`: what could not be read, why, what it looks like, and reading it again."""

import json
from typing import TYPE_CHECKING, Annotated, Final

import typer

from helpdesk.mail.reaching import with_mails

if TYPE_CHECKING:
    from helpdesk.mail.stored import StoredMails

SHOWN: Final = 100

Ids = Annotated[list[str] | None, typer.Argument(help="Ids as `parked` shows them.", metavar="ID", show_default=False)]


def parked(
    everything: Annotated[bool, typer.Option("--all", help=f"All of them, not only the newest {SHOWN}.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List mails that could not be read, the newest first, with the request that stands for each."""

    async def work(mails: "StoredMails") -> None:
        from helpdesk.mail.envelope import as_data, line

        rows = await mails.parked(None if everything else SHOWN)
        for row in rows:
            print(json.dumps(as_data(row), ensure_ascii=False) if as_json else line(row))
        if not as_json:
            print(_summary(len(rows), await mails.count_parked()))

    with_mails(work)


def show(
    mail_id: Annotated[str, typer.Argument(help="As `parked`, the log and the request itself name it.", metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the mail as it came, byte for byte, to standard output.")] = False,
) -> None:
    """Show a stored mail: its envelope, its header and its first lines. What a terminal would obey is written out."""

    async def work(mails: "StoredMails") -> None:
        from helpdesk.mail.envelope import full

        row = await mails.one(mail_id)
        content = await mails.content(row)
        if raw:
            typer.get_binary_stream("stdout").write(content)
        else:
            print("\n".join(full(row, content)))

    with_mails(work)


def retry(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    reason: Annotated[str | None, typer.Option(help="All that are parked for this reason.", metavar="NAME")] = None,
) -> None:
    """Have parked mails read again, after whatever kept them from being read was repaired. They go on the requests that stand for them."""

    async def work(mails: "StoredMails") -> None:
        from kit.errors import RefusedError

        if sum((bool(ids), everything, reason is not None)) != 1:
            raise RefusedError("Name mails, or give --all, or --reason NAME: one of the three.")
        count = await mails.retry(ids or None, reason)
        print(f"{count:,} mail{'' if count == 1 else 's'} will be read again; `helpdesk mail parked` shows what still could not be.")

    with_mails(work)


def _summary(shown: int, count: int) -> str:
    if not count:
        return "No mail is parked: every mail that was read was understood."
    hidden = f", {count - shown:,} older ones with --all" if count > shown else ""
    return f"{count:,} parked{hidden}; `helpdesk mail show ID`, and `helpdesk mail retry ID` after a repair"
