"""The API's refusals, in the officer's language: what is wrong, where, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from kit.errors import FieldError, RefusedError
from schemas.values import Language, LocalText
from services.routing.domain.moves import Refused
from services.routing.domain.sentences import fill

SIGN_IN: Final = LocalText(vi="Hãy đăng nhập", en="Sign in")
NOT_ALLOWED: Final = LocalText(vi="Không được phép", en="Not allowed")
NOT_FOUND: Final = LocalText(vi="Không tìm thấy", en="Not found")
NOT_VALID: Final = LocalText(vi="Chưa hợp lệ", en="Not valid")
NOT_NOW: Final = LocalText(vi="Lúc này chưa thực hiện được", en="Not possible now")
FASTER: Final = LocalText(vi="Đã có người nhanh hơn", en="Somebody was faster")
NO_VERSION: Final = LocalText(vi="Không có phiên bản này", en="There is no such version")
UNMATCHED: Final = LocalText(vi="Thiếu If-Match", en="If-Match is missing")

NO_TOKEN: Final = LocalText(
    vi="Hãy gửi `Authorization: Bearer TOKEN` với mã truy cập lấy từ `helpdesk token create OFFICER`.",
    en="Send `Authorization: Bearer TOKEN` with a token from `helpdesk token create OFFICER`.",
)
BAD_TOKEN: Final = LocalText(
    vi="Mã truy cập này không tồn tại hoặc đã hết hạn; hãy đề nghị quản trị viên cấp mã mới.",
    en="This token is unknown or has expired. Ask an administrator for a new one.",
)
NO_TICKET: Final = LocalText(
    vi="Không có yêu cầu này trong số các yêu cầu bạn được xem; hãy kiểm tra lại mã tra cứu.",
    en="There is no such ticket among those you may see. Check the reference.",
)
READ_ONLY: Final = LocalText(
    vi="Bạn chỉ được xem yêu cầu này; hãy nhờ một cán bộ của nhóm {group} xử lý.",
    en="You may read this ticket but not work on it. Ask an officer of the group {group}.",
)
CHANGED: Final = LocalText(
    vi="Yêu cầu đã thay đổi sau khi bạn đọc. Hãy xem `current`, rồi quyết định lại với phiên bản của nó.",
    en="The ticket changed since you read it. Look at `current`, then decide again with its version.",
)
NEVER_WAS: Final = LocalText(
    vi="Yêu cầu đang ở phiên bản {version} và chưa từng có phiên bản {seen}. Hãy đọc lại yêu cầu rồi gửi `ETag` của nó.",
    en="The ticket is at version {version} and never had a version {seen}. Read it again and send its `ETag`.",
)
IF_MATCH_MISSING: Final = LocalText(
    vi="Hãy gửi `ETag` của yêu cầu như bạn đã đọc trong `If-Match`, để không ghi đè lên việc của người khác.",
    en="Send the `ETag` of the ticket as you saw it in `If-Match`, so that nobody's work is overwritten.",
)
IF_MATCH_BAD: Final = LocalText(vi='Hãy gửi nguyên ETag đã nhận, ví dụ "3".', en='Send the ETag as it was given, such as "3".')
GROUP_UNSEEN: Final = LocalText(
    vi="Bạn không được xem nhóm này; các nhóm bạn được xem: {groups}.", en="You do not see this group. Those you see are: {groups}."
)
NOTHING_SEEN: Final = LocalText(
    vi="Bạn không được xem nhóm nào trong phạm vi này; các nhóm bạn được xem: {groups}.",
    en="You see none of the groups this is about. Those you see are: {groups}.",
)
NO_SUCH_UNIT: Final = LocalText(
    vi="Không có đơn vị “{unit}”; hãy chọn một đơn vị hiện có.", en="There is no unit {unit}; choose an existing one."
)
BAD_CURSOR: Final = LocalText(
    vi="Con trỏ trang không hợp lệ. Hãy lấy `next` của trang trước, hoặc bỏ trống để bắt đầu từ đầu.",
    en="This is not a cursor of ours. Take `next` from the page before, or leave it out to begin at the top.",
)
BAD_PERIOD: Final = LocalText(
    vi="Hãy chọn ngày đầu không sau ngày cuối, trong các năm 1970 đến 9000.",
    en="Choose a first day that is not after the last, within the years 1970 to 9000.",
)

PART_OF_WHAT: Final = LocalText(
    vi="Hãy nêu cả `unit`: `part` là một đơn vị trực thuộc đơn vị đó.", en="Name `unit` as well: `part` is a unit right below it."
)


def refused(
    language: Language,
    status: int,
    title: LocalText,
    sentence: LocalText,
    *,
    field: str | None = None,
    extra: dict[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> RefusedError:
    """The refusal, to be raised; with `field` the part of the request at fault."""
    text = sentence.in_language(language)
    errors = [FieldError(field, text)] if field else []
    return RefusedError(text, status=status, title=title.in_language(language), errors=errors, extra=extra, headers=headers)


def against_the_rules(refusal: Refused, language: Language) -> RefusedError:
    """403 when whoever asks may not, 409 when the ticket's state stands in the way, 422 when the command itself is wrong."""
    if not refusal.allowed:
        return refused(language, 403, NOT_ALLOWED, refusal.sentence)
    status, title = (409, NOT_NOW) if refusal.conflict else (422, NOT_VALID)
    return refused(language, status, title, refusal.sentence, field=refusal.field)


def unseen(language: Language, sentence: LocalText, field: str, sees: frozenset[str]) -> RefusedError:
    return refused(language, 403, NOT_ALLOWED, fill(sentence, groups=", ".join(sorted(sees)) or "-"), field=field)
