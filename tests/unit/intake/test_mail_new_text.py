"""What is new in a mail: right for each client's manner, and everything where that is in doubt."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.quotes import new_text
from services.intake.mail.markup import marked_text, safe_html, text_of
from services.intake.mail.parsing import parse
from tests.support.mail_samples import OURS, collected, expected_of, fields_of


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_each_sample_is_read_as_its_sender_meant_it(path: Path) -> None:
    expected = expected_of(path)
    read = fields_of(parse(path.read_bytes()))
    assert {name: read[name] for name in expected} == expected


def test_the_new_text_of_collected_answers_is_their_one_word() -> None:
    assert {path.stem: parse(path.read_bytes()).new_text for path in collected("replies")} == {
        path.stem: "Hello" for path in collected("replies")
    }


def test_the_whole_text_keeps_what_the_new_text_leaves_out() -> None:
    for path in OURS:
        letter = parse(path.read_bytes())
        assert bool(letter.new_text) == bool(letter.text), path.name
        assert len(letter.new_text) <= len(letter.text), path.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Xin chào\n> một\n> hai", "Xin chào\n> một\n> hai"),  # too few marked lines to be sure
        ("Xin chào\n> một\n> hai\n> ba", "Xin chào"),
        ("> một\n> hai\n> ba", "> một\n> hai\n> ba"),
        ("Vào 20/11/2025 lúc 9:12, L <l@x.example> đã viết:\nxin chào", "Vào 20/11/2025 lúc 9:12, L <l@x.example> đã viết:\nxin chào"),
        ("Được.\n\nVào 20/11/2025 lúc 09:12, Lan <lan@x.example> đã viết:\nxin chào", "Được."),
        ("Được.\n\nVào ngày 20/11/2025 Lan đã viết:\nxin chào", "Được.\n\nVào ngày 20/11/2025 Lan đã viết:\nxin chào"),
        ("Được.\n\nTừ: Lan\nĐã gửi: hôm qua\nĐến: Minh\nChủ đề: x\n\nxin chào", "Được."),
        ("Được.\n\nTừ: cảng Hải Phòng\nĐến: cảng Cát Lái", "Được.\n\nTừ: cảng Hải Phòng\nĐến: cảng Cát Lái"),
        ("Được.\n\n*Từ:* Lan\n*Ngày gửi:* hôm qua\n*Đến:* Minh\n\nxin chào", "Được."),
        ("-- \nLan", "-- \nLan"),
        ("Được.\n--\nLan\n0903", "Được."),
        ("Được.\n\nĐược gửi từ Zalo Mail", "Được."),
        ("Đã gửi từ tuần trước mà chưa thấy trả lời.", "Đã gửi từ tuần trước mà chưa thấy trả lời."),
        ("Tờ khai này:\nĐã gửi từ tuần trước mà chưa có ai trả lời.", "Tờ khai này:\nĐã gửi từ tuần trước mà chưa có ai trả lời."),
        ("Được.\nBest regards,\nLan", "Được."),
        ("Được.\nTrân trọng,\nLan\n\nVui lòng gọi lại cho tôi.", "Được.\nTrân trọng,\nLan\n\nVui lòng gọi lại cho tôi."),
        ("", ""),
    ],
)  # fmt: skip
def test_quotes_and_signatures_by_hand(text: str, expected: str) -> None:
    assert new_text(text).text == expected


PIECES = st.sampled_from(
    [
        "> a",
        "",
        "Được.",
        "-- ",
        "Trân trọng,",
        "Vào 20/11/2025 lúc 09:12, L <l@x.example>",
        "đã viết:",
        "Từ: a",
        "Chủ đề: b",
        "Đến: c",
        "--",
        "Lan",
    ]
)


@given(st.lists(PIECES, max_size=12).map("\n".join))
def test_nothing_is_made_up_and_something_is_always_left(text: str) -> None:
    cut = new_text(text)
    assert cut.complete or cut.text in "\n".join(line.rstrip() for line in text.split("\n"))
    assert bool(cut.text.strip()) == bool(text.strip())
    assert cut.complete == (cut.text == text)


def test_html_breaks_lines_as_a_browser_does() -> None:
    assert text_of("<div>a</div><div>b</div><div><br></div><div>c<br></div>d<p>e</p><p>f</p>g<br><br>h<ul><li>i<li>j</ul>k") == (
        "a\nb\n\nc\nd\n\ne\n\nf\n\ng\n\nh\n\n- i\n- j\n\nk"
    )


def test_what_html_marks_as_quoted_is_marked_line_by_line() -> None:
    page = '<p>mới</p><div class="gmail_attr">Lan viết:</div><blockquote class="gmail_quote">một<br>hai</blockquote><p>dưới</p>'
    assert marked_text(page) == "mới\n\n> Lan viết:\n\n> một\n> hai\n\ndưới"
    assert marked_text('<p>mới</p><hr id="appendonsend"><p>một</p><p>hai</p>') == "mới\n\n>\n> một\n>\n> hai"
    assert marked_text("<p>mới</p><blockquote>lời dẫn</blockquote>") is None


def test_an_officer_is_shown_no_script_and_no_picture_from_elsewhere() -> None:
    page = (
        '<p onclick="x()">a</p><script>b</script><style>c</style><img src="https://t.example/1.gif" alt="d"><img src="cid:e">'
        '<a href="javascript:f">g</a><a href="https://h.example">i</a><form><input name="j"></form><iframe src="https://k.example"></iframe>'
        '<img src="data:image/svg+xml,l"><p style="background:url(https://m.example)">n</p>'
    )
    shown = safe_html(page)
    for gone in ("onclick", "script", "<style", "t.example", "javascript", "<form", "<input", "iframe", "data:", "m.example"):
        assert gone not in shown, gone
    for kept in ('alt="d"', 'src="cid:e"', 'href="https://h.example"', 'rel="noopener noreferrer nofollow"'):
        assert kept in shown, kept
