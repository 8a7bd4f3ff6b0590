"""What a file is, from its bytes; its name only decides between kinds of text, which bytes cannot tell apart."""

import io
import zipfile
from typing import Final

import filetype  # type: ignore[import-untyped]  # it ships no types

from services.intake.domain.files import extension_of

UNKNOWN: Final = "application/octet-stream"

_HEAD: Final = 64 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MSI_CLASS: Final = bytes.fromhex("84100c0000000000c000000000000046")
"""CLSID {000C1084-0000-0000-C000-000000000046} on the root storage of an installer ([MS-CFB] stores it little-endian)."""

_NOT_IN_TEXT: Final = bytes(set(range(0x20)) - set(b"\t\n\r\x0c\x1b"))

_LEADS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"#!", "text/x-shellscript"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"conectix", "application/x-vhd"),
    (b"vhdxfile", "application/x-vhd"),
)
"""Formats that `filetype` does not know, and text formats that announce themselves in their first bytes."""

_ZIP_MEMBERS: Final = (
    ("AndroidManifest.xml", "application/vnd.android.package-archive"),
    ("META-INF/MANIFEST.MF", "application/java-archive"),
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)

_OLE_BY_EXTENSION: Final = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "xlt": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}

_TEXT_BY_EXTENSION: Final = {
    "csv": "text/csv",
    "tsv": "text/csv",
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "xml": "application/xml",
    "json": "application/json",
    "eml": "message/rfc822",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/plain",
}


def sniff(content: bytes, filename: str) -> str:
    """The content type of a whole file (its first 64 KiB do, but then an archive is only called a ZIP)."""
    head = content[:_HEAD]
    for lead, content_type in _LEADS:
        if head.startswith(lead):
            return content_type
    if head.startswith(_OLE):
        return _ole(content, filename)
    if head.startswith(b"PK\x03\x04"):
        return _zip(content)
    if content[0x8001:0x8006] == b"CD001":
        return "application/x-iso9660-image"
    if is_text(head):
        return _text(head, filename)
    return filetype.guess_mime(head) or UNKNOWN


def is_text(head: bytes) -> bool:
    """UTF-8, UTF-16 with its mark, or an old 8-bit code page: no control bytes but white space and escape."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decodes(head[: len(head) // 2 * 2], "utf-16")
    if head.translate(None, _NOT_IN_TEXT) != head:
        return False
    return bool(head) and (_decodes(head, "utf-8") or not head.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8")))


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether it decodes, but for a character cut at the end."""
    try:
        head.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 4 and error.start > 0
    return True


def _text(head: bytes, filename: str) -> str:
    """A text is what its name says if that is a kind of text; under another name, markup is called by its own."""
    named = _TEXT_BY_EXTENSION.get(extension_of(filename))
    if named == "image/svg+xml" != _markup(head):
        return "text/plain"
    return named or _markup(head)


def _markup(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:2048].lower()
    if b"<svg" in start and start.startswith(b"<"):
        return "image/svg+xml"
    if start.startswith(b"<") and any(tag in start for tag in (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<table")):
        return "text/html"
    return "application/xml" if start.startswith(b"<?xml") else "text/plain"


def _ole(content: bytes, filename: str) -> str:
    """Word, Excel, PowerPoint and Outlook share one container; which one it is, only the name says."""
    if _MSI_CLASS in content:
        return "application/x-msi"
    return _OLE_BY_EXTENSION.get(extension_of(filename), "application/x-ole-storage")


def _zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        names = []
    for member, content_type in _ZIP_MEMBERS:
        if any(name.startswith(member) for name in names):
            return content_type
    return filetype.guess_mime(content[:_HEAD]) or "application/zip"
