"""Options that take one of a few words. Typer's own refusal, of a `Literal`, begins with the words of the library beneath it."""

from collections.abc import Callable

import typer


def one_of(*words: str) -> Callable[[str], str]:
    """For `callback`: refuses another word and names those there are."""

    def known(word: str) -> str:
        if word not in words:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(map(repr, words))}.")
        return word

    return known
