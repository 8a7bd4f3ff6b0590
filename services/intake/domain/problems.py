"""What is wrong with something a person sent: which field, why, and a sentence that tells the remedy in their language."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from schemas.numbers import grouped
from schemas.text import clean_line
from schemas.values import Language
from services.intake.domain.kinds import KIND_NAMES

Param = str | int

MOST_UNKNOWN: Final = 10
MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class FieldProblem:
    """`field` is the path in the JSON body (`business.name`, `attachments.0`; empty: the whole body)."""

    field: str
    key: str
    params: Mapping[str, Param] = dataclasses.field(default_factory=dict)


class Invalid(ValueError):
    """What came in cannot be accepted; `problems` holds every reason, in the order of the fields."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.key}" for problem in problems))
        self.problems = problems


def unknown_fields(found: Mapping[str, object], known: Collection[str]) -> list[str]:
    """The first few names that are not known, fit to be shown; a body may hold any number of them."""
    unknown = (name for name in found if name not in known)
    return [clean_line(str(name)[:MOST_SHOWN])[:40] for name in islice(unknown, MOST_UNKNOWN)]


def sentence(problem: FieldProblem, language: Language) -> str:
    """The problem in words. Numbers are grouped as the language does."""
    vi, en = WORDING[problem.key]
    shown = {name: _shown(name, value, language) for name, value in problem.params.items()}
    return (en if language == "en" else vi).format(**shown)


def _shown(name: str, value: Param, language: Language) -> str:
    if isinstance(value, str):
        kind_vi, kind_en = KIND_NAMES.get(value, (value, value)) if name == "found" else (value, value)
        return kind_en if language == "en" else kind_vi
    return grouped(value, language)


WORDING: Final[Mapping[str, tuple[str, str]]] = {
    "not_an_object": (
        'Phần này phải là một đối tượng JSON, ví dụ {{"text": "…"}}.',
        'This must be a JSON object, for example {{"text": "…"}}.',
    ),
    "not_text": ("Trường này phải là một chuỗi ký tự.", "This must be a string."),
    "not_utf8": (
        "Nội dung này không phải UTF-8 nên không đọc được hết. Vui lòng nhập lại.",
        "This did not arrive as UTF-8, so not all of it can be read. Type it again.",
    ),
    "not_a_list": (
        'Phần này phải là một danh sách JSON, ví dụ [{{"filename": "to-khai.pdf", "content": "…"}}].',
        'This must be a JSON list, for example [{{"filename": "declaration.pdf", "content": "…"}}].',
    ),
    "filename_missing": ("Vui lòng ghi tên tệp.", "Give the name of the file."),
    "not_base64": (
        "Vui lòng gửi nội dung tệp dưới dạng base64 (RFC 4648), không xuống dòng.",
        "Send the content of the file as base64 (RFC 4648) without line breaks.",
    ),
    "conversation_missing": (
        "Vui lòng ghi mã cuộc trò chuyện trên kênh chat.",
        "Give the id that the chat platform has for the conversation.",
    ),
    "id_long": (
        "Mã này dài {length} ký tự; tối đa là {longest} ký tự.",
        "This id is {length} characters long; {longest} is the most there can be.",
    ),
    "unknown_field": (
        "Không có trường “{name}”. Các trường được chấp nhận: {known}.",
        "There is no field “{name}”. The fields accepted are: {known}.",
    ),
    "topic_missing": ("Vui lòng chọn lĩnh vực vướng mắc.", "Choose the topic of your difficulty."),
    "topic_unknown": (
        "Không có lĩnh vực “{value}”. Vui lòng chọn một trong các lĩnh vực: {known}.",
        "There is no topic “{value}”. Choose one of: {known}.",
    ),
    "unit_unknown": (
        "Không có đơn vị “{value}”. Vui lòng chọn một đơn vị trong danh sách, hoặc để trống nếu chưa rõ.",
        "There is no unit “{value}”. Choose one from the list, or leave this empty if you do not know.",
    ),
    "subject_long": (
        "Tiêu đề dài {length} ký tự. Vui lòng rút gọn còn tối đa {longest} ký tự.",
        "The subject is {length} characters long. Shorten it to {longest} characters or fewer.",
    ),
    "text_missing": ("Vui lòng mô tả vướng mắc của doanh nghiệp.", "Describe your difficulty."),
    "text_long": (
        "Nội dung dài {length} ký tự. Vui lòng rút gọn còn tối đa {longest} ký tự, hoặc gửi phần còn lại trong tệp đính kèm.",
        "The text is {length} characters long. Shorten it to {longest} characters or fewer, or put the rest in an attached file.",
    ),
    "message_missing": (
        "Vui lòng nhập nội dung, kể cả khi chỉ gửi tệp.",
        "Write your message, even if you are only sending files.",
    ),
    "business_name_missing": ("Vui lòng nhập tên doanh nghiệp.", "Enter the name of your business."),
    "business_name_long": (
        "Tên doanh nghiệp dài {length} ký tự. Vui lòng rút gọn còn tối đa {longest} ký tự.",
        "The name of the business is {length} characters long. Shorten it to {longest} characters or fewer.",
    ),
    "tax_code_malformed": (
        "Mã số thuế gồm 10 chữ số, hoặc 10 và 3 chữ số như 0101234567-001 (hộ kinh doanh: 12 chữ số). Vui lòng kiểm tra hoặc để trống.",
        "A tax code has 10 digits, or 10 and 3 digits like 0101234567-001 (household businesses: 12 digits). Check it, or leave it empty.",
    ),
    "contact_name_long": (
        "Họ tên dài {length} ký tự. Vui lòng rút gọn còn tối đa {longest} ký tự.",
        "The contact's name is {length} characters long. Shorten it to {longest} characters or fewer.",
    ),
    "contact_missing": (
        "Vui lòng nhập địa chỉ thư điện tử hoặc số điện thoại để chúng tôi trả lời.",
        "Enter an email address or a telephone number, so that we can answer you.",
    ),
    "email_malformed": (
        "Vui lòng nhập địa chỉ thư điện tử đúng dạng, ví dụ ten@congty.vn.",
        "Enter an email address in the correct format, like name@company.vn.",
    ),
    "email_long": (
        "Địa chỉ thư điện tử dài {length} ký tự; tối đa là {longest} ký tự. Vui lòng kiểm tra lại.",
        "The email address is {length} characters long; {longest} is the most there can be. Check it.",
    ),
    "phone_malformed": (
        "Vui lòng nhập số điện thoại, ví dụ 0912 345 678 hoặc +84 24 3944 0833.",
        "Enter a telephone number, like 0912 345 678 or +84 24 3944 0833.",
    ),
    "language_unknown": (
        "Không hỗ trợ ngôn ngữ “{value}”. Vui lòng dùng “vi” hoặc “en”.",
        "The language “{value}” is not supported. Use “vi” or “en”.",
    ),
    "files_many": (
        "Có {count} tệp. Vui lòng gửi tối đa {most} tệp mỗi lần; có thể gộp nhiều tệp thành một tệp ZIP.",
        "There are {count} files. Send at most {most} at a time; several can be put into one ZIP file.",
    ),
    "files_large": (
        "Tổng dung lượng các tệp là {size} MB. Vui lòng gửi tối đa {most} MB mỗi lần; phần còn lại có thể gửi bổ sung sau.",
        "The files come to {size} MB together. Send at most {most} MB at a time; you can add the rest afterwards.",
    ),
    "file_large": (
        "Tệp “{name}” nặng {size} MB. Mỗi tệp tối đa {most} MB: vui lòng nén hoặc chia nhỏ tệp.",
        "The file “{name}” has {size} MB. Each file may have at most {most} MB: compress or split it.",
    ),
    "file_empty": (
        "Tệp “{name}” không có nội dung. Vui lòng kiểm tra và chọn lại tệp.",
        "The file “{name}” is empty. Check it and choose it again.",
    ),
    "file_blocked": (
        "Không nhận tệp “{name}” vì loại tệp này có thể chạy chương trình. Vui lòng gửi dưới dạng PDF, ảnh, Word hoặc Excel.",
        "The file “{name}” is not accepted, because files of its type can run programs. Send it as PDF, picture, Word or Excel.",
    ),
    "file_runs": (
        (
            "Tệp “{name}” có đuôi .{extension} nhưng nội dung là chương trình hoặc có thể chạy chương trình, nên không được nhận. "
            "Vui lòng kiểm tra xem đã chọn đúng tệp chưa."
        ),
        (
            "The file “{name}” is named .{extension}, but its content is a program or can run one, so it is not accepted. "
            "Check that you chose the right file."
        ),
    ),
    "file_differs": (
        "Tệp “{name}” có đuôi .{extension} nhưng nội dung là {found}. Vui lòng mở tệp, lưu lại đúng định dạng rồi chọn lại.",
        "The file “{name}” is named .{extension}, but its content is {found}. Open it, save it in the right format and choose it again.",
    ),
    "file_left": (
        "Tệp “{name}” không được lưu, vì thư có quá nhiều tệp hoặc tổng dung lượng quá lớn. Vui lòng gửi tệp này trong một thư khác.",
        "The file “{name}” was not kept, because the mail had too many files or they were too large together. Send it in another mail.",
    ),
    "unavailable": (
        "Dịch vụ tạm thời gián đoạn nên nội dung chưa được lưu. Vui lòng gửi lại sau một phút: nội dung vẫn còn bên dưới.",
        "The service is not available, so this was not stored yet. Send it again in a minute: what you typed is still below.",
    ),
    "submission_stale": (
        "Biểu mẫu đã quá cũ. Vui lòng kiểm tra nội dung và gửi lại.",
        "This form is out of date. Check what you entered and send it again.",
    ),
    "form_incomplete": (
        "Biểu mẫu không đến đầy đủ nên chưa có nội dung nào được lưu. Vui lòng kiểm tra nội dung, chọn lại các tệp và gửi lại.",
        "Not all of the form arrived, so nothing was stored. Check what you entered, choose your files again and send it once more.",
    ),
}
"""Vietnamese and English, by the key of the problem."""
