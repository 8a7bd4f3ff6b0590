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
        ("> một\n> hai\n> ba\n--\nTờ khai: 104", "--\nTờ khai: 104"),
        ("Được.\n\n> một\n> hai\n> ba\n--\nLan", "Được."),
        ("Được.\n\n> một\n> hai\n> ba\n--\nTờ khai: 104", "Được.\n\n> một\n> hai\n> ba\n--\nTờ khai: 104"),
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


@pytest.mark.parametrize(
    "text",
    [
        "Please release:\n\nFrom: Shanghai port\nTo: Hai Phong port\nDate: 12 March 2025\nContainer: TCLU1234567\n\nThe goods rot.",
        "Kính gửi quý cơ quan,\n\nTừ: Cảng Thượng Hải\nĐến: Cảng Hải Phòng\nNgày: 12/3/2025\n\nLô hàng đang bị giữ.",
        "Số tờ khai ở đây.\n\nTrân trọng,\nLan\n\nTờ khai: 10423311212\nContainer: TCLU1234567",
        "Hàng bị giữ.\n\nTrân trọng,\nLan\n104233112120",
        "Hàng bị giữ.\n\nTrân trọng,\nLan\nTCLU 123456-7",
        "Hàng bị giữ.\n\nTrân trọng,\nLan\nCảng đến: Cát Lái",
        "Which one of the codes is\nbest\n0306.17.21\n0306.17.29",
        "Thiếu chứng từ:\n--\nLệnh giao hàng\nGiấy phép",
        "Thiếu chứng từ\n--\nC/O form E\nHóa đơn 55",
        "Thiếu chứng từ\n--\n" + "một dòng\n" * 12 + "hết",
        "Thiếu chứng từ\n-- \nTờ khai số 104",
        "Hàng gì?\n\nGửi từ điện thoại Samsung A15: 200 chiếc, mã HS 8517",
        "Hồ sơ đâu?\n\nĐã gửi qua thư bảo đảm ngày 12/3",
        "Xem thư dưới\n\n____________________\nFrom: Hãng tàu <a@msc.example>\nSent: Monday\nTo: Lan\nSubject: Demurrage\n\n500 USD a day.",
        "See my answer at the end.\n\n-----Original Message-----\nFrom: Hải quan\nSent: Monday\n\nTờ khai nào?\n\nIt is 104.",
    ],
)
def test_what_looks_like_a_quote_or_a_signature_but_states_a_matter_is_kept(text: str) -> None:
    assert new_text(text).complete


@pytest.mark.parametrize(
    "left_out",
    [
        "From: Hải quan <hq@customs.example>\nSent: Monday\nTo: Lan\n\nxin chào",
        "From: hq@customs.example\nDate: 12/3/2025\nTo: lan@x.example\n\nxin chào",
        "Từ: Hải quan\nNgày: 12/3/2025\nTiêu đề: tôm\n\nxin chào",
        "Trân trọng,\nLan\nPhòng XNK - ĐT: 0903 123 456\nTel/Fax (84-28): 3822 1234\nEmail: lan@x.example\nhttps://x.example",
        "Best regards,\nLan\n0903.12.34.56\n+84 28 3822 1234\nSố 5, đường Hàm Nghi",
        "-- \nLan\nM: 0903 123 456 | W: x.example",
        "Gửi từ iPhone của tôi",
        "Sent from my Samsung Galaxy A15",
        "Sent from Outlook for iOS<https://aka.ms/o0ukef>",
    ],
)
def test_headers_of_mails_contacts_and_footers_of_programs_are_left_out(left_out: str) -> None:
    assert new_text(f"Được.\n\n{left_out}").text == "Được."


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
