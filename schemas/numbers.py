"""Numbers as people read them."""

from schemas.values import Language


def grouped(number: int, language: Language) -> str:
    """`20.000` in Vietnamese, `20,000` in English."""
    return f"{number:,}" if language == "en" else f"{number:,}".replace(",", ".")
