"""Which of the languages we have somebody reads."""

from typing import Final

from starlette.requests import Request

from schemas.values import Language

DEFAULT: Final[Language] = "vi"


def language_of(request: Request) -> Language:
    """Of the person once they are known (`request.state.language`), else what `Accept-Language` prefers, else Vietnamese."""
    known: Language | None = getattr(request.state, "language", None)
    return known or preferred(request.headers.get("accept-language", "")) or DEFAULT


def named(tag: str | None) -> Language | None:
    """`en`, `en-GB` and `EN_us` are English."""
    match (tag or "").strip().lower().replace("_", "-").partition("-")[0]:
        case "vi":
            return "vi"
        case "en":
            return "en"
        case _:
            return None


def preferred(header: str) -> Language | None:
    """RFC 9110 section 12.5.4: the known language of the highest weight; of equals the first."""
    best: tuple[float, Language] | None = None
    for item in header[:1000].split(","):
        tag, _, parameters = item.partition(";")
        language, weight = named(tag), _weight(parameters)
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
