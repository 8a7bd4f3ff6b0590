"""Deadlines missed while nobody is at work: recorded at once, told in one mail when work begins, without what was done by then."""

from datetime import timedelta

from schemas.tickets import DeadlineMissed, ticket_events
from tests.support.installation import Accepted, Installation, Row
from tests.support.mail_sink import Mail
from tests.support.waiting import wait_until

LEAD, SUPERVISOR = "dat@customs.example", "long@customs.example"


async def waiting(installation: Installation, asked: list[Accepted]) -> list[Row]:
    query = {"ticket_id": {"$in": [one.ticket_id for one in asked]}, "state": "gathering"}
    return await installation.database("notifier")["deliveries"].find(query).to_list()


async def test_what_is_missed_while_nobody_is_there_is_one_mail_for_each_when_they_come(installation: Installation) -> None:
    asked = [await installation.ask(unit="binh-duong-seaport", topic="procedure", email=f"dem{n}@doanhnghiep.example") for n in range(3)]

    async def gathered() -> list[Row]:
        rows = await waiting(installation, asked)
        return rows if len(rows) == 9 else []  # each: a warning to the lead, the miss to the lead and the supervisor

    rows = await wait_until(gathered, "warnings and misses wait for the morning")
    journal = installation.database("routing")["journal"].find(
        {"stream": {"$in": [one.ticket_id for one in asked]}, "type": "deadline_missed"}
    )
    misses = [event async for row in journal if isinstance(event := ticket_events.validate_json(row["body"]), DeadlineMissed)]
    assert len(misses) == 3
    assert all(miss.late_by < timedelta(seconds=5) for miss in misses), "recorded when they happened"
    assert {row["next_at"] for row in rows} == {miss.tell_at for miss in misses}
    assert alarms(installation, LEAD) == []
    assert len(installation.sink.to(LEAD)) == 3, "new work is told at once"

    done = asked[0]
    await installation.officer("dat").do("resolve", done.reference, text="Đã giải quyết trong đêm.")
    await wait_until(lambda: dropped(installation, done), "what is done is not told any more")

    # Monday, 08:00.
    deliveries = installation.database("notifier")["deliveries"]
    now = (await installation.database("notifier").command("hello"))["localTime"]
    await deliveries.update_many({"state": "gathering"}, {"$set": {"next_at": now}})
    await wait_until(lambda: alarms(installation, LEAD) and alarms(installation, SUPERVISOR), "both have their mail")
    for recipient in (LEAD, SUPERVISOR):
        [mail] = alarms(installation, recipient)
        assert mail.subject == "2 thời hạn cần chú ý: 2 quá hạn"
        assert [one.reference in mail.text for one in asked] == [False, True, True]

    async def told() -> bool:
        rows = await deliveries.find({"ticket_id": {"$in": [one.ticket_id for one in asked[1:]]}, "template": "deadline_missed"}).to_list()
        return [row["state"] for row in rows] == ["delivered"] * 4

    await wait_until(told, "each miss is marked as told")


def alarms(installation: Installation, recipient: str) -> list[Mail]:
    return [mail for mail in installation.sink.to(recipient) if "Yêu cầu mới" not in mail.subject]


async def dropped(installation: Installation, asked: Accepted) -> bool:
    rows = await waiting(installation, [asked])
    return not rows
