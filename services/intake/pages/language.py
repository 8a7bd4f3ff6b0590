"""Which language a page is in: what the person chose, or chose before, or their browser asks for; else that of the request."""

from typing import Final

from kit.language import DEFAULT, named, preferred
from schemas.values import Language

COOKIE: Final = "lang"
QUERY: Final = "lang"


def negotiate(query: str | None, cookie: str | None, accept_language: str | None, otherwise: Language = DEFAULT) -> Language:
    """The first that names a language we have."""
    return named(query) or named(cookie) or preferred(accept_language or "") or otherwise
