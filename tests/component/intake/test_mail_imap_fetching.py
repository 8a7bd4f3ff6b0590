"""What is made of mails that a server will not give, or gives otherwise than announced."""

import pytest

from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.imap.accounts import Account
from services.intake.mail.imap.connection import Connection, Folder, Listed, Lost, Refused
from services.intake.mail.imap.fetching import TRIES, Batch, Fetcher
from services.intake.mail.imap.folders import Bookmark
from tests.support.mailroom import FOCAL, with_mailboxes

ACCOUNT = Account("mail.example", 993, True, "u", "p", "INBOX", FOCAL)
MAILBOXES = Mailboxes.of(with_mailboxes())


class Server(Connection):
    """Holds mails by UID: bytes, None for one that goes away meanwhile, an exception for one it refuses."""

    def __init__(self, mails: dict[int, bytes | Exception | None], says: int | None = None) -> None:
        self._mails = mails
        self._says = says

    def listed(self, low: int, high: int, most: int) -> list[Listed]:
        found = sorted((uid, mail) for uid, mail in self._mails.items() if low <= uid <= high)[:most]
        return [Listed(uid, self._says or (len(mail) if isinstance(mail, bytes) else 10), None) for uid, mail in found]

    def content(self, uid: int, most: int) -> bytes | None:
        mail = self._mails[uid]
        if isinstance(mail, Exception):
            raise mail
        return mail if mail is None else mail[:most]

    def header(self, uid: int, most: int) -> bytes | None:
        return b"Subject: x\r\n\r\n"


def fetch(fetcher: Fetcher, server: Server, last: int = 0) -> Batch:
    mailbox = MAILBOXES.find(FOCAL)
    assert mailbox is not None
    return fetcher.next(server, Folder(7, 1_000), Bookmark(7, last), MAILBOXES, mailbox)


def test_a_mail_that_is_refused_is_asked_for_again_and_then_let_go_with_a_note_where_it_lies() -> None:
    fetcher, server = Fetcher(ACCOUNT, 1_000), Server({1: b"a", 2: Refused("SERVERBUG"), 3: b"c"})
    for _ in range(TRIES - 1):
        with pytest.raises(Lost):
            fetch(fetcher, server)
    batch = fetch(fetcher, server)
    assert [mail.unfit for mail in batch.mails] == [None, "not_given", None]
    assert b"UIDVALIDITY 7, UID 2" in batch.mails[1].content
    assert batch.then == Bookmark(7, 3)


def test_a_mail_that_went_away_meanwhile_is_passed_over() -> None:
    batch = fetch(Fetcher(ACCOUNT, 1_000), Server({1: None, 2: b"b"}))
    assert ([mail.content for mail in batch.mails], batch.then.last) == ([b"b"], 2)


def test_a_mail_larger_than_the_server_says_is_not_held_in_memory() -> None:
    (mail,) = fetch(Fetcher(ACCOUNT, 1_000), Server({1: b"x" * 5_000}, says=10)).mails
    assert (mail.unfit, mail.content) == ("too_large", b"Subject: x\r\n\r\n")


def test_the_same_bytes_have_the_same_key_in_whatever_folder_and_others_another() -> None:
    served: list[dict[int, bytes | Exception | None]] = [{1: b"a"}, {2: b"b"}, {3: b"a"}]
    one, two, again = (fetch(Fetcher(ACCOUNT, 1_000), Server(mails)).mails[0].key for mails in served)
    assert one == again != two


def test_where_nothing_is_new_the_bookmark_stays() -> None:
    assert fetch(Fetcher(ACCOUNT, 1_000), Server({5: b"x"}), last=5) == Batch((), Bookmark(7, 5), more=False)
