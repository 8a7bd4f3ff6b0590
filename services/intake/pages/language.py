"""Which language a page is in: what the person chose, else what they chose before, else what their browser asks for."""

from typing import Final

from schemas.values import Language

DEFAULT: Final[Language] = "vi"
COOKIE: Final = "lang"
QUERY: Final = "lang"


def negotiate(query: str | None, cookie: str | None, accept_language: str | None) -> Language:
    """The first that names a language we have; Vietnamese where none does."""
    return _known(query) or _known(cookie) or _preferred(accept_language or "") or DEFAULT


def _known(tag: str | None) -> Language | None:
    """`en`, `en-GB` and `EN_us` are English."""
    match (tag or "").strip().lower().replace("_", "-").partition("-")[0]:
        case "vi":
            return "vi"
        case "en":
            return "en"
        case _:
            return None


def _preferred(header: str) -> Language | None:
    """RFC 9110 section 12.5.4: the known language of the highest weight; of equals the first."""
    best: tuple[float, Language] | None = None
    for item in header[:1000].split(","):
        tag, _, parameters = item.partition(";")
        language, weight = _known(tag), _weight(parameters)
        if language and weight > (best[0] if best else 0):
            best = (weight, language)
    return best[1] if best else None


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
