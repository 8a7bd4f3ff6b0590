"""The installation that is looked at: the three databases, and the server's time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kit.mongo import Database, Mongo
from schemas.topics import SERVICES

SETTLED: Final = timedelta(seconds=60)
"""What is younger may still be on its way. An installation at work is through in under a second."""


@dataclass(frozen=True)
class Installation:
    """Nothing here writes. One service's data is compared with another's, which no service itself may do."""

    mongo: Mongo
    prefix: str = "helpdesk"

    def database(self, service: str) -> Database:
        return self.mongo.database(f"{self.prefix}_{service}")

    @property
    def databases(self) -> dict[str, Database]:
        return {service: self.database(service) for service in SERVICES}

    @property
    def settled_before(self) -> datetime:
        """What happened before this instant has to be complete."""
        return self.mongo.now() - SETTLED
