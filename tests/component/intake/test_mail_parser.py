"""The process that reads mails: whatever happens in it, the parent gets an answer in bounded time and goes on."""

import ast
import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest

from kit.loops import STUCK_AFTER
from services.intake.mail.child import allowed
from services.intake.mail.parser import Parser, Unreadable, longest

MAIL = b"From: a@b.example\nSubject: =?utf-8?q?Ch=C3=A0o?=\n\nXin."


@pytest.fixture(name="parser")
async def _parser() -> AsyncIterator[Parser]:
    parser = Parser()
    yield parser
    await parser.close()


async def unreadable(parser: Parser, raw: bytes = MAIL) -> str:
    with pytest.raises(Unreadable) as refused:
        await parser.parse(raw)
    await parser.close()
    return str(refused.value)


async def test_a_mail_goes_in_as_bytes_and_comes_out_as_a_letter_with_its_files(parser: Parser) -> None:
    attached = b'--b\n\nXin.\n--b\nContent-Type: application/pdf; name="a.pdf"\n\n%PDF-\x00\xff\n--b--\n'
    letter = await parser.parse(b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + attached)
    assert (letter.address, letter.text) == ("a@b.example", "Xin.")
    assert [(part.filename, part.content) for part in letter.attachments] == [("a.pdf", b"%PDF-\x00\xff")]


async def test_many_at_once_get_each_its_own_answer(parser: Parser) -> None:
    letters = await asyncio.gather(*(parser.parse(b"Subject: %d\n\nx" % number) for number in range(50)))
    assert [letter.subject for letter in letters] == [str(number) for number in range(50)]


async def test_a_mail_of_the_largest_size_is_read(parser: Parser) -> None:
    letter = await parser.parse(b"Content-Type: application/pdf\n\n" + b"x" * 25_000_000)
    assert len(letter.attachments[0].content) == 25_000_000


async def test_a_reader_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    assert await unreadable(Parser(longest=lambda _size: 0.3, command=("-c", "import time; time.sleep(60)"))) == "too_slow"
    assert time.monotonic() - began < 5


async def test_a_mail_that_takes_too_much_of_the_processor_is_the_mails_fault_at_once() -> None:
    began = time.monotonic()
    busy = "import services.intake.mail.child as c, sys; c.parse = lambda raw: [None for _ in iter(int, 1)]; "
    limits = "c.SECONDS = 0.2; c.main(sys.stdin.buffer, sys.stdout.buffer)"
    assert await unreadable(Parser(command=("-c", busy + limits))) == "too_slow"
    assert time.monotonic() - began < 10


async def test_what_a_reader_may_take_grows_with_the_mail_and_begins_anew_with_each() -> None:
    assert allowed(0) < allowed(1_000_000) < allowed(25_000_000) < 20
    assert longest(25_000_000) < STUCK_AFTER
    tired = "import services.intake.mail.child as c, sys, time; p = c.parse; "
    works = "c.parse = lambda raw: [None for _ in iter(lambda u=time.process_time() + 0.2: time.process_time() > u, True)] and p(raw); "
    limits = "c.SECONDS = 0.5; c.main(sys.stdin.buffer, sys.stdout.buffer)"
    parser = Parser(readers=1, command=("-c", tired + works + limits))
    letters = [await parser.parse(MAIL) for _ in range(5)]
    assert [letter.subject for letter in letters] == ["Chào"] * 5
    await parser.close()


async def test_a_slow_mail_does_not_hold_up_the_next() -> None:
    waits = "import services.intake.mail.child as c, sys, time; p = c.parse; "
    slow = "c.parse = lambda raw: time.sleep(60 * (b'SLOW' in raw)) or p(raw); c.main(sys.stdin.buffer, sys.stdout.buffer)"
    parser = Parser(command=("-c", waits + slow), longest=lambda _size: 30.0)
    held = asyncio.create_task(parser.parse(b"Subject: SLOW\n\nx"))
    await asyncio.sleep(0.1)
    assert [(await parser.parse(MAIL)).subject for _ in range(3)] == ["Chào"] * 3
    assert not held.done()
    held.cancel()
    await parser.close()


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (b"uuencode", b"begin 644 x\n" + b"_\n" * 10_000_000),
        (b"uuencode", b"begin 644 x\n" + b"\n" * 20_000_000),
        (b"base64", b"Q=" * 10_000_000),
        (b"base64", b"QUFB!\n" * 3_300_000),
        (b"8bit", "ạ b\n".encode() * 3_300_000),
    ],
    ids=["grows", "empty lines", "padding", "junk", "letters"],
)
async def test_twenty_megabytes_are_read_in_little_memory(encoding: bytes, content: bytes) -> None:
    little = "import services.intake.mail.child as c, sys; c.MEMORY = 400_000_000; c.confine(); c.main(sys.stdin.buffer, sys.stdout.buffer)"
    parser = Parser(command=("-c", little))
    letter = await parser.parse(b"From: a@b.example\nContent-Transfer-Encoding: %s\n\n%s" % (encoding, content))
    assert letter.address == "a@b.example"
    await parser.close()


async def test_a_reader_that_dies_is_tried_once_more_and_then_the_mail_is_to_blame() -> None:
    assert await unreadable(Parser(command=("-c", "import os; os._exit(1)"))) == "reader_died"


async def test_after_a_reader_was_ended_the_next_mail_gets_a_new_one(parser: Parser) -> None:
    await parser.parse(MAIL)
    process = parser._idle[-1]._process  # noqa: SLF001 (killed as the kernel would)
    assert process is not None
    process.kill()
    await process.wait()
    assert (await parser.parse(MAIL)).subject == "Chào"


async def test_a_caller_that_goes_away_leaves_no_answer_behind_for_the_next(parser: Parser) -> None:
    first = asyncio.create_task(parser.parse(b"Subject: first\n\n" + b"x" * 5_000_000))
    await asyncio.sleep(0.2)
    first.cancel()
    assert (await parser.parse(b"Subject: second\n\nx")).subject == "second"


async def test_the_reader_has_none_of_our_secrets() -> None:
    """It gets the way to our code; what else may be there is put there by its own interpreter."""
    prints = "import os, sys; sys.stdin.buffer.read(4); e = repr(sorted(os.environ)).encode(); "
    answers = "w = sys.stdout.buffer; w.write(bytes(4)); w.write(len(e).to_bytes(4, 'big') + e); w.flush(); sys.stdin.buffer.read()"
    names = set(ast.literal_eval(await unreadable(Parser(command=("-c", prints + answers)))))
    assert names <= {"PYTHONPATH", "LC_CTYPE"}
    assert set(os.environ) - names  # there was something to keep from it
