"""The sentences this domain says to people, in both languages; `{names}` are filled in."""

from typing import Final

from schemas.values import LocalText, Priority, TicketStatus

STATUS: Final[dict[TicketStatus, LocalText]] = {
    "new": LocalText(vi="mới", en="new"),
    "open": LocalText(vi="đang xử lý", en="open"),
    "waiting": LocalText(vi="chờ doanh nghiệp", en="waiting for the business"),
    "referred": LocalText(vi="đã chuyển cơ quan khác", en="referred to another authority"),
    "resolved": LocalText(vi="đã giải quyết", en="resolved"),
    "closed": LocalText(vi="đã đóng", en="closed"),
    "merged": LocalText(vi="đã gộp", en="merged"),
    "rejected": LocalText(vi="bị từ chối", en="rejected"),
}

PRIORITY: Final[dict[Priority, LocalText]] = {
    "low": LocalText(vi="thấp", en="low"),
    "normal": LocalText(vi="bình thường", en="normal"),
    "high": LocalText(vi="cao", en="high"),
    "urgent": LocalText(vi="khẩn", en="urgent"),
}

# --- refusals: why not, and what to do instead -------------------------------------------------------------------

NO_SUCH_MOVE: Final = LocalText(
    vi="Yêu cầu ở trạng thái “{current}” không thể chuyển sang “{wanted}”; chỉ có thể chuyển sang: {ways}.",
    en="A ticket that is {current} cannot become {wanted}; from here it can become: {ways}.",
)
NO_MOVE_LEFT: Final = LocalText(
    vi="Yêu cầu ở trạng thái “{current}” không thể chuyển sang “{wanted}”; đây là trạng thái cuối cùng, hãy lập yêu cầu mới.",
    en="A ticket that is {current} cannot become {wanted}; this status is final, so open a new request instead.",
)
OVER: Final = LocalText(
    vi="Yêu cầu đang ở trạng thái “{current}” nên không thể trả lời hay chuyển giao; "
    "hãy ghi chú nội bộ, hoặc mở lại yêu cầu nếu trạng thái cho phép.",
    en="The ticket is {current}, so it can be neither answered nor handed on; add a note, or reopen it where that is possible.",
)
NOT_IN_PROGRESS: Final = LocalText(
    vi="Yêu cầu đang ở trạng thái “{current}”; hãy mở lại yêu cầu trước.",
    en="The ticket is {current}; reopen it first.",
)
HELD: Final = LocalText(
    vi="{officer} đang giữ yêu cầu này đến {until}; hãy để lại ghi chú, hoặc nhờ trưởng nhóm hay người giám sát phân công lại.",
    en="{officer} holds this ticket until {until}; leave a note, or ask the group's lead or a supervisor to assign it.",
)
NOT_A_MEMBER: Final = LocalText(
    vi="{officer} không thuộc nhóm {group}; hãy chọn một cán bộ của nhóm đó.",
    en="{officer} does not belong to the group {group}; choose one of its officers.",
)
NO_SUCH_GROUP: Final = LocalText(
    vi="Không có nhóm “{key}”; hãy chọn một nhóm hiện có.", en="There is no group {key}; choose an existing one."
)
NO_SUCH_OFFICER: Final = LocalText(
    vi="Không có cán bộ “{key}”; hãy chọn một cán bộ hiện có.", en="There is no officer {key}; choose an existing one."
)
NOBODY_NAMED: Final = LocalText(
    vi="Hãy nêu nhóm hoặc cán bộ sẽ nhận yêu cầu.", en="Name the group or the officer who is to have the ticket."
)
ALREADY_THERE: Final = LocalText(
    vi="Yêu cầu đã ở đúng nơi này; hãy chọn nhóm hoặc cán bộ khác.", en="The ticket is already there; choose another group or officer."
)
ALREADY_THIS_URGENT: Final = LocalText(
    vi="Yêu cầu đã ở mức ưu tiên “{priority}”; hãy chọn mức khác.",
    en="The priority of this ticket is {priority} already; choose another.",
)
NOBODY_HOLDS: Final = LocalText(vi="Hiện không ai giữ yêu cầu này.", en="Nobody holds this ticket, so there is nothing to release.")
TEXT_MISSING: Final = LocalText(vi="Hãy nhập nội dung.", en="Write something; the text is empty.")
REASON_MISSING: Final = LocalText(vi="Hãy nêu lý do.", en="Give the reason.")
AUTHORITY_MISSING: Final = LocalText(vi="Hãy nêu cơ quan tiếp nhận.", en="Name the authority it goes to.")
LEGAL_BASIS_MISSING: Final = LocalText(vi="Hãy nêu căn cứ pháp lý của việc từ chối.", en="Name the legal basis of the refusal.")
NEVER_ANSWERED: Final = LocalText(
    vi="Doanh nghiệp chưa nhận được trả lời nào; hãy viết nội dung cho biết vướng mắc đã được giải quyết thế nào.",
    en="The business has not been answered yet; give the text that tells it how the difficulty was solved.",
)
NOTHING_TO_REOPEN: Final = LocalText(
    vi="Yêu cầu đang ở trạng thái “{current}” nên không cần mở lại.", en="The ticket is {current}, so there is nothing to reopen."
)

ADMINISTRATORS_ONLY: Final = LocalText(
    vi="Chỉ quản trị viên được sửa kết quả hoặc thời hạn; hãy đề nghị một quản trị viên.",
    en="Only an administrator may correct a verdict or a deadline; ask one.",
)
NO_SUCH_CLOCK: Final = LocalText(
    vi="Yêu cầu này không có đồng hồ “{clock}”; các đồng hồ hiện có: {clocks}.",
    en="This ticket has no clock {clock}. Those it has are: {clocks}.",
)
NOTHING_TO_REPAIR: Final = LocalText(
    vi="Hãy nêu kết quả đúng (`verdict`), thời hạn đúng (`due_at`), hoặc cả hai.",
    en="Give the right verdict (`verdict`), the right deadline (`due_at`), or both.",
)
REPAIRED_ALREADY: Final = LocalText(
    vi="Hồ sơ đã ghi đúng như vậy rồi; không có gì để sửa.", en="The record says so already; there is nothing to correct."
)
STILL_MEASURED: Final = LocalText(
    vi="Đồng hồ này còn đang chạy nên chưa có kết quả; chỉ có thể hủy (`cancelled`) hoặc sửa thời hạn (`due_at`).",
    en="This clock is still being measured and has no verdict yet; it can be cancelled, or given another `due_at`.",
)
PAUSED_HAS_NONE: Final = LocalText(
    vi="Đồng hồ này đang tạm dừng nên không có thời hạn để sửa; hãy sửa sau khi đồng hồ chạy lại.",
    en="This clock is paused and has no deadline to correct; do it once it runs again.",
)
DEADLINE_PAST: Final = LocalText(
    vi="Thời hạn mới của đồng hồ đang chạy phải ở sau thời điểm hiện tại.",
    en="The new deadline of a clock that is still being measured must lie ahead.",
)
DEADLINE_TOO_FAR: Final = LocalText(
    vi="Thời hạn này ở quá xa; hãy chọn thời hạn trong vòng mười năm tới.",
    en="This deadline is too far away; choose one within the next ten years.",
)
DEADLINE_BEFORE_START: Final = LocalText(
    vi="Thời hạn này ở trước lúc đồng hồ bắt đầu chạy; hãy chọn thời hạn muộn hơn.",
    en="This deadline lies before the clock started; choose a later one.",
)
NO_WORK_BEFORE: Final = LocalText(
    vi="Từ nay đến thời hạn này nhóm không có giờ làm việc nào (hoặc không có ngày làm việc nào kết thúc); hãy chọn thời hạn muộn hơn.",
    en="The group does not work (or no working day ends) between now and this deadline; choose a later one.",
)

# --- reasons: why the ticket is where it is ----------------------------------------------------------------------

BY_RULE: Final = LocalText(vi="Quy tắc “{rule}”: {why}", en="Rule “{rule}”: {why}")
EVERYTHING: Final = LocalText(vi="áp dụng cho mọi yêu cầu", en="it applies to every request")
TOPIC_IS: Final = LocalText(vi="lĩnh vực {topic}", en="topic {topic}")
UNIT_IS: Final = LocalText(vi="đơn vị {unit}", en="unit {unit}")
NO_UNIT: Final = LocalText(vi="không nêu đơn vị", en="no unit named")
CHANNEL_IS: Final = LocalText(vi="kênh {channel}", en="channel {channel}")
LANGUAGE_IS: Final = LocalText(vi="ngôn ngữ {language}", en="language {language}")
WORD_IS: Final = LocalText(vi="có từ “{word}”", en="the words “{word}”")
PRIORITY_IS: Final = LocalText(vi="mức ưu tiên {priority}", en="priority {priority}")
TIER_IS: Final = LocalText(vi="doanh nghiệp thành viên hạng {tier}", en="member of the tier {tier}")
PRIORITY_BY_RULE: Final = LocalText(
    vi="Mức ưu tiên {priority} theo quy tắc “{rule}”: {why}", en="Priority {priority} by the rule “{rule}”: {why}"
)
POLICY_IS: Final = LocalText(vi="Chính sách thời hạn “{policy}”: {why}", en="Policy “{policy}”: {why}")
POLICY_OF_LAST_RESORT: Final = LocalText(
    vi="Chính sách thời hạn “{policy}”: không có chính sách nào phù hợp nên áp dụng chính sách cuối cùng",
    en="Policy “{policy}”: no policy matches, so the last one applies",
)
ADDRESSED: Final = LocalText(vi="Doanh nghiệp gửi thẳng đến {group}", en="The business wrote to {group} itself")
TOPIC_OWNER: Final = LocalText(vi="{group} phụ trách lĩnh vực này tại {unit}", en="{group} owns this topic at {unit}")
FOCAL_POINT: Final = LocalText(
    vi="Không có quy tắc nào phù hợp; chuyển đến đầu mối tiếp nhận {group}", en="No rule matched; it goes to the focal point, {group}"
)
RELEASED: Final = LocalText(vi="Trả lại hàng đợi của nhóm", en="Put back into the group's queue")
STEP_PERCENT: Final = LocalText(vi="Đã dùng {percent} % thời hạn", en="{percent} % of the target is used up")
STEP_AFTER_AN_HOUR: Final = LocalText(vi="Quá hạn 1 giờ làm việc", en="1 working hour after the miss")
STEP_AFTER_HOURS: Final = LocalText(vi="Quá hạn {hours} giờ làm việc", en="{hours} working hours after the miss")
STEP_AFTER_A_DAY: Final = LocalText(vi="Quá hạn 1 ngày làm việc", en="1 working day after the miss")
STEP_AFTER_DAYS: Final = LocalText(vi="Quá hạn {days} ngày làm việc", en="{days} working days after the miss")
TAKEN_OVER: Final = LocalText(vi="{because}; {group} tiếp nhận", en="{because}; {group} takes over")
NO_GROUP_ABOVE: Final = LocalText(
    vi="{because}; không có nhóm cấp trên nên {group} tiếp tục xử lý", en="{because}; there is no group above, so {group} keeps it"
)
REVISION_LOADED: Final = LocalText(
    vi="Lịch làm việc hoặc chính sách thời hạn đã thay đổi (bản cấu hình số {revision})",
    en="The calendar or the policy changed (revision {revision} of the organisation)",
)
TO_AUTHORITY: Final = LocalText(vi="{because}; báo cáo {authority}", en="{because}; it goes to {authority}")

# --- parts of messages -------------------------------------------------------------------------------------------

LEGAL_BASIS: Final = LocalText(vi="Căn cứ pháp lý: {basis}", en="Legal basis: {basis}")


def fill(sentence: LocalText, **words: str | LocalText) -> LocalText:
    """The sentence with its gaps filled; a name in two languages goes into each in its own."""
    return LocalText(
        vi=sentence.vi.format(**{key: word if isinstance(word, str) else word.vi for key, word in words.items()}),
        en=sentence.en.format(**{key: word if isinstance(word, str) else word.en for key, word in words.items()}),
    )


def joined(parts: list[LocalText], mark: str = ", ") -> LocalText:
    return LocalText(vi=mark.join(part.vi for part in parts), en=mark.join(part.en for part in parts))


def statuses(*keys: TicketStatus) -> LocalText:
    return joined([STATUS[key] for key in keys])
