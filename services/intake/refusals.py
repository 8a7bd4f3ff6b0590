"""Why something is refused as a whole, in the language of whoever sent it: title, and a sentence that says what to do."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from kit.errors import FieldError, RefusedError
from schemas.values import Language
from services.intake.domain.problems import FieldProblem, sentence

Kind = Literal[
    "invalid",
    "not_json",
    "name_twice",
    "media_type",
    "key_malformed",
    "key_repeated",
    "key_used",
    "webhook_id_used",
    "no_account",
    "too_large",
    "bad_link",
    "expired_link",
    "file_gone",
    "cannot_answer",
]


class Refusal(RefusedError):
    """A refusal of a known kind, worded in the caller's language."""

    def __init__(self, kind: Kind, language: Language, *, errors: Sequence[FieldError] = (), **params: object) -> None:
        status, *worded = WORDING[kind]
        title, detail = worded[1 if language == "en" else 0]
        super().__init__(detail.format(**params), status=status, title=title, errors=errors)
        self.kind: Final = kind


def invalid(problems: Sequence[FieldProblem], language: Language) -> Refusal:
    """Every problem with its field; the sentence of the whole names the fields."""
    errors = [FieldError(problem.field or "body", sentence(problem, language)) for problem in problems]
    return Refusal("invalid", language, errors=errors, fields=", ".join(error.field for error in errors))


_Worded = tuple[str, str]

WORDING: Final[Mapping[Kind, tuple[int, _Worded, _Worded]]] = {
    "invalid": (
        422,
        ("Nội dung chưa hợp lệ", "Vui lòng sửa các trường sau rồi gửi lại: {fields}."),
        ("The content is not valid", "Correct these and send it again: {fields}."),
    ),
    "not_json": (
        400,
        ("Không phải JSON hợp lệ", "Vui lòng sửa cú pháp JSON rồi gửi lại: {reason}."),
        ("Not valid JSON", "Correct the JSON syntax and send it again: {reason}."),
    ),
    "name_twice": (
        400,
        ("Khóa lặp lại trong JSON", "Khóa “{name}” xuất hiện hai lần trong cùng một đối tượng JSON. Vui lòng chỉ giữ một."),
        ("A name stands twice", "The name “{name}” stands twice in the same JSON object. Keep one of them."),
    ),
    "media_type": (
        415,
        ("Sai kiểu nội dung", "Vui lòng gửi JSON với tiêu đề `Content-Type: application/json`."),
        ("Wrong media type", "Send JSON with the header `Content-Type: application/json`."),
    ),
    "key_malformed": (
        400,
        ("Idempotency-Key không hợp lệ", "Tiêu đề Idempotency-Key phải có từ 1 đến 200 ký tự ASCII in được, ví dụ một UUID."),
        ("The Idempotency-Key is not valid", "The header Idempotency-Key must have 1 to 200 printable ASCII characters, like a UUID."),
    ),
    "key_repeated": (
        400,
        ("Idempotency-Key lặp lại", "Tiêu đề Idempotency-Key xuất hiện {count} lần. Vui lòng chỉ gửi một lần."),
        ("More than one Idempotency-Key", "The header Idempotency-Key stands {count} times. Send it once."),
    ),
    "key_used": (
        409,
        ("Khóa đã được sử dụng", "Idempotency-Key này đã dùng cho một nội dung khác. Vui lòng dùng khóa mới cho nội dung mới."),
        ("Key used before", "This Idempotency-Key was used for another content. Use a new key for new content."),
    ),
    "webhook_id_used": (
        409,
        ("Mã tin nhắn đã được sử dụng", "`webhook-id` này đã dùng cho một tin nhắn khác. Vui lòng dùng mã mới cho mỗi tin nhắn mới."),
        ("The id was used before", "This `webhook-id` was used for another message. Use a new one for each new message."),
    ),
    "no_account": (
        404,
        ("Không tìm thấy", "Không có tài khoản chat này. Các tài khoản được khai báo ở mục `chat_accounts` của tệp tổ chức."),
        ("Not found", "There is no such chat account. Accounts stand in the organisation file under `chat_accounts`."),
    ),
    "too_large": (
        413,
        ("Dữ liệu quá lớn", "Vui lòng gửi tối đa {most} MB mỗi lần."),
        ("Too large", "Send at most {most} MB at a time."),
    ),
    "bad_link": (
        404,
        ("Không tìm thấy", "Không có yêu cầu nào ứng với mã tra cứu và đường dẫn này. Vui lòng dùng nguyên vẹn đường dẫn đã nhận được."),
        ("Not found", "There is no request for this reference and token. Use the link exactly as you received it."),
    ),
    "expired_link": (
        410,
        (
            "Đường dẫn đã hết hạn",
            "Yêu cầu vẫn được lưu giữ. Vui lòng dùng đường dẫn trong thư gần nhất, trả lời thư đó, hoặc liên hệ đơn vị phụ trách.",
        ),
        (
            "The link has expired",
            "Your request is still here. Use the link in our latest mail, answer that mail, or contact the group in charge.",
        ),
    ),
    "file_gone": (
        404,
        ("Không tìm thấy", "Không có tệp này trong yêu cầu của đường dẫn. Vui lòng mở lại trang theo dõi yêu cầu."),
        ("Not found", "There is no such file on the request of this link. Open the status page again."),
    ),
    "cannot_answer": (
        409,
        ("Yêu cầu đã khép lại", "Yêu cầu này không nhận thêm nội dung. Vui lòng gửi yêu cầu mới."),
        ("The request is over", "This request takes no more messages. Send a new request."),
    ),
}
"""HTTP status, Vietnamese and English, by kind."""
