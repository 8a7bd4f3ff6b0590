"""The first line of what people typed."""

from schemas.text import clean_line


def first_line(text: str, longest: int) -> str:
    """The first line of a cleaned text, cut at a word with `…` where it is longer than `longest`."""
    line = clean_line(text.split("\n", 1)[0])
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > longest // 2 else cut).rstrip() + "…"
