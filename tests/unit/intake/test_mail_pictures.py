"""The pictures of a mail's own show on its page, within limits, and nothing else does."""

import base64
from email.message import EmailMessage

import pytest

from services.intake.mail.enclosures import content_of
from services.intake.mail.letter import Enclosed
from services.intake.mail.markup import safe_html
from services.intake.mail.parsing import parse
from services.intake.mail.pictures import LARGEST, LARGEST_TOTAL, embedded
from services.intake.sniff import sniff

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40)
GIF = b"GIF89a" + bytes(40)
WEBP = b"RIFF\x30\x00\x00\x00WEBPVP8 " + bytes(40)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'


def picture(content: bytes = PNG, content_type: str = "image/png", content_id: str = "anh1@x") -> Enclosed:
    return Enclosed("anh.png", content, inline=True, content_type=content_type, content_id=content_id)


def data(content: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def shown(markup: str, *files: Enclosed) -> str:
    return embedded(safe_html(markup), files)


@pytest.mark.parametrize(
    ("content", "says", "kind"),
    [
        (PNG, "image/png", "image/png"),
        (JPEG, "image/jpeg", "image/jpeg"),
        (JPEG, "image/jpg", "image/jpeg"),
        (GIF, "image/gif", "image/gif"),
        (WEBP, "image/webp", "image/webp"),
    ],
)
def test_a_picture_that_is_what_it_says_stands_in_the_page(content: bytes, says: str, kind: str) -> None:
    found = shown('<p>Xem <img src="cid:anh1@x" alt="ảnh" width="20"></p>', picture(content, says))
    assert f'src="{data(content, kind)}"' in found
    assert ["cid:" in found, 'alt="ảnh"' in found, 'width="20"' in found] == [False, True, True]


@pytest.mark.parametrize(
    "file",
    [
        picture(JPEG, "image/png"),
        picture(SVG, "image/svg+xml"),
        picture(SVG, "image/png"),
        picture(PNG, "application/octet-stream"),
        picture(b"", "image/png"),
        picture(PNG + bytes(LARGEST), "image/png"),
        picture(content_id="anh2@x"),
        picture(content_id=""),
    ],
    ids=["another kind", "svg", "svg in disguise", "says nothing", "empty", "too large", "another id", "no id"],
)
def test_any_other_becomes_its_words(file: Enclosed) -> None:
    assert (
        shown('<p>Xem <img src="cid:anh1@x" alt="a &lt;b&gt; &quot;c&quot;"></p><img src="cid:">', file)
        == "<p>Xem a &lt;b&gt; &quot;c&quot;</p>"
    )


@pytest.mark.parametrize("written", ["CID:anh%31@x", " cid:anh1%40x ", "cid:anh1@x"])
def test_the_id_is_found_however_the_link_spells_it(written: str) -> None:
    assert data(PNG, "image/png") in shown(f'<img src="{written}">', picture())


def test_of_two_parts_with_one_id_the_first_is_meant() -> None:
    assert data(GIF, "image/gif") in shown('<img src="cid:anh1@x">', picture(GIF, "image/gif"), picture(PNG))


def test_together_they_are_no_more_than_a_page_may_hold_however_often_one_is_shown() -> None:
    large = picture(PNG + bytes(LARGEST - len(PNG)))
    found = shown('<img src="cid:anh1@x" alt="x">' * 100, large)
    assert (found.count("data:"), found.count(">x") + found.count("xx") > 0) == (LARGEST_TOTAL // LARGEST, True)


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://elsewhere.example/1.gif" alt="x">',
        '<img src="data:image/png;base64,AAAA" alt="x">',
        '<a title="<img src=\'cid:anh1@x\'>" href="https://don.example">x</a>',
        '&lt;img src="cid:anh1@x"&gt;',
    ],
)
def test_what_is_no_picture_of_the_mail_stays_as_it_was_made_safe(markup: str) -> None:
    assert shown(markup, picture()) == safe_html(markup)


async def test_the_page_of_a_mail_shows_its_picture_which_stays_an_attachment() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "lan@anbinh.example", "Ảnh"
    message.set_content('<p>Tem hỏng: <img src="cid:tem@anbinh.example" alt="tem"></p>', subtype="html")
    message.add_related(GIF, maintype="image", subtype="gif", cid="<tem@anbinh.example>")
    content = await content_of(parse(message.as_bytes()), "vi")
    assert sniff(GIF, "") == "image/gif"
    assert content.page is not None
    assert data(GIF, "image/gif").encode() in content.page.content
    assert [file.content for file in content.files] == [GIF]
