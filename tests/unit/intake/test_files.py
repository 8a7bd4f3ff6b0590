"""Which files come in, and under which names."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import Language
from services.intake.domain.files import LARGEST_FILE, LARGEST_TOTAL, MEGABYTE, AcceptedFile, Upload, check_files, clean_filename
from services.intake.domain.problems import sentence

PDF = "application/pdf"
OLE = "application/x-ole-storage"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def upload(filename: str, content_type: str = PDF, size: int = 100) -> Upload:
    return Upload(filename, size, content_type, "ab" * 32)


def keys(*uploads: Upload) -> dict[str, str]:
    return {problem.field: problem.key for problem in check_files(uploads)[1]}


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("tờ khai.pdf", PDF),
        ("TO KHAI.PDF", PDF),
        ("photo.jpg", "image/png"),
        ("photo.HEIC", "image/heic"),
        ("contract.docx", DOCX),
        ("encrypted.docx", OLE),
        ("contract.doc", "application/rtf"),
        ("contract.doc", DOCX),
        ("list.xls", "application/vnd.ms-excel"),
        ("list.xlsx", XLSX),
        ("list.xlsm", XLSX),
        ("list.csv", "text/csv"),
        ("invoice.xml", "application/xml"),
        ("notes.txt", "text/plain"),
        ("mail.eml", "message/rfc822"),
        ("mail.msg", "application/vnd.ms-outlook"),
        ("page.html", "text/html"),
        ("logo.svg", "image/svg+xml"),
        ("all.zip", "application/zip"),
        ("all.rar", "application/x-rar-compressed"),
        ("voice.m4a", "audio/mp4"),
        ("signature.p7s", "application/octet-stream"),
        ("no extension", PDF),
        ("invoice.exe.pdf", PDF),
    ],
)
def test_a_file_that_is_what_it_says_comes_in(filename: str, content_type: str) -> None:
    accepted, problems = check_files([upload(filename, content_type)])
    assert not problems
    assert accepted == (AcceptedFile(filename, content_type, 100, "ab" * 32),)


@pytest.mark.parametrize(
    ("filename", "content_type", "key"),
    [
        ("setup.exe", "application/x-msdownload", "file_blocked"),
        ("setup.exe", "text/plain", "file_blocked"),
        ("invoice.pdf.exe", PDF, "file_blocked"),
        ("invoice.pdf.EXE. ", PDF, "file_blocked"),
        ("photo.\u202egpj.scr", "image/jpeg", "file_blocked"),
        ("a.js", "text/plain", "file_blocked"),
        ("a.vbs", "text/plain", "file_blocked"),
        ("a.hta", "text/html", "file_blocked"),
        ("a.lnk", "application/octet-stream", "file_blocked"),
        ("a.bat", "text/plain", "file_blocked"),
        ("a.cmd", "text/plain", "file_blocked"),
        ("a.msi", OLE, "file_blocked"),
        ("a.jar", "application/zip", "file_blocked"),
        ("a.ps1", "text/plain", "file_blocked"),
        ("a.iso", "application/octet-stream", "file_blocked"),
        ("a.img", "application/octet-stream", "file_blocked"),
        ("report.pdf", "application/x-msdownload", "file_runs"),
        ("report", "application/x-executable", "file_blocked"),
        ("list.xls", "application/x-msi", "file_runs"),
        ("report.pdf", "image/png", "file_differs"),
        ("report.pdf", "text/html", "file_differs"),
        ("report.pdf", "application/octet-stream", "file_differs"),
        ("photo.png", "image/svg+xml", "file_differs"),
        ("photo.jpg", "text/html", "file_differs"),
        ("list.xls", "text/html", "file_differs"),
        ("list.xlsx", DOCX, "file_differs"),
        ("list.csv", XLSX, "file_differs"),
        ("notes.txt", "image/png", "file_differs"),
        ("all.zip", DOCX, "file_differs"),
        ("empty.pdf", "application/octet-stream", "file_empty"),
        ("big.pdf", PDF, "file_large"),
    ],
)
def test_a_file_that_must_not_come_in_is_told_by_name(filename: str, content_type: str, key: str) -> None:
    size = {"file_empty": 0, "file_large": LARGEST_FILE + 1}.get(key, 100)
    accepted, (problem,) = check_files([upload(filename, content_type, size)])
    assert not accepted
    assert (problem.field, problem.key) == ("attachments.0", key)
    for language in ("vi", "en"):
        assert clean_filename(filename) in sentence(problem, language)


def test_the_remedy_says_what_the_content_is() -> None:
    (problem,) = check_files([upload("report.pdf", "image/png")])[1]
    assert sentence(problem, "en") == (
        "The file “report.pdf” is named .pdf, but its content is a picture. Open it, save it in the right format and choose it again."
    )
    assert "nội dung là ảnh" in sentence(problem, "vi")


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("vi", "Tệp “b.pdf” có đuôi .pdf nhưng nội dung là chương trình hoặc có thể chạy chương trình, nên không được nhận. "),
        ("en", "The file “b.pdf” is named .pdf, but its content is a program or can run one, so it is not accepted. "),
    ],
)
def test_a_program_under_the_name_of_a_document_is_said_to_be_one(language: Language, says: str) -> None:
    (problem,) = check_files([upload("b.pdf", "application/x-msdownload")])[1]
    assert sentence(problem, language).startswith(says)
    assert "PDF" not in sentence(problem, language)


def test_files_whose_neighbours_were_left_out_are_told_by_their_place_in_the_senders_list() -> None:
    uploads = [dataclasses.replace(upload(name), position=position) for name, position in (("a.exe", 1), ("b.pdf", 2), ("c.js", 4))]
    accepted, problems = check_files(uploads)
    assert [file.filename for file in accepted] == ["b.pdf"]
    assert [problem.field for problem in problems] == ["attachments.1", "attachments.4"]


def test_sizes_reach_their_limits_and_not_a_byte_more() -> None:
    assert keys(upload("a.pdf", size=LARGEST_FILE)) == {}
    assert keys(upload("a.pdf", size=LARGEST_FILE + 1)) == {"attachments.0": "file_large"}
    at_limit = [upload("a.pdf", size=LARGEST_FILE), upload("b.pdf", size=LARGEST_FILE), upload("c.pdf", size=5 * MEGABYTE)]
    assert sum(each.size for each in at_limit) == LARGEST_TOTAL
    assert keys(*at_limit) == {}
    assert keys(*at_limit, upload("d.pdf", size=1)) == {"attachments": "files_large"}


def test_ten_files_are_as_many_as_there_may_be() -> None:
    assert keys(*[upload(f"{n}.pdf") for n in range(10)]) == {}
    assert keys(*[upload(f"{n}.pdf") for n in range(11)]) == {"attachments": "files_many"}


def test_a_part_without_name_and_bytes_is_no_file() -> None:
    assert check_files([Upload("", 0, "application/octet-stream", "e3")]) == ((), ())


def test_each_wrong_file_is_told_and_the_right_ones_are_kept() -> None:
    accepted, problems = check_files([upload("a.exe"), upload("b.pdf"), upload("c.js")])
    assert [file.filename for file in accepted] == ["b.pdf"]
    assert [problem.field for problem in problems] == ["attachments.0", "attachments.2"]


def test_files_of_one_name_get_names_of_their_own() -> None:
    accepted, _ = check_files([upload("image.jpg", "image/jpeg") for _ in range(3)] + [upload("IMAGE.JPG", "image/jpeg")])
    assert [file.filename for file in accepted] == ["image.jpg", "image (2).jpg", "image (3).jpg", "IMAGE (4).JPG"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("tờ khai.pdf", "tờ khai.pdf"),
        ("to\u031b\u0300 khai.pdf", "tờ khai.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\An\\a.pdf", "a.pdf"),
        ("a\x00b\r\nc.pdf", "ab c.pdf"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("a\u200b\ufeff.pdf", "a.pdf"),
        ('a<b>:"c|d?e*.pdf', "a_b___c_d_e_.pdf"),
        ("a.exe::$DATA", "a.exe__$DATA"),
        (" .hidden. ", "hidden"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("COM¹.pdf", "_COM¹.pdf"),
        ("console.txt", "console.txt"),
        ("", "tep"),
        ("...", "tep"),
        ("/", "tep"),
        ("\ud800", "tep"),
        ("x" * 200 + ".pdf", "x" * 146 + ".pdf"),
        ("ậ" * 200 + ".pdf", "ậ" * 78 + ".pdf"),
        ("a." + "x" * 200, "a." + "x" * 148),
    ],
)
def test_a_name_is_made_safe(raw: str, clean: str) -> None:
    assert clean_filename(raw) == clean


@given(st.text(max_size=400))
def test_any_name_becomes_a_safe_one_and_stays_it(raw: str) -> None:
    name = clean_filename(raw)
    assert clean_filename(name) == name
    assert 0 < len(name) <= 150
    assert len(name.encode()) <= 240
    assert not set(name) & set('/\\<>:"|?*\x00\n\r\u202e')
    assert name == name.strip(" .")
