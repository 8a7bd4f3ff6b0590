"""How many dead letters wait for somebody to decide about them."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from helpdesk.deadletters.handled import Decision, Decisions
from helpdesk.deadletters.letter import DeadLetter
from helpdesk.deadletters.reading import DeadLetterTopics
from kit.mongo import Database
from kit.settings import ServiceSettings
from schemas.topics import SERVICES

PAGE: Final = 50
"""Letters asked about at once; each may hold 4 MB."""


async def with_decisions(topics: DeadLetterTopics, decisions: Decisions, service: str) -> AsyncIterator[tuple[DeadLetter, Decision | None]]:
    """Every dead letter of the service, the oldest first, with what was decided about it."""
    page: list[DeadLetter] = []
    async for letter in topics.letters(service):
        page.append(letter)
        if len(page) == PAGE:
            for pair in await _paired(decisions, page):
                yield pair
            page = []
    for pair in await _paired(decisions, page):
        yield pair


async def _paired(decisions: Decisions, letters: list[DeadLetter]) -> list[tuple[DeadLetter, Decision | None]]:
    decided = await decisions.of(letters)
    return [(letter, decided.get(letter.id)) for letter in letters]


async def unhandled(settings: ServiceSettings, databases: Mapping[str, Database]) -> dict[str, int]:
    """Service to the number of letters nobody has decided about. TransientError when Kafka is away."""
    topics, decisions = DeadLetterTopics(settings), Decisions(databases)
    counts = dict.fromkeys(SERVICES, 0)
    for service in SERVICES:
        async for _, decision in with_decisions(topics, decisions, service):
            counts[service] += decision is None
    return counts
