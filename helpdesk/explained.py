"""One clock's account as aligned lines for a terminal or a file. Tone marks are one character wide here as in the terminal."""

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

from schemas.values import Language
from services.routing.explaining import Account
from services.routing.pages.reading import Reading, Row

GAP = "  "


def lines(account: Account, language: Language) -> Iterator[str]:
    """Heading, facts, the table of days with its sum, warnings and ladder."""
    reading = Reading(account, language)
    t = reading.t
    yield f"{account.ticket.reference}  {account.name}  {reading.kind} ({t('cycle', cycle=account.clock.cycle)})"
    yield reading.sentence
    if reading.disagreement:
        yield f"WARNING: {reading.disagreement}" if language == "en" else f"CẢNH BÁO: {reading.disagreement}"
    yield ""
    yield from aligned([(f"  {label}", value) for label, value in reading.facts])
    yield ""
    yield from _days(reading)
    yield ""
    yield t("notices")
    notices = [
        (f"  {reading.what(notice)}", notice.state_words.in_language(language), reading.fate(notice), notice.tells.in_language(language))
        for notice in account.notices
    ]
    yield from aligned(notices)


def _days(reading: Reading) -> Iterator[str]:
    t = reading.t
    header = (t("day"), t("from"), t("to"), t("counted"), t("total"), t("reason"))
    table: list[tuple[str, ...]] = [header]
    for row in reading.rows:
        if row.change:
            table.append((row.change,))
        table += _pieces(row)
    table.append((t("sum"), "", "", "", reading.sum, t("sum_is")))
    yield from aligned(table, right=(3, 4))


def _pieces(row: Row) -> Iterator[tuple[str, ...]]:
    """A line a piece; the day stands on the first of them, the running total on the last."""
    for index, piece in enumerate(row.pieces):
        counted = f"{row.count} × {piece.counted}" if row.count > 1 and piece.is_counted else piece.counted
        total = row.total if index == len(row.pieces) - 1 else ""
        yield (row.day if index == 0 else "", piece.start, piece.end, counted, total, piece.reason)


def aligned(table: Sequence[tuple[str, ...]], right: Sequence[int] = ()) -> Iterator[str]:
    """The rows with their columns one below the other; a row of one cell goes across them all."""
    wide = [row for row in table if len(row) > 1]
    widths = [max(_width(cell) for cell in column) for column in zip(*wide, strict=True)]
    for row in table:
        if len(row) == 1:
            yield row[0]
            continue
        cells = [_padded(cell, widths[index], ahead=index in right) for index, cell in enumerate(row)]
        yield GAP.join(cells).rstrip()


def _padded(cell: str, width: int, *, ahead: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if ahead else cell + space


def _width(text: str) -> int:
    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)
