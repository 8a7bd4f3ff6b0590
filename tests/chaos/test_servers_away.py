"""Promises 1 and 4: Kafka, its disk, MongoDB and the mail server go away and come back; nobody starts the services again."""

import asyncio
import secrets
import time

import aiosmtplib
import httpx
import pytest

from kit.ids import new_id
from schemas import topics
from tests.chaos.conftest import ROUNDS
from tests.chaos.evidence import assert_promises_kept, behind, partitions, picture, quiet
from tests.chaos.load import Businesses
from tests.support.installation import Accepted, Installation, request
from tests.support.waiting import wait_until

OUTAGE_SECONDS = 30 if ROUNDS else 8
AWAY_SECONDS = 25
"""Within which a business must hear that nothing was accepted."""


def pids(installation: Installation, *services: str) -> list[int]:
    """Of the processes that run: the same ones afterwards, and nobody had to start anything again."""
    return [installation.children[service].pid for service in services or topics.SERVICES if installation.children[service].alive]


async def accept_at_once(businesses: Businesses, count: int) -> list[Accepted]:
    """Requests of which not one may be put off."""

    async def one() -> Accepted:
        email = f"b{secrets.token_hex(5)}@doanhnghiep.example"
        businesses.asked[email] = await businesses.installation.ask(email=email)
        return businesses.asked[email]

    return [accepted for _ in range(0, count, 10) for accepted in await asyncio.gather(*(one() for _ in range(10)))]


async def test_100_requests_while_kafka_is_away_are_accepted_and_become_tickets(installation: Installation) -> None:
    """Also by an intake that is started while it is away."""
    businesses, before = Businesses(installation), pids(installation, "routing", "notifier")
    await installation.kafka.kill()
    began = time.monotonic()
    await accept_at_once(businesses, 100)
    await installation.kill9("intake")
    installation.start("intake")
    await businesses.one_asks()
    await businesses.one_writes()
    ids = [accepted.ticket_id for accepted in businesses.asked.values()]
    assert await installation.database("routing")["tickets"].count_documents({"_id": {"$in": ids}}) == 0
    await asyncio.sleep(max(0.0, began + OUTAGE_SECONDS - time.monotonic()))
    await installation.kafka.start()
    await assert_promises_kept(installation, businesses)
    assert pids(installation, "routing", "notifier") == before


async def test_after_the_brokers_disk_was_wiped_nothing_is_lost_and_nothing_happens_twice(installation: Installation) -> None:
    handled, unread, unpublished, later = (Businesses(installation) for _ in range(4))
    await handled.ask(20)
    await installation.tickets(handled.asked.values())
    await quiet(installation)
    before, lives = await picture(installation), pids(installation, "intake", "notifier")

    await installation.stop("routing")
    await unread.ask(10)  # in Kafka, read by nobody
    await wait_until(lambda: published(installation), "intake has published all")
    await installation.kafka.kill()
    await unpublished.ask(10)
    installation.kafka.wipe()
    await installation.kafka.start()
    installation.start("routing")

    await later.ask(10)
    everything = Businesses(installation, handled.asked | unread.asked | unpublished.asked | later.asked)
    await assert_promises_kept(installation, everything)
    after = await picture(installation, before["tickets"])
    assert after["tickets"] == before["tickets"]
    assert {len(installation.sink.to(email)) for email in everything.asked} == {1}
    assert {part.topic for part in await partitions(installation, *topics.WRITER)} == set(topics.WRITER)
    assert pids(installation, "intake", "notifier") == lives
    await installation.ready()


async def published(installation: Installation) -> bool:
    return await installation.database("intake")["owed"].count_documents({}) == 0


async def test_while_mongodb_is_away_nothing_is_accepted_in_time_and_afterwards_all_is_well_again(installation: Installation) -> None:
    businesses, before = Businesses(installation), pids(installation)
    await businesses.ask(10)
    await installation.mongo.kill()
    try:
        began = time.monotonic()
        answers = await asyncio.gather(*(installation.post(request()) for _ in range(5)), form(installation))
        assert time.monotonic() - began < AWAY_SECONDS
        assert [answer.status_code for answer in answers] == [503] * len(answers)
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await installation.mail("a@doanhnghiep.example", "Xin chào.")
        assert refused.value.code == 451  # nothing a mail server would give up for
        for service in topics.SERVICES:
            assert any("MongoDB" in item for item in await installation.missing(service)), service
    finally:
        await installation.mongo.start()
    await installation.ready()
    await businesses.ask(10)
    await assert_promises_kept(installation, businesses)
    assert pids(installation) == before


async def form(installation: Installation) -> httpx.Response:
    """The form as a browser sends it."""
    typed = {"submission_id": new_id(), "language": "vi", "topic": "tax", "text": "x", "business.name": "B", "contact.email": "a@b.example"}
    return await installation.http.post(f"{installation.address('intake')}/", data=typed, files={"attachments": ("", b"")})


async def test_while_the_mail_server_is_away_mails_wait_and_then_each_arrives_once(installation: Installation) -> None:
    businesses = Businesses(installation)
    await installation.sink.off()
    await businesses.ask(10)
    await installation.tickets(businesses.asked.values())
    await wait_until(lambda: behind_is_empty(installation), "every delivery is planned")
    await installation.restart("notifier")
    await asyncio.sleep(3)
    assert await installation.database("notifier")["deliveries"].count_documents({"state": "pending"}) >= 10
    await installation.sink.on()
    await assert_promises_kept(installation, businesses)
    assert {len(installation.sink.to(email)) for email in businesses.asked} == {1}


async def behind_is_empty(installation: Installation) -> bool:
    return not await behind(installation)
