"""Files of a mail that are not kept: each is named to the officers in the text, and the first few to whoever sent them."""

from email.message import EmailMessage

import pytest

from schemas.values import RefusedFiles
from services.intake.domain.files import LARGEST_FILE, MOST_FILES
from services.intake.domain.problems import FieldProblem
from services.intake.domain.refused import LONGEST_NAME_TOLD, MOST_TOLD, refused_files
from services.intake.mail.enclosures import Content, content_of
from services.intake.mail.parsing import parse

PDF = b"%PDF-1.7 to khai"
PROGRAM = b"MZ\x90\x00" + bytes(100)


async def content(*files: tuple[str, bytes]) -> Content:
    message = EmailMessage()
    message["From"], message["Subject"] = "lan@anbinh.example", "Tờ khai"
    message.set_content("Xin xem tệp.")
    for name, raw in files:
        message.add_attachment(raw, maintype="application", subtype="octet-stream", filename=name)
    return await content_of(parse(message.as_bytes()), "vi")


def empty(name: str) -> FieldProblem:
    return FieldProblem("file", "file_empty", {"name": name})


def told(refused: RefusedFiles | None) -> RefusedFiles:
    assert refused is not None
    return refused


@pytest.mark.parametrize(
    ("name", "raw", "vi", "en"),
    [
        (
            "a.pdf",
            PROGRAM,
            (
                "Tệp “a.pdf” có đuôi .pdf nhưng nội dung là chương trình hoặc có thể chạy chương trình, nên không được nhận. "
                "Vui lòng kiểm tra xem đã chọn đúng tệp chưa."
            ),
            (
                "The file “a.pdf” is named .pdf, but its content is a program or can run one, so it is not accepted. "
                "Check that you chose the right file."
            ),
        ),
        (
            "virus.exe",
            PROGRAM,
            "Không nhận tệp “virus.exe” vì loại tệp này có thể chạy chương trình. Vui lòng gửi dưới dạng PDF, ảnh, Word hoặc Excel.",
            "The file “virus.exe” is not accepted, because files of its type can run programs. Send it as PDF, picture, Word or Excel.",
        ),
        (
            "rỗng.pdf",
            b"",
            "Tệp “rỗng.pdf” không có nội dung. Vui lòng kiểm tra và chọn lại tệp.",
            "The file “rỗng.pdf” is empty. Check it and choose it again.",
        ),
        (
            "to.pdf",
            PDF + bytes(LARGEST_FILE),
            "Tệp “to.pdf” nặng 11 MB. Mỗi tệp tối đa 10 MB: vui lòng nén hoặc chia nhỏ tệp.",
            "The file “to.pdf” has 11 MB. Each file may have at most 10 MB: compress or split it.",
        ),
    ],
)
async def test_a_file_that_is_not_kept_is_named_with_the_reason_and_the_remedy(name: str, raw: bytes, vi: str, en: str) -> None:
    found = await content((name, raw), ("tờ khai.pdf", PDF))
    refused = told(found.refused)
    assert ([(each.vi, each.en) for each in refused.because], refused.more) == ([(vi, en)], 0)
    assert f"— Ghi chú của hệ thống: {vi}" in found.text
    assert [file.filename for file in found.accepted] == ["tờ khai.pdf"]


async def test_of_more_files_than_a_request_may_have_the_others_are_told_too() -> None:
    found = await content(*((f"{number}.pdf", PDF) for number in range(MOST_FILES + 2)))
    assert len(found.files) == MOST_FILES
    assert [each.en.partition(",")[0] for each in told(found.refused).because] == [
        "The file “10.pdf” was not kept",
        "The file “11.pdf” was not kept",
    ]


async def test_where_all_files_are_kept_nothing_is_told() -> None:
    found = await content(("tờ khai.pdf", PDF))
    assert (found.refused, "Ghi chú" in found.text) == (None, False)


async def test_an_empty_picture_of_the_text_is_no_file_that_anybody_misses() -> None:
    message = EmailMessage()
    message["From"] = "lan@anbinh.example"
    message.set_content('<p>Chào <img src="cid:a@x"></p>', subtype="html")
    message.add_related(b"", maintype="image", subtype="png", cid="<a@x>")
    assert (await content_of(parse(message.as_bytes()), "vi")).refused is None


def test_of_many_the_first_few_are_told_and_the_number_of_the_others() -> None:
    refused = told(refused_files([empty(f"{number}.pdf") for number in range(12)]))
    assert (MOST_TOLD, len(refused.because), refused.more) == (5, 5, 7)
    assert "“4.pdf”" in refused.because[-1].vi


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a" * 76 + ".pdf", "a" * 76 + ".pdf"),
        ("a" * 77 + ".pdf", "a" * 75 + "….pdf"),
        ("a" * 150, "a" * 79 + "…"),
        ("a." + "b" * 148, "a." + "b" * 77 + "…"),
        ("a" * 74 + " bcdefgh.pdf", "a" * 74 + "….pdf"),
    ],
)
def test_a_long_name_is_cut_before_its_extension(name: str, shown: str) -> None:
    (because,) = told(refused_files([empty(name)])).because
    assert (because.en, len(shown) <= LONGEST_NAME_TOLD) == (f"The file “{shown}” is empty. Check it and choose it again.", True)


def test_a_sentence_that_names_an_endless_extension_is_short_all_the_same() -> None:
    name = "a." + "b" * 140
    (because,) = told(refused_files([FieldProblem("file.0", "file_runs", {"name": name, "extension": "b" * 140})])).because
    assert "is named .bbbbbbbbb…, but its content" in because.en
