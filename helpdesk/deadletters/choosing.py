"""Which dead letters a command is about: those named, or all that nobody has decided about."""

from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.deadletters.counting import with_decisions
from helpdesk.deadletters.handled import Decisions
from helpdesk.deadletters.letter import DeadLetter, place_of
from helpdesk.deadletters.reading import DeadLetterTopics
from kit.errors import RefusedError
from schemas.topics import SERVICES


@dataclass(frozen=True)
class Choice:
    """`where_error` narrows to one kind of error; with neither that nor `everything` the ids decide."""

    ids: Sequence[str] = ()
    everything: bool = False
    where_error: str | None = None

    @property
    def broad(self) -> bool:
        return self.everything or self.where_error is not None

    def require_one_way(self) -> None:
        """RefusedError unless letters are chosen by exactly one of the ways."""
        if bool(self.ids) == self.broad:
            raise RefusedError("Name dead letters by id (`helpdesk dlq list` shows them), or give --all or --where-error NAME.")


async def chosen(topics: DeadLetterTopics, decisions: Decisions, choice: Choice) -> list[DeadLetter]:
    """In the order they died in, service by service. RefusedError when one that is named is not there."""
    choice.require_one_way()
    if not choice.broad:
        return [await _named(topics, letter_id) for letter_id in sorted(set(choice.ids), key=place_of)]
    return [
        letter
        for service in SERVICES
        async for letter, decision in with_decisions(topics, decisions, service)
        if decision is None and choice.where_error in {None, letter.error}
    ]


async def _named(topics: DeadLetterTopics, letter_id: str) -> DeadLetter:
    letter = await topics.letter(place_of(letter_id))
    if letter is None:
        raise RefusedError(f"There is no dead letter {letter_id}, or not any more; `helpdesk dlq list` shows those there are.")
    return letter
