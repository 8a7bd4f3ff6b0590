"""A recipient domain that says it is too much, with a real sender."""

from schemas.values import Contact
from tests.component.notifier.conftest import Office, answer, settle
from tests.unit.notifier.examples import ticket


async def test_when_three_recipients_of_a_domain_are_put_off_the_rest_of_the_domain_is_not_tried_and_others_are(office: Office) -> None:
    for name in "abc":
        office.box.rcpt[f"{name}@big.example"] = "421 4.7.28 unusual rate of mail"
        await office.plan(
            answer(f"01935b8e-7c00-7000-8000-{ord(name):012d}", 1, ticket=ticket(contact=Contact(email=f"{name}@big.example")))
        )
    sender = await office.alone()
    await settle(sender)
    for number, email in ((500, "d@big.example"), (501, "e@small.example")):
        await office.plan(answer(f"01935b8e-7c00-7000-8000-{number:012d}", 1, ticket=ticket(contact=Contact(email=email))))
    await settle(sender)
    (resting,) = await office.rows(address="d@big.example")
    assert (resting["state"], resting["attempts"]) == ("pending", 0)
    assert office.box.recipients == ["e@small.example"]


async def test_a_domain_has_no_more_mails_under_way_than_it_is_allowed(office: Office) -> None:
    for number in range(4):
        await office.plan(
            answer(f"01935b8e-7c00-7000-8000-{number:012d}", 1, ticket=ticket(contact=Contact(email=f"{number}@big.example")))
        )
    slots = office.slots("alone")
    await slots.renew()
    sender = office.sender(slots, at_once=1)
    await sender.step()
    assert sender.under_way == 1
