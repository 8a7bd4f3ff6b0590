"""Text from outside on a terminal: shown, never obeyed."""


def printable(text: str, longest: int | None = None) -> str:
    """On one line, with escape sequences, bidirectional marks and lone surrogates written out; cut to `longest` characters."""
    shown = "".join(character if character.isprintable() else _escaped(character) for character in text[: longest and longest + 1])
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1] + "…"


def printable_lines(text: str) -> str:
    """As `printable`, keeping the lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) > 0xFF else f"\\x{ord(character):02x}"  # noqa: PLR2004 (one byte)
