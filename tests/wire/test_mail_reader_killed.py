"""A stored mail is read, filed and settled; the reader dies between every two of these steps, and the mail becomes one request."""

import asyncio
import smtplib
import time
from contextlib import suppress
from pathlib import Path

from kit.mongo import Document
from tests.support.intake_process import intake_process
from tests.support.mailroom import FOCAL, LAN, mail
from tests.support.servers import MongoServer

STATEMENT = b"%PDF-1.4 to khai"


def post(port: int) -> None:
    """As a mail server does: again while it is told to come later, until the connection breaks because ours dies."""
    message = mail()
    message.add_attachment(STATEMENT, maintype="application", subtype="pdf", filename="to-khai.pdf")
    for _ in range(400):
        with suppress(smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, ConnectionRefusedError):
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                    client.sendmail(LAN, [FOCAL], message.as_bytes())
            except smtplib.SMTPServerDisconnected:
                return
        time.sleep(0.1)


async def test_a_reader_that_dies_before_and_after_filing_makes_one_request_of_the_mail(mongo_server: MongoServer, tmp_path: Path) -> None:
    async with intake_process(mongo_server.uri, tmp_path) as intake:
        intake.start(crash_at="transaction.after_commit")
        await asyncio.to_thread(post, intake.mail_port)
        await intake.died()
        seen = [(await intake.tickets(), [row["state"] for row in await intake.rows()])]
        for point in ("transaction.before_commit", "transaction.after_commit"):
            intake.start(crash_at=point)
            await intake.died()
            seen.append((await intake.tickets(), [row["state"] for row in await intake.rows()]))
        assert seen == [(0, ["received"]), (0, ["received"]), (1, ["received"])]
        intake.start()
        [row] = await intake.read(1)
        assert (row["state"], row["as"], await intake.tickets()) == ("done", "request", 1)
        accepted: Document = await intake.database["submissions"].find_one({}) or {}
        assert await intake.database["files.files"].count_documents({"_id": {"$in": accepted["files"]}, "filename": "to-khai.pdf"}) == 1
