"""IMAP accounts as settings write them, bookmarks, windows of UIDs, and what the header tells of the envelope."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.mail.envelopes import envelope_of, header_of
from services.intake.mail.imap.accounts import Account, accounts_of
from services.intake.mail.imap.connection import Folder, Listed
from services.intake.mail.imap.fetching import AT_ONCE, WIDEST, first_of, windows
from services.intake.mail.imap.folders import Bookmark, bookmark_for

URL = "imaps://lan%40customs.example:p%2Cw%40%3A@mail.example/Support%2FNew?mailbox=Focal@customs.example"
TWO = ("x@y.example", "z@y.example")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
USUAL = Account("mail.example", 993, True, "u", "p", "INBOX", "focal@customs.example")
FROM_NOW = Account("mail.example", 993, True, "u", "p", "INBOX", "focal@customs.example", from_now=True)


def test_a_url_says_where_who_which_folder_and_whose_mail_it_is() -> None:
    first, second = accounts_of(f"{URL}, imap://u:p@127.0.0.1:1143?mailbox=hg@customs.example&start=now&ca=/etc/ca.pem,")
    assert first == Account("mail.example", 993, True, "lan@customs.example", "p,w@:", "Support/New", "focal@customs.example")
    assert second == Account("127.0.0.1", 1143, False, "u", "p", "INBOX", "hg@customs.example", True, "/etc/ca.pem")
    assert [first.may_be_clear, second.may_be_clear] == [False, True]
    assert "p,w@:" not in repr(first)


def test_whose_word_about_senders_counts_is_said_for_each_folder_and_is_nobody_s_otherwise() -> None:
    plain, ours = accounts_of(f"{URL},{URL.replace('Focal', 'hg')}&authserv=MX.customs.example&authserv=mx2.customs.example")
    assert (plain.authserv_ids, ours.authserv_ids) == ((), ("mx.customs.example", "mx2.customs.example"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("pop3://u:secret@h/?mailbox=a@b", "scheme must be imaps or imap"),
        ("imaps://u@h/?mailbox=a@b", "host, user and password"),
        ("imaps://u:secret@h/INBOX", "which mailbox"),
        ("imaps://u:secret@h/INBOX?mailbox=a@b&seen=yes", "unknown option seen"),
        ("imaps://u:secret@h/INBOX?mailbox=a@b&start=later", "start must be all or now"),
        ("imaps://u:secret@h:many/INBOX?mailbox=a@b", "no URL"),
        ("imaps://u:secret@h/INBOX?mailbox", "no URL"),
        (f"{URL},{URL}", "twice"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="HELPDESK_IMAP_URLS") as refused:
        accounts_of(url)
    assert sentence in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("account", "known", "bookmark"),
    [
        (USUAL, None, Bookmark(7, 0)),
        (FROM_NOW, None, Bookmark(7, 41, NOW)),
        (USUAL, Bookmark(7, 30), Bookmark(7, 30)),
        (USUAL, Bookmark(6, 30), Bookmark(7, 0)),
        (FROM_NOW, Bookmark(6, 30, NOW), Bookmark(7, 0, NOW)),
    ],
)
def test_where_reading_goes_on(account: Account, known: Bookmark | None, bookmark: Bookmark) -> None:
    assert bookmark_for(account, Folder(7, 42), known, NOW) == bookmark


@given(last=st.integers(0, 2**32), more=st.integers(0, 3_000_000))
def test_windows_cover_every_uid_once_and_none_is_too_wide_for_one_answer(last: int, more: int) -> None:
    covered = last
    for low, high in windows(last, last + 1 + more):
        assert low == covered + 1
        assert low <= high < low + WIDEST
        covered = high
    assert covered == last + more


@pytest.mark.parametrize(("sizes", "count"), [([1] * 50, 50), ([AT_ONCE * 5], 1), ([AT_ONCE - 1, 1, 1], 2), ([1, AT_ONCE], 1)])
def test_mails_are_taken_together_up_to_a_size_and_never_none(sizes: list[int], count: int) -> None:
    assert len(first_of([Listed(uid, size, None) for uid, size in enumerate(sizes, start=1)])) == count


@pytest.mark.parametrize(
    ("header", "envelope"),
    [
        (b"Return-Path: <a@b.example>\r\nDelivered-To: x@y.example", ("a@b.example", ("x@y.example",))),
        (b"return-path: a@b.example\nX-Original-To: <x@y.example>\nDelivered-To: z@y.example", ("a@b.example", TWO)),
        (b"Return-Path: <>\r\nSubject: x", ("", ())),
        (b"Subject: x\r\n\r\nReturn-Path: <no@b.example>", (None, ())),
        (b"Subject: x\r\n Return-Path: <no@b.example>", (None, ())),
        (b"", (None, ())),
        (b"\xff\xfe", (None, ())),
    ],
)
def test_the_envelope_is_what_the_last_server_wrote_down(header: bytes, envelope: tuple[str | None, tuple[str, ...]]) -> None:
    assert envelope_of(header + b"\r\n\r\nbody") == envelope


@given(st.binary(max_size=2_000))
def test_any_bytes_have_an_envelope_or_none(raw: bytes) -> None:
    envelope_of(raw)
    assert raw.startswith(header_of(raw))
