"""The files of a mail: what is kept, under which name, and a line for each that is not, since no mail is refused for a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.values import Attachment, Language, RefusedFiles
from services.intake.domain.files import LARGEST_FILE, LARGEST_TOTAL, MOST_FILES, AcceptedFile, check_files, clean_filename
from services.intake.domain.problems import FieldProblem, sentence
from services.intake.domain.refused import refused_files
from services.intake.domain.request import LONGEST_TEXT
from services.intake.mail.html_form import page
from services.intake.mail.letter import Enclosed, Letter
from services.intake.mail.pictures import embedded
from services.intake.storing import FileStore, SentFile, examine

_CUT: Final = {
    "vi": "Thư quá dài nên chỉ hiện phần đầu. Toàn văn ở tệp “{name}”.",
    "en": "The mail is too long, so only its beginning is shown. All of it is in the file “{name}”.",
}
_NO_TEXT: Final = {"vi": "(Thư không có nội dung bằng chữ.)", "en": "(The mail has no text.)"}
_NOTE: Final = {"vi": "— Ghi chú của hệ thống: {note}", "en": "— Note by the system: {note}"}
_WHOLE_TEXT: Final = {"vi": "toan-van.txt", "en": "whole-text.txt"}
_PAGE: Final = {"vi": "thu.html", "en": "mail.html"}

_ROOM_FOR_NOTES: Final = 4_000
"""Characters of a long text's place that its notes may take."""


@dataclass(frozen=True)
class Content:
    """What goes on the ticket: the text with its notes, and the files with their bytes."""

    text: str
    accepted: tuple[AcceptedFile, ...]
    files: tuple[SentFile, ...]
    new_text: str | None = None
    """The text without quotes and signature, with the same notes; None where nothing was left out."""
    page: SentFile | None = None
    """The HTML form, where it shows more than the text."""
    refused: RefusedFiles | None = None
    """The files that are not kept, as the sender is told of them."""

    async def stored(self, store: FileStore) -> tuple[Attachment, ...]:
        return await store.keep(self.accepted, self.files) if self.accepted else ()

    async def stored_page(self, store: FileStore) -> Attachment | None:
        return await store.keep_made(self.page.filename, "text/html", self.page.content) if self.page else None


async def content_of(letter: Letter, language: Language) -> Content:
    """Nothing is stored yet."""
    candidates = list(letter.attachments)
    if len(letter.text) > LONGEST_TEXT:
        candidates.insert(0, Enclosed(_WHOLE_TEXT[language], letter.text.encode()))
    taken, left = _fitting([part for part in candidates if part.content])
    accepted, files, problems = await _checked(taken)
    problems += _named("file_empty", [part for part in candidates if not part.content and not part.inline]) + _named("file_left", left)
    notes = [sentence(problem, language) for problem in problems]
    text, new = (_annotated(text or _NO_TEXT[language], notes, language) for text in (letter.text, letter.new_text))
    return Content(text, accepted, files, new if new != text else None, _page(letter, language), refused_files(problems))


def _page(letter: Letter, language: Language) -> SentFile | None:
    if letter.html_safe is None:
        return None
    return SentFile(_PAGE[language], page(embedded(letter.html_safe, letter.attachments), letter.subject))


def _fitting(candidates: Sequence[Enclosed]) -> tuple[list[Enclosed], list[Enclosed]]:
    """As many as a request may have, files before pictures of the text. One too large by itself is left to be refused by name."""
    taken: list[Enclosed] = []
    left: list[Enclosed] = []
    total = 0
    for part in sorted(candidates, key=lambda part: part.inline):
        size = len(part.content) if len(part.content) <= LARGEST_FILE else 0
        fits = len(taken) < MOST_FILES and total + size <= LARGEST_TOTAL
        (taken if fits else left).append(part)
        total += size if fits else 0
    return taken, left


def _named(problem: str, parts: Sequence[Enclosed]) -> list[FieldProblem]:
    return [FieldProblem("file", problem, {"name": clean_filename(part.filename)}) for part in parts]


async def _checked(taken: Sequence[Enclosed]) -> tuple[tuple[AcceptedFile, ...], tuple[SentFile, ...], list[FieldProblem]]:
    sent = [SentFile(part.filename, part.content) for part in taken]
    accepted, problems = check_files(await examine(sent), field="file")
    refused = {int(problem.field.partition(".")[2]) for problem in problems if "." in problem.field}
    kept = tuple(file for position, file in enumerate(sent) if position not in refused)
    return accepted[: len(kept)], kept, [problem for problem in problems if "." in problem.field]


def _annotated(text: str, notes: Sequence[str], language: Language) -> str:
    cut = [_CUT[language].format(name=_WHOLE_TEXT[language])] if len(text) > LONGEST_TEXT else []
    lines = "\n".join(_NOTE[language].format(note=note) for note in [*cut, *notes])[:_ROOM_FOR_NOTES]
    if not lines:
        return text
    return f"{text[: LONGEST_TEXT - len(lines) - 2]}\n\n{lines}"
