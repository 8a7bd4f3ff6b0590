"""What officers see of a mail: how far its writer is proven, and which tickets belong together."""

from schemas.requests import DeliveryBounced
from tests.component.routing.conftest import Routing


async def test_how_far_the_writer_is_proven_stands_with_each_message(routing: Routing) -> None:
    ticket = await routing.open(trust="pass")
    await routing.says(ticket, trust="none", verified=False, author_name="Mai (chưa xác minh)")
    first, second = (await routing.get(f"/tickets/{ticket}")).body["messages"]
    assert (first["trust"], first["verified"]) == ("pass", None)
    assert (second["trust"], second["verified"]) == ("none", False)


async def test_tickets_of_one_mail_to_two_groups_name_each_other(routing: Routing) -> None:
    first = await routing.open(reference="HD-234-567-89A")
    second = await routing.open(linked_to="HD-234-567-89A")
    other = (await routing.get(f"/tickets/{second}")).body
    assert (other["linked"], other["ticket"]["linked_to"]) == (["HD-234-567-89A"], "HD-234-567-89A")
    one = (await routing.get(f"/tickets/{first}")).body
    assert (one["linked"], one["ticket"]["linked_to"]) == ([other["ticket"]["reference"]], None)
    assert (await routing.get(f"/tickets/{await routing.open()}")).body["linked"] == []


async def test_what_a_mail_server_reports_is_left_to_the_notifier(routing: Routing) -> None:
    ticket = await routing.open()
    report = DeliveryBounced(
        id="report",
        source="helpdesk/intake",
        occurred_at=routing.clock.at,
        ticket_id=ticket,
        delivery="0" * 12,
        hard=True,
        status="5.1.1",
        diagnostic="no such user",
        received_at=routing.clock.at,
    )
    await routing.handlers.on_requests([report])
    assert await routing.journal(ticket) == ["ticket_opened"]
    await routing.bounced(ticket, None, reason="bounced (hard): no such user", bounced="hard")
    assert await routing.journal(ticket) == ["ticket_opened", "delivery_troubled"]


async def test_the_officer_sees_with_the_message_where_it_was_to_go_how_it_failed_and_whether_the_address_is_still_used(
    routing: Routing,
) -> None:
    ticket = await routing.open()
    put_off = {"reason": "put off for 72 h", "address": "lan@halong.example", "suppressed": False}
    await routing.bounced(ticket, None, template="acknowledgement", **put_off)
    said = (await routing.act(ticket, "reply", {"text": "Đã rõ."})).body["messages"][-1]
    assert said["returned"] is None
    routing.clock.advance(minutes=3)
    came_back = {"address": "lan@halong.example", "bounced": "hard", "suppressed": True, "reason": "bounced (hard): 550 5.1.1"}
    await routing.bounced(ticket, said["id"], **came_back)
    shown = (await routing.get(f"/tickets/{ticket}")).body
    acknowledgement, answer = shown["returned"]
    at = routing.clock.at.isoformat().replace("+00:00", "Z")
    assert answer == {"message_id": said["id"], "template": "answer", "at": at, **came_back}
    assert (acknowledgement["message_id"], acknowledgement["bounced"], acknowledgement["suppressed"]) == (None, None, False)
    assert [message["returned"] for message in shown["messages"]] == [None, answer]
