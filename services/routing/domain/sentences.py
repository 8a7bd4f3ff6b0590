"""The sentences this domain says to people, in both languages; `{names}` are filled in."""

from typing import Final

from schemas.values import LocalText, TicketStatus

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

# --- reasons: why the ticket is where it is ----------------------------------------------------------------------

BY_RULE: Final = LocalText(vi="Quy tắc “{rule}”: {why}", en="Rule “{rule}”: {why}")
EVERYTHING: Final = LocalText(vi="áp dụng cho mọi yêu cầu", en="it applies to every request")
TOPIC_IS: Final = LocalText(vi="chủ đề {topic}", en="topic {topic}")
UNIT_IS: Final = LocalText(vi="đơn vị {unit}", en="unit {unit}")
NO_UNIT: Final = LocalText(vi="không nêu đơn vị", en="no unit named")
CHANNEL_IS: Final = LocalText(vi="kênh {channel}", en="channel {channel}")
LANGUAGE_IS: Final = LocalText(vi="ngôn ngữ {language}", en="language {language}")
WORD_IS: Final = LocalText(vi="có từ “{word}”", en="the words “{word}”")
ADDRESSED: Final = LocalText(vi="Doanh nghiệp gửi thẳng đến nhóm {group}", en="The business wrote to {group} itself")
TOPIC_OWNER: Final = LocalText(vi="{group} phụ trách chủ đề này tại {unit}", en="{group} owns this topic at {unit}")
FOCAL_POINT: Final = LocalText(
    vi="Không có quy tắc nào phù hợp; chuyển đến đầu mối tiếp nhận {group}", en="No rule matched; it goes to the focal point, {group}"
)
RELEASED: Final = LocalText(vi="Trả lại hàng đợi của nhóm", en="Put back into the group's queue")
STEP_PERCENT: Final = LocalText(vi="Đã dùng {percent} % thời hạn", en="{percent} % of the target is used up")
STEP_AFTER_HOURS: Final = LocalText(vi="Quá hạn {hours} giờ làm việc", en="{hours} working hours after the miss")
STEP_AFTER_DAYS: Final = LocalText(vi="Quá hạn {days} ngày làm việc", en="{days} working days after the miss")
TAKEN_OVER: Final = LocalText(vi="{because}; {group} tiếp nhận", en="{because}; {group} takes over")
NO_GROUP_ABOVE: Final = LocalText(
    vi="{because}; không có nhóm cấp trên nên {group} tiếp tục xử lý", en="{because}; there is no group above, so {group} keeps it"
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
