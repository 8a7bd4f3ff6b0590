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


@pytest.mark.parametrize(
    "text",
    [
        "Chúng tôi bổ sung hồ sơ.\nĐã gửi qua mail bản gốc rồi ạ.",
        "Chúng tôi đã chuẩn bị xong.\nGửi qua Zalo cho anh Nam rồi nhé",
        "Bản gốc đâu?\nĐã gửi qua Zalo.",
        "Bản gốc đâu?\nGửi qua mail cho Samsung",
        "Bản gốc đâu?\nGửi qua mail, Gmail",
        "Bản gốc đâu?\nĐã gửi từ Gmail cho Samsung",
        "Bản gốc đâu?\nĐã gửi từ mail cá nhân của tôi",
        "Bản gốc đâu?\nĐã gửi từ điện thoại của anh Nam rồi nhé",
        "Bản gốc C/O đã có.\nĐã gửi bằng thư bảo đảm cho Chi cục",
        "The papers are ready.\nSent from our phone to the broker yesterday",
        "The papers?\nSent via mail.",
        "Dear Sir,\nwe paid the tax.\nBest regards,\nLan\nThe container was released this morning.",
        "Dear Sir,\nwe paid the tax.\nCheers\nBut the system still shows red channel.",
        "Dear Sir,\nwe paid the tax.\nRegards,\nLan\nofficer at gate three keeps refusing.",
        "Hồ sơ đã đủ.\nTrân trọng,\nLan\nSáng mai tôi lên nộp bản gốc",
        "Hồ sơ đã đủ.\nTrân trọng,\nLan\nAnh Nam bên kho chưa ký biên bản",
    ],
)
def test_what_a_person_wrote_below_a_closing_or_of_a_thing_that_was_sent_is_new(text: str) -> None:
    assert new_text(text).complete


@pytest.mark.parametrize(
    "end",
    [
        "Trân trọng,\nNguyễn Thị Lan\nPhó phòng\nCông ty TNHH Thương mại Không Gian Xanh\nDịch vụ vận tải hàng không và đường biển",
        "Best regards,\nLan Nguyen\nAn Binh Import Export Trading Co., Ltd.\nNo. 5, Ham Nghi Str., Dist. 1, HCMC",
        "Kính chào,\nLan\nSố 12, đường Lê Lợi, Quận 1, TP. Hồ Chí Minh.",
        "Được gửi từ điện thoại Samsung Galaxy A15 5G của tôi",
        "Gửi từ iPhone của Nguyễn Lan",
        "Sent from Yahoo Mail on Android",
        "Sent from Mail for Windows 10",
        "Sent from my phone, please excuse typos.",
        "Sent via the Samsung Galaxy S20 FE 5G, an AT&T 5G smartphone",
        "Sent with Proton Mail secure email.",
        "Gửi từ Thư dành cho Windows",
        "Tải xuống Outlook dành cho iOS",
    ],
)
def test_firms_addresses_and_devices_are_no_words_to_an_officer(end: str) -> None:
    assert new_text(f"Được.\n\n{end}").text == "Được."


HEAD = "From: Lan <lan@anbinh.example>\nSubject: {subject}\nMIME-Version: 1.0\n"
PLAIN, PAGE = "Content-Type: text/plain; charset=utf-8\n\n", "Content-Type: text/html; charset=utf-8\n\n"


def sent(text: str | None, page: str | None = None, subject: str = "Re: x") -> str:
    """What is new in a mail of these words, of this HTML, or of both."""
    head = HEAD.format(subject=subject)
    if text is None or page is None:
        return parse((head + (PLAIN + text if text is not None else f"{PAGE}{page}")).encode()).new_text
    both = f"Content-Type: multipart/alternative; boundary=b\n\n--b\n{PLAIN}{text}\n--b\n{PAGE}{page}\n--b--\n"
    return parse((head + both).encode()).new_text


OUTLOOK = (
    '<div><p>{}</p></div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Hong &lt;hong@customs.example&gt;<br>'
    "<b>Sent:</b> Monday, March 3, 2025 9:00 AM<br><b>To:</b> lan@anbinh.example<br><b>Subject:</b> x</p></div>"
    "<p>1. Bao nhiêu?</p><p>200 cái</p>"
)
WORDS = (
    "{}\n\nFrom: Hong <hong@customs.example>\nSent: Monday, March 3, 2025 9:00 AM\nTo: lan@anbinh.example\nSubject: x\n\n"
    "1. Bao nhiêu?\n200 cái"
)


@pytest.mark.parametrize(
    ("says", "points"),
    [
        ("Please see my answers below in red.", True),
        ("Kính gửi chị, xem trả lời của chúng tôi bên dưới.", True),
        ("Tôi trả lời bằng chữ đỏ trong thư.", True),
        ("My answers are inline.", True),
        ("FYI", True),
        ("The goods are in red channel.", False),
        ("Tôi nhận được mail sau khi gọi.", False),
    ],
)
def test_who_says_where_the_answers_are_is_believed_in_each_form_of_a_mail(says: str, points: bool) -> None:
    words, page = WORDS.format(says), OUTLOOK.format(says)
    for new in (sent(words), sent(None, page), sent(words, page), sent(words.replace("\n1. ", "\n> 1. ").replace("\n200", "\n> 200"))):
        assert ("200 cái" in new) is points


ASKED = '<div class="gmail_attr">On Mon, Mar 3, 2025 at 9:15 AM Hong &lt;hong@customs.example&gt; wrote:<br></div>'
QUOTED = '<blockquote class="gmail_quote"><p>{}</p></blockquote>'


def test_answers_between_the_quotes_of_a_mail_in_html_alone_are_new() -> None:
    body = f"<p>Vâng.</p>{ASKED}{QUOTED.format('1. Bao nhiêu?')}<p>200 cái</p>{QUOTED.format('2. Trị giá?')}<p>5000 USD</p>"
    assert "200 cái" in sent(None, body)
    assert "5000 USD" in sent(None, body)
    assert sent(None, f"<p>Vâng.</p>{ASKED}{QUOTED.format('1. Bao nhiêu?')}") == "Vâng."


@pytest.mark.parametrize("mark", ['class="gmail_signature"', 'class="moz-signature"', 'id="Signature"', 'id="ms-outlook-mobile-signature"'])
@pytest.mark.parametrize(
    ("within", "new"),
    [
        ("<div>Tờ khai 301234567890, xin hướng dẫn?</div><div>Lan</div>", "Đã nộp thuế.\nTờ khai 301234567890, xin hướng dẫn?\nLan"),
        ("<div>Bản gốc thì bên em sẽ nộp</div><div class='gmail_signature'>Lan</div>", "Đã nộp thuế.\nBản gốc thì bên em sẽ nộp\nLan"),
        ("<div>Lan</div><div class='gmail_signature'>0903 123 456</div>", "Đã nộp thuế."),
        (f"<div>Vâng</div>{QUOTED.format('A')}", "Đã nộp thuế.\nVâng"),
    ],
)  # fmt: skip
def test_what_is_typed_within_a_marked_signature_is_new(mark: str, within: str, new: str) -> None:
    assert sent(None, f"<div>Đã nộp thuế.</div><div {mark}>{within}</div>{ASKED}{QUOTED.format('A')}") == new


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Hỏi", "Ngày 1/3/2025 10:15 ông An (an@x.vn) viết:\nHàng bị giữ.\nNgày 2/3/2025 11:00 bà Hoa (h@x.vn) viết:\nĐã nộp.\nAi đúng?"),
        ("Thư", "Tôi nhận được thư:\n\nFrom: an@x.vn\nSent: March 3, 2025\nTo: l@x.vn\nSubject: x\n\nHàng bị giữ.\n\nVậy phải làm gì?"),
        ("Re: Thư", "Nhận được thư sau:\n\nFrom: an@x.vn\nSent: March 3, 2025\nTo: l@x.vn\nSubject: x\n\nHàng bị giữ.\n\nVậy phải làm gì?"),
        ("[Fwd: Lô hàng]", "Xem giúp\n\nTừ: a@x.vn\nĐã gửi: 3/3/2025\nĐến: b@x.vn\nChủ đề: lô hàng\n\nHàng bị giữ"),
        ("Re: [Fwd: Lô hàng]", "Xem giúp\n\nTừ: a@x.vn\nĐã gửi: 3/3/2025\nĐến: b@x.vn\nChủ đề: lô hàng\n\nHàng bị giữ"),
    ],
)  # fmt: skip
def test_a_mail_that_tells_or_pastes_another_is_new_as_a_whole(subject: str, text: str) -> None:
    assert sent(text, subject=subject) == text


@pytest.mark.parametrize("subject", ["Re: x", "RE: x", "[EXTERNAL] Re: x", "Trả lời: x", "TL: x", "Re[2]: x", "AW: x"])
def test_an_answer_is_known_by_its_subject_where_it_names_no_mail(subject: str) -> None:
    quote = "Được.\n\nTừ: a@x.vn\nĐã gửi: 3/3/2025\nĐến: b@x.vn\nChủ đề: x\n\nHàng bị giữ"
    assert sent(quote, subject=subject) == "Được."
    assert sent(quote, subject="x") == quote
    assert sent("Được.\n\n--- Trả lời phía trên dòng này ---\n\nHàng bị giữ", subject="x") == "Được."
    assert parse(f"In-Reply-To: <1@x>\n{HEAD.format(subject='x')}{PLAIN}{quote}".encode()).new_text == "Được."


@pytest.mark.parametrize(
    "quote",
    [
        "---- On Mon, 03 Mar 2025 09:15:00 +0700 Hong <hong@customs.example> wrote ----\n\nThiếu chứng từ",
        "---- Vào T2, 03 thg 3 2025 09:15:00 +0700 Hong <hong@customs.example> đã viết ---\n\nThiếu chứng từ",
        "From:\tHong <h@customs.example>\nTo:\tlan@x.vn\nDate:\t03/03/2025\nSubject:\tRe: x\n\nThiếu chứng từ",
    ],
    ids=["Zoho", "Zoho in Vietnamese", "Notes"],
)
def test_quotes_of_rarer_programs_are_left_out(quote: str) -> None:
    assert sent(f"Được.\n\n{quote}") == "Được."


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
