"""Kinds of file: what an extension promises, what a content type is, and which of them never come in."""

from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "unknown"

_RUNNABLE: Final = """
    ade adp apk app application appref-ms appx appxbundle bash bat chm cmd com cpl csh deb dex diagcab diagcfg diagpkg dll
    dmg dylib elf exe gadget hlp hta htc img inf ins iso isp jar jnlp js jse ksh lib library-ms lnk mde mjs msc msh msi msix
    msixbundle msp mst nsh ocx pif pkg ps1 ps1xml ps2 psc1 psd1 psm1 py pyc pyw reg rpm scf scr sct search-ms
    settingcontent-ms sh shb shs so sys theme url vb vbe vbs vhd vhdx vxd wasm website wsc wsf wsh xll xnk zsh
"""
BLOCKED_EXTENSIONS: Final = frozenset(_RUNNABLE.split())
"""What runs when a person opens it, or mounts as a disk whose content escapes the mark of the web. After the lists of
Outlook and Gmail; documents with macros are not among them, for customs forms are handed around as .xls and .xlsm."""

BLOCKED_TYPES: Final = frozenset(
    {
        "application/x-msdownload",
        "application/x-executable",
        "application/x-mach-binary",
        "application/x-ms-shortcut",
        "application/x-msi",
        "application/x-iso9660-image",
        "application/x-vhd",
        "application/x-shockwave-flash",
        "application/x-google-chrome-extension",
        "application/x-rpm",
        "application/x-deb",
        "application/java-archive",
        "application/java-vm",
        "application/vnd.android.package-archive",
        "application/vnd.ms-cab-compressed",
        "application/vnd.ms-htmlhelp",
        "application/wasm",
        "text/x-shellscript",
    }
)
"""Content that runs, whatever the file is called. `sniff` gives these names."""

_EXTENSIONS: Final[Mapping[str, str]] = {
    "pdf": "pdf",
    "picture": "jpg jpeg jfif jpe png apng gif webp tif tiff bmp heic heif avif ico",
    "vector": "svg",
    "word": "doc docx docm dot dotx odt rtf",
    "sheet": "xls xlsx xlsm xlsb xlt xltx ods",
    "slides": "ppt pptx pptm pps ppsx odp",
    "archive": "zip rar 7z gz tar tgz bz2 xz",
    "page": "html htm xhtml",
    "mail": "eml msg",
    "data": "xml json csv tsv txt log md ini yaml yml",
    "sound": "mp3 m4a wav ogg oga amr aac flac",
    "film": "mp4 m4v mov avi mkv webm 3gp wmv mpg mpeg",
}
KIND_OF_EXTENSION: Final = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}

_TYPES: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "image/svg+xml": "vector",
    "application/msword": "word",
    "application/rtf": "word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word",
    "application/vnd.oasis.opendocument.text": "word",
    "application/vnd.ms-excel": "sheet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "sheet",
    "application/vnd.oasis.opendocument.spreadsheet": "sheet",
    "application/vnd.ms-powerpoint": "slides",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "slides",
    "application/vnd.oasis.opendocument.presentation": "slides",
    "application/zip": "archive",
    "application/x-rar-compressed": "archive",
    "application/x-7z-compressed": "archive",
    "application/gzip": "archive",
    "application/x-tar": "archive",
    "application/x-bzip2": "archive",
    "application/x-xz": "archive",
    "text/html": "page",
    "message/rfc822": "mail",
    "application/vnd.ms-outlook": "mail",
    "application/xml": "data",
    "application/json": "data",
    "text/plain": "data",
    "text/csv": "data",
}

_MAJOR: Final = {"image": "picture", "audio": "sound", "video": "film"}


def kind_of_type(content_type: str) -> str:
    """The kind of a sniffed content type; `unknown` for what nobody promised anything about."""
    return _TYPES.get(content_type) or _MAJOR.get(content_type.partition("/")[0], UNKNOWN)


KIND_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "pdf": ("tài liệu PDF", "a PDF document"),
    "picture": ("ảnh", "a picture"),
    "vector": ("ảnh vectơ SVG", "an SVG drawing"),
    "word": ("văn bản Word", "a Word document"),
    "sheet": ("bảng tính", "a spreadsheet"),
    "slides": ("bản trình chiếu", "a presentation"),
    "archive": ("tệp nén", "an archive"),
    "page": ("trang web HTML", "an HTML page"),
    "mail": ("thư điện tử", "an email message"),
    "data": ("văn bản thuần", "plain text"),
    "sound": ("âm thanh", "a sound recording"),
    "film": ("video", "a video"),
    UNKNOWN: ("dữ liệu không nhận ra được", "not recognised"),
}
"""In Vietnamese and English, to end the phrase "its content is …"."""
