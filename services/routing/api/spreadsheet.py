"""A report as a table for a spreadsheet: CSV in UTF-8 with the mark by which Excel knows it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi import Response

from schemas.organisation import Organisation
from schemas.values import Language, LocalText
from services.routing.api.figures import OnTime
from services.routing.reports import Dimension

MEDIA_TYPE: Final = "text/csv"
BYTE_ORDER_MARK: Final = "\ufeff"

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so is computed by a spreadsheet and not shown (OWASP, CSV injection); full-width signs are taken for the others."""

DIMENSIONS: Final[Mapping[Dimension, LocalText]] = {
    "unit": LocalText(vi="Đơn vị", en="Unit"),
    "group": LocalText(vi="Nhóm hỗ trợ", en="Support group"),
    "topic": LocalText(vi="Lĩnh vực", en="Topic"),
    "channel": LocalText(vi="Kênh tiếp nhận", en="Channel"),
    "member_tier": LocalText(vi="Hạng thành viên", en="Member tier"),
    "officer": LocalText(vi="Cán bộ", en="Officer"),
    "month": LocalText(vi="Tháng", en="Month"),
}
COLUMNS: Final = (
    LocalText(vi="Đúng hạn", en="Met"),
    LocalText(vi="Trễ hạn", en="Missed"),
    LocalText(vi="Đã kết thúc", en="Finished"),
    LocalText(vi="Tỷ lệ đúng hạn (%)", en="On time (%)"),
    LocalText(vi="Đã hủy", en="Cancelled"),
    LocalText(vi="Quá hạn, chưa xong", en="Open and overdue"),
    LocalText(vi="Thời gian xử lý trung bình (giờ làm việc)", en="Average working time (hours)"),
)
TOO_FEW: Final = LocalText(vi="Quá ít để tính tỷ lệ", en="Too few to rate")
TOTAL: Final = LocalText(vi="Tổng cộng", en="Total")

CHANNELS: Final[Mapping[str, LocalText]] = {
    "form": LocalText(vi="Biểu mẫu trực tuyến", en="Web form"),
    "api": LocalText(vi="Kết nối API", en="API"),
    "email": LocalText(vi="Thư điện tử", en="E-mail"),
    "chat": LocalText(vi="Trò chuyện", en="Chat"),
}
NOBODY: Final[Mapping[Dimension, LocalText]] = {
    "officer": LocalText(vi="Chưa ai nhận", en="Nobody"),
    "member_tier": LocalText(vi="Không phải thành viên", en="No member"),
}
UNKNOWN: Final = LocalText(vi="Không rõ", en="Unknown")


def name_of(dimension: Dimension, key: str | None, org: Organisation, language: Language) -> str:
    """What a person calls it; what the organisation no longer has is called by its key."""
    if key is None:
        return NOBODY.get(dimension, UNKNOWN).in_language(language)
    if dimension == "month":
        return f"{key[5:]}/{key[:4]}"
    if dimension == "officer":
        officer = org.officer(key)
        return officer.name if officer else key
    found = {"unit": org.unit, "group": org.group, "topic": org.topic}.get(dimension, lambda _: None)(key)
    name = found.name if found else CHANNELS.get(key) if dimension == "channel" else None
    return name.in_language(language) if name else key


def spreadsheet(by: Sequence[Dimension], rows: Sequence[OnTime], language: Language, filename: str) -> Response:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    heads = [DIMENSIONS[name] for name in by] or [TOTAL]
    table.writerow(guarded(head.in_language(language)) for head in (*heads, *COLUMNS))
    for row in rows:
        table.writerow(_cells(row, by, language))
    disposition = {"Content-Disposition": f'attachment; filename="{filename}.csv"'}
    return Response((BYTE_ORDER_MARK + text.getvalue()).encode(), media_type=MEDIA_TYPE, headers=disposition)


def guarded(cell: str) -> str:
    """With an apostrophe before what would be taken for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def _cells(row: OnTime, by: Sequence[Dimension], language: Language) -> Iterator[str | int]:
    yield from (guarded(row.names[name]) for name in by)
    if not by:
        yield ""
    yield from (row.met, row.missed, row.finished)
    yield TOO_FEW.in_language(language) if row.rate is None else _decimal(row.rate * 100, language)
    yield row.cancelled
    yield "" if row.overdue is None else row.overdue
    average = row.average_working_time
    yield "" if average is None else _decimal(average.total_seconds() / 3600, language)


def _decimal(value: float, language: Language) -> str:
    """With the comma of a Vietnamese spreadsheet, where a dot would make a date or a text of it."""
    return f"{value:.1f}".replace(".", "," if language == "vi" else ".")
