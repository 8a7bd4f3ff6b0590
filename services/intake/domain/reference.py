"""The short reference a business reads out on the telephone: `HD-XXX-XXX-XXX`, eight random characters and a check character.

The alphabet leaves out 0, 1, I, L, O, S and U, which are misread. Its size, 29, is prime, so with distinct weights
modulo 29 the check character catches every single wrong character and every swap of two characters.
"""

import unicodedata
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTVWXYZ"
PREFIX: Final = "HD"
RANDOM_CHARACTERS: Final = 8
RANDOM_BYTES: Final = 16
"""What `mint` asks for: 128 bits folded into 29**8 values leave a bias below 10**-27."""

_SIZE: Final = len(ALPHABET)
_CHARACTERS: Final = RANDOM_CHARACTERS + 1
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 1)
_SEPARATORS: Final = "-‐‑‒–—−_./"


class MalformedReference(ValueError):
    """Not of the shape of a reference."""


class MistypedReference(ValueError):
    """Of the right shape, but the check character does not agree."""


def mint(random_bytes: bytes) -> str:
    """A reference from `RANDOM_BYTES` random bytes. 29**8 = 5 * 10**11 values: the caller retries on a taken one."""
    if len(random_bytes) < RANDOM_BYTES:
        raise ValueError(f"mint needs {RANDOM_BYTES} random bytes, got {len(random_bytes)}")
    number = int.from_bytes(random_bytes)
    body = ""
    for _ in range(RANDOM_CHARACTERS):
        number, position = divmod(number, _SIZE)
        body += ALPHABET[position]
    return _written(body + check_character(body))


def check_character(body: str) -> str:
    """The ninth character: it makes the weighted sum of all nine a multiple of 29."""
    return ALPHABET[-_weighted(body) % _SIZE]


def parse(text: str) -> str:
    """The canonical form of what a person typed: any case, with or without prefix, dashes and spaces.

    Raises MalformedReference or MistypedReference, whose text is a sentence for that person.
    """
    typed = _characters(text)
    if len(typed) == _CHARACTERS + len(PREFIX) and typed.startswith(PREFIX):
        typed = typed[len(PREFIX) :]
    if len(typed) != _CHARACTERS:
        raise MalformedReference("A reference looks like HD-XXX-XXX-XXX: nine letters and digits after HD. Check what you typed.")
    wrong = sorted(set(typed) - set(ALPHABET))
    if wrong:
        raise MalformedReference(
            f"A reference never contains {', '.join(wrong)}: it has only the digits 2 to 9 and letters other than I, L, O, S and U."
        )
    if _weighted(typed) % _SIZE:
        raise MistypedReference(
            f"The reference {_written(typed)} has a typing mistake: its check character does not agree. Compare it again."
        )
    return _written(typed)


def _characters(text: str) -> str:
    """Upper case, full-width forms folded, without spaces and separators; cut short, for nothing longer can be right."""
    folded = unicodedata.normalize("NFKC", text[:64]).upper()
    return "".join(character for character in folded if character not in _SEPARATORS and not character.isspace())


def _weighted(characters: str) -> int:
    return sum(weight * ALPHABET.index(character) for weight, character in zip(_WEIGHTS, characters, strict=False))


def _written(nine: str) -> str:
    return f"{PREFIX}-{nine[:3]}-{nine[3:6]}-{nine[6:]}"
