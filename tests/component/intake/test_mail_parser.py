"""The process that reads mails: whatever happens in it, the parent gets an answer in bounded time and goes on."""

import ast
import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest

from services.intake.mail.parser import Parser, Unreadable

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
    assert await unreadable(Parser(longest=0.3, command=("-c", "import time; time.sleep(60)"))) == "too_slow"
    assert time.monotonic() - began < 5


async def test_a_reader_that_dies_is_tried_once_more_and_then_the_mail_is_to_blame() -> None:
    assert await unreadable(Parser(command=("-c", "import os; os._exit(1)"))) == "reader_died"


async def test_after_a_reader_was_ended_the_next_mail_gets_a_new_one(parser: Parser) -> None:
    await parser.parse(MAIL)
    process = parser._process  # noqa: SLF001 (killed as the kernel would)
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
