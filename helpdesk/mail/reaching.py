"""The mails of intake, for the length of one command."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from helpdesk.mail.stored import StoredMails
    from kit.mongo import Mongo
    from kit.settings import ServiceSettings

T = TypeVar("T")


def with_mails(work: "Callable[[StoredMails], Awaitable[T]]") -> T:
    """Run `work`; what can be foreseen to go wrong becomes one sentence and an exit code."""
    from helpdesk.connecting import with_mongo
    from helpdesk.mail.stored import StoredMails

    async def connected(settings: "ServiceSettings", mongo: "Mongo") -> T:
        return await work(StoredMails(mongo, mongo.database(f"{settings.mongodb_database_prefix}_intake")))

    return with_mongo(connected)
