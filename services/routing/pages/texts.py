"""What officers' pages and printed explanations say, in Vietnamese and English side by side, so that neither can be forgotten."""

from collections.abc import Mapping
from typing import Final

from schemas.values import Language


def text(language: Language, key: str, **params: object) -> str:
    """The text of `key`; `params` fill its braces. An unknown key is a KeyError: a template's mistake."""
    vi, en = TEXTS[key]
    return (en if language == "en" else vi).format(**params)


TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "service": ("Hỗ trợ vướng mắc doanh nghiệp", "Help for businesses"),
    "skip": ("Chuyển đến nội dung chính", "Skip to main content"),
    "footer": (
        "Trang này không dùng mã lệnh và không tải gì từ nơi khác.",
        "This page runs no scripts and loads nothing from elsewhere.",
    ),
    "title": ("Cách tính thời hạn: {clock}", "How the deadline was reckoned: {clock}"),
    # Clocks
    "clock_first_response": ("Trả lời lần đầu", "First response"),
    "clock_next_response": ("Trả lời tiếp theo", "Next response"),
    "clock_resolution": ("Giải quyết", "Resolution"),
    "clock_hand_over": ("Bàn giao giữa các nhóm", "Hand-over"),
    "cycle": ("chu kỳ {cycle}", "cycle {cycle}"),
    "says_running": ("Đang chạy; thời hạn là {due}.", "Running; the deadline is {due}."),
    "says_overdue": ("Quá hạn, chưa xong; thời hạn là {due}.", "Overdue: not done, and the deadline was {due}."),
    "says_paused": (
        "Đang tạm dừng, vì vậy chưa có thời hạn. Còn lại {left}.",
        "Paused, so there is no deadline for now. Left: {left}.",
    ),
    "says_paused_missed": ("Đang tạm dừng; đã trễ hạn lúc {missed}.", "Paused; the deadline had passed at {missed}."),
    "says_met": ("Đúng hạn: xong lúc {finished}.", "On time: done at {finished}."),
    "says_missed": ("Trễ hạn: xong lúc {finished}, thời hạn là {due}.", "Missed: done at {finished}, the deadline was {due}."),
    "says_cancelled": ("Đã hủy lúc {finished}; không tính đúng hay trễ hạn.", "Cancelled at {finished}: neither met nor missed."),
    # Facts
    "facts": ("Tóm tắt", "In short"),
    "policy": ("Chính sách thời hạn", "Policy"),
    "policy_is": ("{policy}, bản {revision}", "{policy}, revision {revision}"),
    "target": ("Chỉ tiêu", "Target"),
    "target_hours": ("{value} giờ làm việc", "{value} working hours"),
    "receipt_counts": ("tính cả ngày nhận", "the day of receipt counts"),
    "receipt_does_not": ("không tính ngày nhận", "the day of receipt does not count"),
    "calendar": ("Lịch làm việc", "Calendar"),
    "started": ("Bắt đầu", "Started"),
    "due": ("Thời hạn", "Deadline"),
    "missed": ("Trễ hạn lúc", "Missed"),
    "finished": ("Kết thúc", "Finished"),
    "as_of": ("Tính đến", "Reckoned up to"),
    "spent": ("Đã dùng", "Spent"),
    "moved": ("Thời hạn được sửa", "Deadline moved"),
    "moved_by": ("{by}, do {who} sửa lúc {at}, vì: {because}", "{by}, by {who} at {at}, because: {because}"),
    "disagrees": (
        "Tổng dưới đây là {sum}, nhưng hồ sơ và báo cáo ghi {recorded}. Hãy báo cho quản trị viên.",
        "The stretches below sum to {sum}, but the record and the reports say {recorded}. Tell an administrator.",
    ),
    "left": ("Còn lại", "Left"),
    "over": ("Quá", "Over by"),
    "percent": ("Tỷ lệ thời hạn đã dùng", "Share of the target"),
    "days": ("{count} ngày làm việc", "{count} working days"),
    "one_day": ("{count} ngày làm việc", "{count} working day"),
    "days_counted": ("Các ngày đã tính", "Days counted"),
    "no_days": ("chưa có ngày nào", "none yet"),
    "days_carried": ("và {count} ngày theo lịch trước đó", "and {count} on the calendar before this one"),
    # Day by day
    "daily": ("Từng ngày", "Day by day"),
    "daily_caption": (
        "Thời gian được tính (đậm), tạm dừng (vàng) và không được tính (nhạt), theo {zone}. Những ngày giống nhau gộp thành một dòng.",
        "Time counted (dark), paused (yellow) and not counted (pale), in {zone}. Days that went alike share a row.",
    ),
    "measured_first": (
        "Tính theo lịch {calendar} ({zone}), chính sách {policy}",
        "Measured by the calendar {calendar} ({zone}), policy {policy}",
    ),
    "measured_from_here": (
        "Từ đây tính theo lịch {calendar} ({zone}), chính sách {policy}",
        "From here on measured by the calendar {calendar} ({zone}), policy {policy}",
    ),
    "day": ("Ngày", "Day"),
    "days_range": ("{count} ngày", "{count} days"),
    "pieces": ("Được tính và không được tính", "Counted and not counted"),
    "counted": ("Được tính", "Counted"),
    "total": ("Cộng dồn", "Running total"),
    "sum": ("Tổng cộng", "Sum"),
    "sum_is": ("đúng bằng thời gian đã dùng", "exactly what was spent"),
    "nothing_yet": ("Chưa có thời gian nào trôi qua.", "No time has passed yet."),
    # Notices
    "notices": ("Cảnh báo và thang báo cáo", "Warnings and ladder"),
    "notices_caption": ("Những gì đã xảy ra, sẽ xảy ra hoặc không xảy ra, và vì sao", "What came, will come or won’t, and why"),
    "step": ("Thang báo cáo: {what}", "Ladder: {what}"),
    "notice": ("Bước", "What"),
    "notice_state": ("Tình trạng", "State"),
    "notice_at": ("Thời điểm", "When"),
    "tells": ("Báo: {whom}", "Tells: {whom}"),
    "recorded": ("ghi nhận lúc {at}", "recorded {at}"),
    # The command
    "from": ("Từ", "From"),
    "to": ("Đến", "To"),
    "reason": ("Lý do", "Reason"),
    "times": ("{count} × {counted}", "{count} × {counted}"),
}
