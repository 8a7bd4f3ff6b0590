"""`helpdesk check` says which settings would let mail find its way better, where people write and not in a demonstration."""

import pytest
from pydantic import SecretStr

from helpdesk.checking.unproven import in_use, setting_warnings
from kit.mongo import Database
from kit.organisation import OrganisationStore
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from tests.component.helpdesk.test_mail_parked import OneDatabase
from tests.support.mailroom import open_mailroom
from tests.support.organisations import as_written, organisation
from tests.support.servers import MongoServer

NAMES = ["HELPDESK_PLUS_ADDRESSING", "HELPDESK_BOUNCE_ADDRESS", "HELPDESK_MAIL_AUTHSERV_ID"]
IMAP = "imaps://u:p@imap.customs.gov.vn/INBOX?mailbox=hongai@customs.gov.vn"


async def load_mailbox(database: Database, mailbox: str) -> None:
    groups = [{**group, "mailbox": mailbox if group["key"] == "focal" else None} for group in as_written()["groups"]]
    await OrganisationStore(database).save(organisation(groups=groups))


def settings(**values: str | bool) -> tuple[IntakeSettings, NotifierSettings]:
    intake = {name: value for name, value in values.items() if name in {"mail_authserv_id", "ses_topics"}}
    imap = SecretStr(str(values.get("imap_urls", "")))
    notifier = {name: value for name, value in values.items() if name in {"plus_addressing", "bounce_address", "mail_from"}}
    return IntakeSettings(imap_urls=imap, **intake), NotifierSettings(**notifier)  # type: ignore[arg-type]


CASES: list[tuple[dict[str, str | bool], list[str]]] = [
    ({}, NAMES),
    ({"plus_addressing": True}, NAMES[1:]),
    ({"bounce_address": "bounces@customs.gov.vn"}, [NAMES[0], NAMES[2]]),
    ({"mail_authserv_id": "mx.customs.gov.vn"}, NAMES[:2]),
    ({"imap_urls": f"{IMAP}&authserv=mx.customs.gov.vn"}, NAMES[:2]),
    ({"imap_urls": IMAP}, NAMES),
    ({"ses_topics": "arn:aws:sns:x"}, NAMES[:2]),
    ({"plus_addressing": True, "bounce_address": "bounces@customs.gov.vn", "mail_authserv_id": "mx.customs.gov.vn"}, []),
]


async def test_each_setting_that_is_lacking_is_named_where_people_write_and_none_in_a_demonstration(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri) as room:
        installation = OneDatabase(room.mongo, room.database.name)
        assert await setting_warnings(installation, *settings()) == []
        assert len(await setting_warnings(installation, *settings(mail_from="helpdesk@customs.gov.vn"))) == len(NAMES)
        await load_mailbox(room.database, "hongai@customs.gov.vn")
        for values, names in CASES:
            warnings = await setting_warnings(installation, *settings(**values))
            assert [warning.split()[0] for warning in warnings] == names, values


async def test_before_an_organisation_is_loaded_nothing_is_lacking(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, loaded=False) as room:
        found = await setting_warnings(OneDatabase(room.mongo, room.database.name), *settings(mail_from="helpdesk@customs.gov.vn"))
    assert found == []


@pytest.mark.parametrize(
    ("address", "used"),
    [
        ("helpdesk@customs.example", False),
        ("helpdesk@localhost.localdomain", False),
        ("a@sub.example.org", False),
        ("a@customs.gov.vn", True),
        ("a@notexample.org", True),
        ("a@myexample", True),
    ],
)
def test_only_reserved_names_are_nobody_s(address: str, used: bool) -> None:
    assert in_use([address]) is used
