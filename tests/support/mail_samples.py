"""Mails to read: those of the tests, with what is expected of them, and collections beside the checkout where there are any."""

import importlib.util
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from services.intake.mail.letter import Letter

OURS: Final = sorted((Path(__file__).parents[1] / "data" / "mail").glob("*.eml"))
COLLECTED: Final = Path(__file__).resolve().parents[3] / "shared" / "mail"
"""Mails that were collected elsewhere, each folder with the licence it came under."""


def collected(folder: str) -> list[Path]:
    """Empty where the collection is not there."""
    return sorted((COLLECTED / folder).glob("*.eml"))


def expected_bounces() -> Mapping[str, list[dict[str, Any]]]:
    """By file name: for each recipient its `status`, the `reply` of the server, a `reason` and whether it is `hard`."""
    table = COLLECTED / "bounces" / "expected.json"
    return json.loads(table.read_text("utf-8")) if table.exists() else {}


def of_the_standard_library() -> list[Path]:
    """The mails of Python's own tests, where they are installed."""
    found = importlib.util.find_spec("test")
    places = list(found.submodule_search_locations or ()) if found else []
    return sorted(path for place in places for path in (Path(place) / "test_email" / "data").glob("msg_*.txt"))


def everything() -> list[Path]:
    folders = ("malformed", "replies", "bounces")
    return [*OURS, *(path for folder in folders for path in collected(folder)), *of_the_standard_library()]


def expected_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.with_suffix(".json").read_text("utf-8")))


def fields_of(letter: Letter) -> dict[str, Any]:
    """As JSON would hold them; of attachments the names."""
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(letter).items()},
        "attachments": [part.filename for part in letter.attachments],
        "bounce": json.loads(json.dumps(asdict(letter.bounce))) if letter.bounce else None,
    }


def mutated(raws: list[bytes], number: int, seed: int) -> Iterator[bytes]:
    """Mails with pieces changed, doubled, missing or taken from others. The same each time."""
    chance = random.Random(seed)
    for _ in range(number):
        mail = bytearray(chance.choice(raws)[:60_000])
        for _ in range(chance.randint(1, 8)):
            start = chance.randint(0, len(mail))
            end = min(len(mail), start + chance.choice((0, 1, 1, 4, 30, 400)))
            other = chance.choice(raws)
            at = chance.randint(0, len(other))
            piece = chance.choice((b"", chance.randbytes(4), bytes(mail[start:end]) * 3, other[at : at + 60], chance.choice(_NASTY)))
            mail[start:end] = piece
        yield bytes(mail)


_NASTY: Final = (
    *(b"\x00", b"\r", b"\n\n", b"\xff\xfe", b"(((((((", b'"', b"<", b">", b"=?utf-8?b?", b"?=", b"--", b"; boundary="),
    *(b"charset=utf-7", b"=\n", b"\n> ", b"\nContent-Type: multipart/mixed\n", b"\nFinal-Recipient: ", b"<blockquote type=cite>"),
    " đã viết:\n".encode(),
)
"""What parsers stumble over."""
