"""Times as people read them."""

from datetime import UTC, datetime

import pytest

from schemas.values import Language
from services.notifier.local_time import local_time

AT = datetime(2026, 11, 29, 17, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "language", "expected"),
    [
        ("Asia/Ho_Chi_Minh", "vi", "00:05, thứ Hai, 30/11/2026 (giờ Việt Nam, UTC+7)"),
        ("Asia/Ho_Chi_Minh", "en", "00:05, Monday 30 November 2026 (Viet Nam time, UTC+7)"),
        ("America/St_Johns", "en", "13:35, Sunday 29 November 2026 (America/St_Johns, UTC-3:30)"),
        ("UTC", "vi", "17:05, Chủ nhật, 29/11/2026 (giờ UTC, UTC+0)"),
        ("Europe/Berlin", "vi", "18:05, Chủ nhật, 29/11/2026 (giờ Europe/Berlin, UTC+1)"),
    ],
)
def test_an_instant_is_shown_in_the_groups_zone_with_the_zone(timezone: str, language: Language, expected: str) -> None:
    assert local_time(AT, timezone, language) == expected
