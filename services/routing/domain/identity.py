"""Ids that follow from their cause, so that a decision taken twice names its events the same."""

from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE: Final[UUID] = uuid5(NAMESPACE_URL, "helpdesk")
"""Shared by every service: the same parts give the same id everywhere."""


def derived_id(*parts: str) -> str:
    """The UUIDv5 of the parts joined by colons."""
    return str(uuid5(NAMESPACE, ":".join(parts)))
