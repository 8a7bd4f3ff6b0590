"""The return path of each mail."""

from kit.mail_tokens import SentDelivery, returned_delivery
from services.notifier.return_path import ReturnPaths

SECRET = "a-secret-of-this-installation"
TICKET, DELIVERY = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44", "54db9868-479f-52ea-9847-eea6ea0eee8e"
ANSWER = {"_id": DELIVERY, "ticket_id": TICKET, "template": "answer", "audience": "business"}
ACKNOWLEDGEMENT = {**ANSWER, "template": "acknowledgement"}
NOTICE = {**ANSWER, "template": "new_message", "audience": "staff"}
DIGEST = {**NOTICE, "template": "digest"}


def test_an_answer_comes_back_with_the_name_of_its_delivery() -> None:
    paths = ReturnPaths("helpdesk@customs.example", "bounces@customs.example", SECRET)
    path = paths.of(ANSWER)
    assert path.startswith("bounces+")
    assert returned_delivery([SECRET], [path]) == SentDelivery(TICKET, "54db9868479f")
    assert path == paths.of(ANSWER)


def test_an_acknowledgement_comes_back_to_nobody_unless_the_relay_wants_it_otherwise() -> None:
    assert ReturnPaths("h@customs.example", "b@customs.example", SECRET).of(ACKNOWLEDGEMENT) == ""
    assert ReturnPaths("h@customs.example", None, SECRET).of(ACKNOWLEDGEMENT) == ""
    assert ReturnPaths("h@customs.example", "b@customs.example", SECRET, null_for_automatic=False).of(ACKNOWLEDGEMENT).startswith("b+")
    assert ReturnPaths("h@customs.example", None, SECRET, null_for_automatic=False).of(ACKNOWLEDGEMENT) == "h@customs.example"


def test_without_an_address_for_bounces_they_go_to_the_sender() -> None:
    assert ReturnPaths("h@customs.example", None, SECRET).of(ANSWER) == "h@customs.example"


def test_a_mail_to_staff_comes_back_as_what_is_not_the_asker_s() -> None:
    path = ReturnPaths("h@customs.example", "b@customs.example", SECRET).of(NOTICE)
    assert returned_delivery([SECRET], [path]) == SentDelivery(TICKET, "54db9868479f", staff=True)


def test_a_digest_comes_back_as_what_is_about_other_tickets_too() -> None:
    path = ReturnPaths("h@customs.example", "b@customs.example", SECRET).of(DIGEST)
    assert returned_delivery([SECRET], [path]) == SentDelivery(TICKET, "54db9868479f", alone=False)


def test_a_digest_of_before_they_named_a_ticket_has_the_plain_address() -> None:
    assert ReturnPaths("h@customs.example", "b@customs.example", SECRET).of({**DIGEST, "ticket_id": "digest:lan"}) == "b@customs.example"
