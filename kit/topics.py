"""Topics that must be there before they are used: made here, or waited for where somebody else makes them."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kit.errors import TransientError
from kit.kafka import client_options, ensure_topics
from kit.settings import ServiceSettings


async def require_topics(settings: ServiceSettings, names: Iterable[str], dead_letters: Iterable[str] = ()) -> None:
    """Return when the topics exist. TransientError when Kafka is away, or when topics are missing and not ours to make."""
    if settings.kafka_create_topics:
        await ensure_topics(settings, names, dead_letters)
        return
    lacking = sorted({*names, *dead_letters} - await existing_topics(settings))
    if lacking:
        raise TransientError(f"Kafka lacks {', '.join(lacking)}: run `helpdesk init`, or set HELPDESK_KAFKA_CREATE_TOPICS=true")


async def existing_topics(settings: ServiceSettings) -> set[str]:
    """The names of all topics. TransientError when Kafka is away."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)
    try:
        await admin.start()
        return set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {settings.kafka_bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()
