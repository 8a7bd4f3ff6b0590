"""What a file is, from its bytes."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.files import Upload, check_files
from services.intake.sniff import sniff

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(200)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def zipped(*names: str, first: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), first)  # without the time of day: the bytes name the test
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "filename", "content_type"),
    [
        (b"%PDF-1.7\n1 0 obj", "a.pdf", "application/pdf"),
        (b"%PDF-1.7\n1 0 obj", "a.txt", "application/pdf"),
        (PNG, "a.png", "image/png"),
        (JPEG, "a.png", "image/jpeg"),
        (b"{\\rtf1\\ansi hello}", "a.doc", "application/rtf"),
        (OLE, "a.doc", "application/msword"),
        (OLE, "a.xls", "application/vnd.ms-excel"),
        (OLE, "a.pdf", "application/x-ole-storage"),
        (OLE + bytes.fromhex("84100c0000000000c000000000000046"), "a.doc", "application/x-msi"),
        (zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"), "a.docx", WORD),
        (zipped("_rels/.rels", "docProps/app.xml", "a/b", "c/d", "e/f", "xl/workbook.xml"), "a.xlsx", SHEET),
        (zipped("mimetype", first=b"application/vnd.oasis.opendocument.text"), "a.odt", "application/vnd.oasis.opendocument.text"),
        (zipped("a.txt"), "a.zip", "application/zip"),
        (zipped("META-INF/MANIFEST.MF", "A.class"), "a.zip", "application/java-archive"),
        (zipped("a.txt")[:40], "a.zip", "application/zip"),
        (b"MZ\x90\x00\x03\x00\x00\x00" + bytes(100), "a.pdf", "application/x-msdownload"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(100), "a", "application/x-executable"),
        (b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(100), "a.pdf", "application/x-ms-shortcut"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt", "text/x-shellscript"),
        (bytes(0x8001) + b"CD001" + bytes(50), "a.pdf", "application/x-iso9660-image"),
        ("Số tờ khai,Ngày\n1054,18/11\n".encode(), "a.csv", "text/csv"),
        ("MZ001,thuế\n".encode(), "a.csv", "text/csv"),
        ("﻿Có BOM".encode(), "a.txt", "text/plain"),
        ("Xin chào".encode("utf-16"), "a.txt", "text/plain"),
        ("Ti\u00eang Vi\u00eat".encode("cp1258"), "a.txt", "text/plain"),
        (b"<!DOCTYPE html><p>x", "a.html", "text/html"),
        (b"  <html><script>x</script>", "a.jpg", "text/html"),
        (b"<html><script>x</script>", "a.svg", "text/plain"),
        (b"<html><table>x</table>", "a.xls", "text/html"),
        (b"<html>", "a.txt", "text/plain"),
        (b"<p>a part of a page", "a.html", "text/html"),
        (b'<?xml version="1.0"?><svg xmlns="x"><script/></svg>', "a.svg", "image/svg+xml"),
        (b'<svg xmlns="x"></svg>', "a.png", "image/svg+xml"),
        (b'<?xml version="1.0"?><HDon/>', "hoa don.xml", "application/xml"),
        (b"From: a@b.vn\r\nSubject: x\r\n\r\nhi", "a.eml", "message/rfc822"),
        (b'{"a": 1}', "a.json", "application/json"),
        (b"plain", "noname", "text/plain"),
        (b"\x00\x01\x02\x03", "a.p7s", "application/octet-stream"),
        (b"", "a.pdf", "application/octet-stream"),
    ],
)
def test_a_file_is_known_by_its_bytes(content: bytes, filename: str, content_type: str) -> None:
    assert sniff(content, filename) == content_type


def test_a_long_text_cut_inside_a_character_is_still_text() -> None:
    assert sniff(("a" + "ế" * 40_000).encode(), "a.txt") == "text/plain"


@pytest.mark.parametrize(
    ("content", "filename", "key"),
    [
        (b"MZ\x90\x00\x03\x00\x00\x00" + bytes(100), "invoice.pdf", "file_runs"),
        (b"<html><script>x</script>", "photo.jpg", "file_differs"),
        (JPEG, "report.docx", "file_differs"),
        (b"%PDF-1.7\n", "report.docx", "file_differs"),
        (b"just words", "report.pdf", "file_differs"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(content: bytes, filename: str, key: str) -> None:
    _, (problem,) = check_files([Upload(filename, len(content), sniff(content, filename), "x")])
    assert problem.key == key


@given(st.binary(max_size=300), st.sampled_from(["a.pdf", "a.docx", "a.txt", "a.svg", "a", ""]))
def test_no_bytes_make_sniffing_fail(content: bytes, filename: str) -> None:
    for lead in (b"", b"PK\x03\x04", OLE[:8], b"\xff\xfe", b"\x89PNG\r\n\x1a\n"):
        assert "/" in sniff(lead + content, filename)
