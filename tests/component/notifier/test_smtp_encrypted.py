"""Mail out over TLS, from a process that trusts the relay's certificate and from one that does not."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.certificates import self_signed

TWO_MAILS = """
import asyncio, sys
from services.notifier.relay import Relay
from services.notifier.smtp import Patience, SmtpPool

async def main() -> None:
    pool = SmtpPool(Relay.from_url(sys.argv[1]), patience=Patience(5, 5, 5), connections=1)
    for name in ("lan", "minh"):
        print(await pool.send("helpdesk@customs.example", f"{name}@halong.example", b"Subject: x\\r\\n\\r\\nbody\\r\\n"))
    await pool.close()

asyncio.run(main())
"""


class Sink:
    """Notes for each mail whether it came encrypted, and on which connection."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[str], bool, object]] = []

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's own)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert server.transport is not None
        self.seen.append((list(envelope.rcpt_tos), server.transport.get_extra_info("sslcontext") is not None, session.peer))
        return "250 2.0.0 queued"


@asynccontextmanager
async def relay(kind: str, sink: Sink, folder: Path) -> AsyncIterator[str]:
    """Its address."""
    certificate, key = self_signed(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if kind == "starttls" else {}
    server = await loop.create_server(lambda: SMTP(sink, loop=loop, **options), "127.0.0.1", 0, ssl=context if kind == "tls" else None)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"smtps://127.0.0.1:{port}" if kind == "tls" else f"smtp://127.0.0.1:{port}?starttls=1"
    finally:
        server.close()


async def outcomes(url: str, **trusting: str) -> list[str]:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", TWO_MAILS, url, stdout=-1, env=os.environ | trusting)
    said, _ = await asyncio.wait_for(child.communicate(), 30)
    return said.decode().splitlines()


@pytest.mark.parametrize("kind", ["tls", "starttls"])
async def test_two_mails_go_out_encrypted_on_one_connection(tmp_path: Path, kind: str) -> None:
    sink = Sink()
    async with relay(kind, sink, tmp_path) as url:
        assert await outcomes(url, SSL_CERT_FILE=str(tmp_path / "certificate.pem")) == ["Accepted(response='250 2.0.0 queued')"] * 2
    assert [(recipients, encrypted) for recipients, encrypted, _ in sink.seen] == [
        (["lan@halong.example"], True),
        (["minh@halong.example"], True),
    ]
    assert len({peer for _, _, peer in sink.seen}) == 1


@pytest.mark.parametrize("kind", ["tls", "starttls"])
async def test_a_relay_whose_certificate_nobody_vouches_for_gets_no_mail(tmp_path: Path, kind: str) -> None:
    sink = Sink()
    async with relay(kind, sink, tmp_path) as url:
        first, second = await outcomes(url)
    assert first.startswith("RelayTrouble(reason='connecting: ")
    assert second.startswith("RelayTrouble(reason='connecting: ")
    assert sink.seen == []
