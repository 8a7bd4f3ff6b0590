"""Mail that providers post: only what is really theirs is stored, once, as it came; and nothing is answered 200 before."""

import base64
import hashlib
import hmac
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from kit.errors import TransientError
from kit.log import get_logger
from kit.mongo import Document
from kit.room import Room
from kit.service import Service
from services.intake.app import build_web
from services.intake.desk import Desk
from services.intake.mail.providers.mailgun import Mailgun
from services.intake.mail.providers.posted import Provider
from services.intake.mail.providers.postmark import Postmark
from services.intake.mail.providers.routes import MailHooks, Name, mail_hook_routes
from services.intake.mail.providers.sendgrid import SIGNATURE, TIMESTAMP, SendGrid
from services.intake.mail.providers.ses import Ses
from services.intake.mail.providers.sns import is_amazons, string_to_sign
from services.intake.mail.wiring import current_mailboxes
from services.intake.status import Conversations, Links
from services.intake.storing import FileStore
from tests.support.mailroom import FOCAL, HON_GAI, SECRET, Mailroom, open_mailroom
from tests.support.servers import MongoServer

RAW = "Subject: Xin chào\r\nFrom: Lan <lan@anbinh.example>\r\n\r\n".encode() + bytes(range(1, 256)) + b"\r\n.\r\n"
CLEAN = "Return-Path: <lan@anbinh.example>\r\nSubject: Xin chào\r\nFrom: lan@anbinh.example\r\n\r\nXin.\r\n".encode()
KEY, CREDENTIALS = "a-signing-key-of-mailgun", "customs:a-long:password"
TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:helpdesk-mail"
CERTIFICATE_URL = "https://sns.ap-southeast-1.amazonaws.com/SimpleNotificationService-1.pem"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
LIMIT = 200_000
NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


def certificate(valid_for: timedelta = timedelta(days=30)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = NOW
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(RSA_KEY.public_key()).serial_number(1)
    made = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + valid_for).sign(RSA_KEY, SHA256())
    return made.public_bytes(Encoding.PEM)


class Amazon:
    """Answers what is fetched from SNS."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.certificate = certificate()

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.away:
            raise TransientError("Amazon SNS could not be asked")
        return self.certificate


@dataclass
class Hooks:
    """The web part with the providers' doors."""

    room: Mailroom
    http: httpx.AsyncClient
    amazon: Amazon

    async def post(self, path: str, **request: Any) -> httpx.Response:
        return await self.http.post(f"/hooks/mail/{path}", **request)

    async def rows(self) -> list[Document]:
        return await self.room.rows()

    async def contents(self) -> list[bytes]:
        return [await self.room.arrivals.content(row) for row in await self.rows()]


def providers(amazon: Amazon) -> dict[Name, Provider]:
    public = base64.b64encode(EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return {
        "mailgun": Mailgun(["an-older-key", KEY]),
        "postmark": Postmark(CREDENTIALS),
        "sendgrid": SendGrid(public, ""),
        "ses": Ses([TOPIC], get_logger("test"), amazon),
    }


def web(room: Mailroom, known: Mapping[Name, Provider]) -> httpx.AsyncClient:
    desk = Desk(
        room.acceptance,
        FileStore(room.database),
        room.organisation,
        Conversations(room.database),
        Links("https://h.example", [SECRET]),
        lambda: NOW,
        Room(40_000_000),
    )
    hooks = MailHooks(desk, room.arrivals, current_mailboxes(room.organisation, None), known, LIMIT, room.refused)
    app = build_web(Service("intake", get_logger("test")), desk, mail_hook_routes(hooks, get_logger("test")))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="https://h.example")


@pytest.fixture(name="room", scope="module")
async def _room(mongo_server: MongoServer) -> AsyncIterator[Mailroom]:
    async with open_mailroom(mongo_server.uri) as room:
        yield room


@pytest.fixture(name="hooks")
async def _hooks(room: Mailroom) -> AsyncIterator[Hooks]:
    """On an empty database."""
    for name in ("mails", "mail_keys", "submissions"):
        await room.database[name].delete_many({})
    amazon = Amazon()
    async with web(room, providers(amazon)) as http:
        yield Hooks(room, http, amazon)


def mailgun(raw: bytes = RAW, *, key: str = KEY, at: datetime | None = None, token: str | None = None) -> dict[str, Any]:
    stamp, token = str(int((at or NOW).timestamp())), token or secrets.token_hex(25)
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    named = {"recipient": "focal+token@customs.example", "sender": "lan@anbinh.example", "timestamp": stamp, "token": token}
    fields = [(name, (None, value.encode())) for name, value in (named | {"signature": signature}).items()]
    return {"files": [*fields, ("body-mime", (None, raw))]}


def sendgrid(
    raw: bytes = RAW, *, at: datetime | None = None, spoil: bytes = b"", to: Sequence[str] = ("hongai@customs.example",)
) -> dict[str, Any]:
    envelope = json.dumps({"to": list(to), "from": "lan@anbinh.example"}).encode()
    files = [("envelope", (None, envelope)), ("email", (None, raw))]
    request = httpx.Request("POST", "https://h.example", files=files)
    body, stamp = request.read(), str(int((at or NOW).timestamp()))
    signature = base64.b64encode(EC_KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {"content-type": request.headers["content-type"], SIGNATURE: signature, TIMESTAMP: stamp}
    return {"content": body + spoil, "headers": headers}


def postmark(raw: bytes = CLEAN, credentials: str = CREDENTIALS, **more: Any) -> dict[str, Any]:
    user, _, password = credentials.partition(":")
    return {"json": {"RawEmail": raw.decode(), "OriginalRecipient": FOCAL, "MessageID": "x"} | more, "auth": (user, password)}


def signed(message: dict[str, Any], version: str = "2") -> dict[str, Any]:
    to_sign = string_to_sign(message)
    assert to_sign is not None
    signature = RSA_KEY.sign(to_sign, PKCS1v15(), SHA256() if version == "2" else SHA1())  # noqa: S303 (what SNS signs with unless told otherwise)
    return message | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode(), "SigningCertURL": CERTIFICATE_URL}


def notification(content: str | None, encoding: str = "BASE64", to: Sequence[str] = (FOCAL,), **more: Any) -> dict[str, Any]:
    mail = {"messageId": "m1", "source": "lan@anbinh.example", "headers": [{"name": "Subject", "value": "Xin\r\nBcc: x"}]}
    action = {"type": "SNS", "encoding": encoding, "bucketName": "b", "objectKey": "k"}
    received = {"notificationType": "Received", "mail": mail, "receipt": {"recipients": list(to), "action": action}}
    message = json.dumps(received | ({"content": content} if content is not None else {}))
    return {"Type": "Notification", "MessageId": "n1", "TopicArn": TOPIC, "Message": message, "Timestamp": "2026-01-01T00:00:00Z"} | more


def ses(message: dict[str, Any]) -> dict[str, Any]:
    return {"content": json.dumps(message).encode(), "headers": {"content-type": "text/plain; charset=UTF-8"}}


async def test_mailgun_s_mail_is_stored_byte_for_byte_with_its_envelope_and_read(hooks: Hooks) -> None:
    answer = await hooks.post("mailgun/focal/mime", **mailgun())
    await hooks.room.read()
    (row,) = await hooks.rows()
    assert (answer.status_code, answer.json()) == (200, {"mail": row["mail"]})
    assert await hooks.contents() == [RAW]
    assert row["envelope"]["from"] == "lan@anbinh.example"
    assert row["envelope"]["to"] == ["focal+token@customs.example"]
    assert (row["door"], row["mailbox"], row["state"], row["as"]) == ("mailgun", FOCAL, "done", "request")


async def test_mailgun_s_form_without_files_is_the_same_mail(hooks: Hooks) -> None:
    fields = {name: value for name, (_, value) in mailgun()["files"]}
    form = {"content": urlencode(fields).encode(), "headers": {"content-type": "application/x-www-form-urlencoded"}}
    answer = await hooks.post("mailgun/focal", **form)
    assert (answer.status_code, await hooks.contents()) == (200, [RAW])


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (mailgun(key="a-stranger-s-key"), "doesn't match"),
        (mailgun(at=datetime(2020, 1, 1, tzinfo=UTC)), "our clock"),
        ({"data": {"body-mime": "Subject: x"}}, "must be there"),
        ({"content": b"\xff\xfe"}, "must be there"),
    ],
)
async def test_what_mailgun_did_not_sign_just_now_is_refused(hooks: Hooks, request_: dict[str, Any], sentence: str) -> None:
    answer = await hooks.post("mailgun/focal/mime", **request_)
    assert (answer.status_code, await hooks.rows()) == (401, [])
    assert sentence in answer.json()["detail"]


async def test_a_token_of_mailgun_s_is_good_for_one_mail_and_repeating_that_is_harmless(hooks: Hooks) -> None:
    post = mailgun(token="the-same-token")
    answers = [await hooks.post("mailgun/focal/mime", **post) for _ in range(2)]
    other = await hooks.post("mailgun/focal/mime", **mailgun(b"Subject: forged\r\n\r\nx", token="the-same-token"))
    assert [answer.json() for answer in answers] == [answers[0].json()] * 2
    assert (other.status_code, len(await hooks.rows())) == (403, 1)


async def test_sendgrid_s_signature_covers_the_whole_body(hooks: Hooks) -> None:
    taken = await hooks.post("sendgrid/hon-gai", **sendgrid())
    spoilt = await hooks.post("sendgrid/hon-gai", **sendgrid(b"Subject: 2\r\n\r\n", spoil=b" "))
    old = await hooks.post("sendgrid/hon-gai", **sendgrid(b"Subject: 3\r\n\r\n", at=datetime(2020, 1, 1, tzinfo=UTC)))
    unsigned = await hooks.post("sendgrid/hon-gai", files={"email": (None, RAW)})
    (row,) = await hooks.rows()
    assert [answer.status_code for answer in (taken, spoilt, old, unsigned)] == [200, 401, 401, 401]
    assert await hooks.contents() == [RAW]
    assert (row["mailbox"], row["envelope"]["to"]) == (HON_GAI.lower(), ["hongai@customs.example"])


PARSED = "anything@parse.provider.example"


def ses_to(to: Sequence[str]) -> dict[str, Any]:
    return ses(signed(notification(base64.b64encode(RAW).decode(), to=to)))


@pytest.mark.parametrize("post", [("sendgrid", lambda to: sendgrid(to=to)), ("ses", ses_to)], ids=["sendgrid", "ses"])
@pytest.mark.parametrize(
    ("to", "groups"),
    [
        ((FOCAL, HON_GAI), ["focal", "hon-gai"]),
        ((HON_GAI, "postmaster@customs.example", FOCAL.upper()), ["focal", "hon-gai"]),
        ((HON_GAI, PARSED), ["focal", "hon-gai"]),
        ((HON_GAI,), ["hon-gai"]),
        ((PARSED,), ["focal"]),
        ((), ["focal"]),
    ],
)
async def test_one_post_for_several_departments_becomes_a_request_in_each(
    hooks: Hooks, post: tuple[str, Callable[[Sequence[str]], dict[str, Any]]], to: Sequence[str], groups: list[str]
) -> None:
    name, made = post
    for _ in range(2):
        assert (await hooks.post(f"{name}/focal", **made(to))).status_code == 200
    await hooks.room.read()
    assert sorted((row["group"], row["as"]) for row in await hooks.rows()) == [(group, "request") for group in groups]


async def test_a_mail_posted_for_each_of_its_departments_is_one_request_in_each(hooks: Hooks) -> None:
    for key in ("focal", "hon-gai"):
        assert (await hooks.post(f"ses/{key}", **ses_to((FOCAL, HON_GAI)))).status_code == 200
    for to in (FOCAL, HON_GAI):
        assert (await hooks.post("sendgrid/focal", **sendgrid(to=(to,)))).status_code == 200
    await hooks.room.read()
    became = Counter((row["group"], row["as"]) for row in await hooks.rows())
    assert became == {(group, kind): 1 for group in ("focal", "hon-gai") for kind in ("request", "duplicate")}


async def test_postmark_has_to_know_user_and_password(hooks: Hooks) -> None:
    taken = await hooks.post("postmark/focal", **postmark())
    refused = [await hooks.post("postmark/focal", **each) for each in (postmark(credentials="customs:wrong"), {"json": {"RawEmail": "x"}})]
    (row,) = await hooks.rows()
    assert [answer.status_code for answer in (taken, *refused)] == [200, 401, 401]  # never 403, on which Postmark gives up
    assert (await hooks.contents(), row["envelope"]["from"]) == ([CLEAN], "lan@anbinh.example")


@pytest.mark.parametrize("version", ["1", "2"])
async def test_ses_s_mail_comes_in_a_signed_notification_of_our_topic(hooks: Hooks, version: str) -> None:
    message = signed(notification(base64.b64encode(RAW).decode()), version)
    answers = [await hooks.post("ses/focal", **ses(message)) for _ in range(2)]
    (row,) = await hooks.rows()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await hooks.contents() == [RAW]
    assert row["envelope"]["from"] == "lan@anbinh.example"
    assert hooks.amazon.asked == [CERTIFICATE_URL]  # once


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Message": "{}"},
        {"TopicArn": TOPIC + "x"},
        {"SignatureVersion": "3"},
        {"Signature": "no base64!"},
        {"SigningCertURL": "https://sns.ap-southeast-1.amazonaws.com.evil.example/a.pem"},
        {"SigningCertURL": "http://sns.ap-southeast-1.amazonaws.com/a.pem"},
        {"Type": "Invented"},
        {"Subject": "added"},
    ],
)
async def test_what_sns_did_not_sign_like_that_is_refused_and_nothing_strange_is_fetched(hooks: Hooks, spoilt: dict[str, str]) -> None:
    answer = await hooks.post("ses/focal", **ses(signed(notification("eA==")) | spoilt))
    assert (answer.status_code, await hooks.rows()) == (401, [])
    assert set(hooks.amazon.asked) <= {CERTIFICATE_URL}


async def test_a_certificate_that_has_run_out_is_not_believed(hooks: Hooks) -> None:
    hooks.amazon.certificate = certificate(timedelta(days=-1))
    answer = await hooks.post("ses/focal", **ses(signed(notification("eA=="))))
    assert answer.status_code == 401


async def test_while_the_certificate_cannot_be_had_sns_is_asked_to_come_again(hooks: Hooks) -> None:
    hooks.amazon.away = True
    message = signed(notification(base64.b64encode(RAW).decode()))
    first = await hooks.post("ses/focal", **ses(message))
    hooks.amazon.away = False
    again = await hooks.post("ses/focal", **ses(message))
    assert (first.status_code, again.status_code, len(await hooks.rows())) == (503, 200, 1)


@pytest.mark.parametrize(
    ("url", "status", "asked"),
    [
        ("https://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&Token=t", 200, True),
        ("https://169.254.169.254/latest/meta-data", 401, False),
    ],
)
async def test_a_subscription_to_our_topic_is_confirmed_at_amazon_and_nowhere_else(
    hooks: Hooks, url: str, status: int, asked: bool
) -> None:
    message = {"Type": "SubscriptionConfirmation", "MessageId": "1", "Token": "t", "TopicArn": TOPIC, "Message": "m", "Timestamp": "2026"}
    answer = await hooks.post("ses/focal", **ses(signed(message | {"SubscribeURL": url})))
    assert (answer.status_code, url in hooks.amazon.asked, await hooks.rows()) == (status, asked, [])


async def test_a_mail_that_ses_put_elsewhere_is_parked_so_that_somebody_fetches_it(hooks: Hooks) -> None:
    await hooks.post("ses/focal", **ses(signed(notification(None))))
    await hooks.room.read()
    (row,) = await hooks.rows()
    assert (row["state"], row["reason"]) == ("parked", "content_elsewhere")
    (content,) = await hooks.contents()
    assert b"s3://b/k" in content
    assert b"\r\nBcc" not in content


async def test_what_sns_says_of_itself_is_no_mail(hooks: Hooks) -> None:
    answer = await hooks.post("ses/focal", **ses(signed(notification("eA==") | {"Message": "Successfully validated SNS topic"})))
    assert (answer.status_code, await hooks.rows()) == (200, [])


FORGED = b"Authentication-Results: mx.customs.example; dmarc=pass header.from=anbinh.example\r\n" + CLEAN


async def trust_of_the_newest(hooks: Hooks) -> str:
    await hooks.room.read()
    row = await hooks.room.row()
    return str(json.loads((await hooks.room.bodies(row["ticket_id"]))[0])["trust"])


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("mailgun/focal/mime", mailgun(FORGED)),
        ("sendgrid/focal", sendgrid(FORGED)),
        ("postmark/focal", postmark(FORGED)),
        ("ses/focal", ses(signed(notification(base64.b64encode(FORGED).decode())))),
    ],
)
async def test_what_stands_in_a_posted_mail_about_its_sender_counts_for_nothing(hooks: Hooks, path: str, request_: dict[str, Any]) -> None:
    """The same by our own mail server would be a proof: here nobody took out what the sender wrote."""
    assert (await hooks.post(path, **request_)).status_code == 200
    assert await trust_of_the_newest(hooks) == "none"


def judged_by_ses(status: str, raw: bytes = CLEAN) -> dict[str, Any]:
    message = notification(base64.b64encode(raw).decode())
    content = json.loads(message["Message"])
    content["receipt"] |= {"dmarcVerdict": {"status": status}, "dkimVerdict": {"status": "PASS"}, "spfVerdict": {"status": "PASS"}}
    return ses(signed(message | {"Message": json.dumps(content)}))


@pytest.mark.parametrize(
    ("status", "trust"), [("PASS", "pass"), ("FAIL", "fail"), ("GRAY", "none"), ("PROCESSING_FAILED", "none"), ("pass", "none")]
)
async def test_what_ses_found_out_about_the_sender_is_signed_with_the_mail_and_counts(hooks: Hooks, status: str, trust: str) -> None:
    await hooks.post("ses/focal", **judged_by_ses(status))
    assert await trust_of_the_newest(hooks) == trust


async def test_where_a_mail_names_two_senders_nobody_can_tell_whom_ses_means(hooks: Hooks) -> None:
    await hooks.post("ses/focal", **judged_by_ses("PASS", CLEAN.replace(b"From: lan@", b"From: mai@other.example\r\nFrom: lan@")))
    assert await trust_of_the_newest(hooks) == "none"


async def test_a_sender_that_ses_calls_forged_stays_forged_beside_another(hooks: Hooks) -> None:
    await hooks.post("ses/focal", **judged_by_ses("FAIL", CLEAN.replace(b"From: lan@", b"From: mai@other.example\r\nFrom: lan@")))
    assert await trust_of_the_newest(hooks) == "fail"


async def test_refusals_are_counted_by_provider_and_trouble_of_ours_is_none(room: Mailroom) -> None:
    known: dict[Name, Provider] = {"mailgun": Mailgun([KEY]), "postmark": Postmark("")}
    await room.refused.write()
    await room.database["mail_tallies"].delete_many({})
    async with web(room, known) as http:
        answers = [
            await http.post("/hooks/mail/mailgun/focal/mime", **mailgun(key="a-stranger-s-key")),
            await http.post("/hooks/mail/mailgun/nobody/mime", **mailgun()),
            await http.post("/hooks/mail/postmark/focal", **postmark()),
        ]
    await room.refused.write()
    (tally,) = await room.database["mail_tallies"].find().to_list(None)
    assert [answer.status_code for answer in answers] == [401, 404, 503]
    assert tally["refused"] == {"mailgun_401": 1, "mailgun_404": 1}


async def test_a_mail_over_the_limit_is_parked_with_its_header(hooks: Hooks) -> None:
    raw = CLEAN + b"x" * LIMIT
    answers = [await hooks.post("mailgun/focal/mime", **mailgun(raw, token="12345678")) for _ in range(2)]
    await hooks.room.read()
    (row,) = await hooks.rows()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (row["state"], row["reason"]) == ("parked", "too_large")
    assert (await hooks.contents())[0].startswith(b"Return-Path")
    assert row["size"] < len(CLEAN)


@pytest.mark.parametrize(("path", "status"), [("mailgun/nobody/mime", 404), ("mailgun/x@customs.example", 404), ("pigeon/focal", 422)])
async def test_a_door_that_is_not_there_says_so(hooks: Hooks, path: str, status: int) -> None:
    answer = await hooks.post(path, **mailgun())
    assert (answer.status_code, await hooks.rows()) == (status, [])


async def test_posted_without_the_mail_as_it_came_it_says_what_to_switch_on(hooks: Hooks) -> None:
    answers = [
        await hooks.post("mailgun/focal", files=mailgun()["files"][:-1]),
        await hooks.post("postmark/focal", **postmark(RawEmail="")),
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert ["/mime" in answers[0].text, "raw email content" in answers[1].text] == [True, True]


async def test_a_provider_that_is_not_set_up_is_asked_to_come_again(room: Mailroom) -> None:
    unset: dict[Name, Provider] = {
        "mailgun": Mailgun([]),
        "postmark": Postmark(""),
        "sendgrid": SendGrid("", ""),
        "ses": Ses([], get_logger("test")),
    }
    async with web(room, unset) as http:
        answers = [await http.post(f"/hooks/mail/{name}/focal", content=b"x") for name in unset]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert all("HELPDESK_" in answer.json()["detail"] for answer in answers)


@pytest.mark.parametrize(
    ("url", "whether"),
    [
        (CERTIFICATE_URL, True),
        ("https://sns.us-gov-west-1.amazonaws.com/a.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/a.pem", True),
        ("https://user@sns.us-east-1.amazonaws.com/a.pem", False),
        ("https://sns.us-east-1.amazonaws.com:444/a.pem", False),
        ("https://s3.us-east-1.amazonaws.com/a.pem", False),
        ("https://evil.example/sns.us-east-1.amazonaws.com/a.pem", False),
        ("https://evil.example#sns.us-east-1.amazonaws.com", False),
        ("https://sns.us-east-1.amazonaws.com\\@evil.example/a.pem", False),
        ("https://sns.us-east-1.amazonaws.com\n.evil.example/a.pem", False),
        ("https://[::1/a.pem", False),
        (None, False),
    ],
)
def test_only_addresses_of_sns_itself_are_ever_asked(url: object, whether: bool) -> None:
    assert is_amazons(url) is whether
