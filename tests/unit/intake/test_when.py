"""Instants and spans in words."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.values import Language
from services.intake.pages.when import moment, working_minutes


@pytest.mark.parametrize(
    ("at", "timezone", "vi", "en"),
    [
        (
            datetime(2026, 11, 27, 10, 0, tzinfo=UTC),
            "Asia/Ho_Chi_Minh",
            "17:00 thứ Sáu 27/11/2026 (giờ Việt Nam, UTC+7)",
            "17:00 on Friday 27 November 2026 (Viet Nam time, UTC+7)",
        ),
        (
            datetime(2026, 6, 5, 17, 30, tzinfo=UTC),
            "Asia/Ho_Chi_Minh",
            "00:30 thứ Bảy 06/06/2026 (giờ Việt Nam, UTC+7)",
            "00:30 on Saturday 6 June 2026 (Viet Nam time, UTC+7)",
        ),
        (
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "Europe/Berlin",
            "02:30 Chủ nhật 25/10/2026 (Europe/Berlin, UTC+2)",
            "02:30 on Sunday 25 October 2026 (Europe/Berlin, UTC+2)",
        ),
        (
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "Europe/Berlin",
            "02:30 Chủ nhật 25/10/2026 (Europe/Berlin, UTC+1)",
            "02:30 on Sunday 25 October 2026 (Europe/Berlin, UTC+1)",
        ),
        (
            datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
            "America/St_Johns",
            "20:30 thứ Tư 31/12/2025 (America/St_Johns, UTC-3:30)",
            "20:30 on Wednesday 31 December 2025 (America/St_Johns, UTC-3:30)",
        ),
    ],
)
def test_an_instant_is_read_in_its_zone_and_says_which(at: datetime, timezone: str, vi: str, en: str) -> None:
    assert moment(at, timezone, "vi") == vi
    assert moment(at, timezone, "en") == en


@pytest.mark.parametrize(
    ("left", "language", "words"),
    [
        (timedelta(minutes=135), "vi", "135"),
        (timedelta(hours=40), "vi", "2.400"),
        (timedelta(hours=40), "en", "2,400"),
        (timedelta(seconds=59), "en", "0"),
        (timedelta(minutes=-5), "en", "0"),
    ],
)
def test_working_minutes_are_whole_and_never_negative(left: timedelta, language: Language, words: str) -> None:
    assert working_minutes(left, language) == words
