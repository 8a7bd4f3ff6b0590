"""Aware datetimes as whole microseconds of UTC and back: the only numbers working time is computed with."""

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()


def as_micros(at: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a naive datetime: it names no instant."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no UTC offset")
    return span_micros(at - _EPOCH)


def as_instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def span_micros(span: timedelta) -> int:
    return (span.days * DAY_SECONDS + span.seconds) * SECOND + span.microseconds


def midnight(ordinal: int) -> int:
    """Seconds from 1970-01-01 00:00 to 00:00 of the day with this proleptic ordinal, both on the same wall clock."""
    return (ordinal - _EPOCH_ORDINAL) * DAY_SECONDS
