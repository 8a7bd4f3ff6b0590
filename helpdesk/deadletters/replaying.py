"""Replaying: the original bytes go back to the topic they came from.

Only a topic's owner writes to it. A replay puts the owner's own record there once more, with the id it had, so whoever used it already
knows it and skips it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from helpdesk.deadletters.letter import DeadLetter
from kit.errors import RefusedError, TransientError
from schemas.topics import WRITER

REPLAY_OF: Final = "x-replay-of"
"""Header that names the dead letter a record was replayed from."""


def require_origin(letter: DeadLetter, known: Mapping[str, str] = WRITER) -> None:
    """RefusedError when it can't be said where the letter belongs, or when it isn't whole."""
    if letter.truncated:
        raise RefusedError(f"{letter.id} can't be replayed: only its beginning was kept. The whole record stands at {letter.origin}.")
    if letter.origin is None or letter.origin.topic not in known:
        said = "does not say" if letter.origin is None else f"says {letter.origin.topic}, which is none of {', '.join(known)};"
        raise RefusedError(
            f"{letter.id} can't be replayed: it {said} where it came from. Look at it (`helpdesk dlq show {letter.id}`), then discard it."
        )


async def replay(make_producer: Callable[[], AIOKafkaProducer], letters: Sequence[DeadLetter]) -> AsyncIterator[DeadLetter]:
    """Publish one after the other and yield each once all replicas have it. Raises RefusedError before any is sent, or TransientError."""
    for letter in letters:
        require_origin(letter)
    producer = make_producer()
    try:
        await producer.start()
        for letter in letters:
            await producer.send_and_wait(**record(letter))
            yield letter
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka did not take the replay: {error!r}") from error
    finally:
        await producer.stop()


def record(letter: DeadLetter) -> dict[str, Any]:
    """As it was: a keyed record finds its partition by its key, one without goes back to the one it was in."""
    require_origin(letter)
    origin = letter.origin
    headers = [(name, value) for name, value in letter.headers if name != REPLAY_OF]
    return {
        "topic": origin.topic if origin else "",
        "partition": origin.partition if origin and letter.key is None else None,
        "key": letter.key,
        "value": letter.value,
        "headers": [*headers, (REPLAY_OF, letter.id.encode())],
    }
