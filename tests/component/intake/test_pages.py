"""The pages as a browser gets them: read back with a parser, in both languages."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import get_args

import pytest

from schemas.values import (
    Attachment,
    Business,
    ClockState,
    Contact,
    Deadline,
    Group,
    Language,
    LocalText,
    Message,
    Named,
    Ticket,
    TicketStatus,
)
from services.intake.domain import form
from services.intake.domain.files import Upload
from services.intake.domain.problems import WORDING, FieldProblem, Invalid, sentence
from services.intake.domain.request import read_request
from services.intake.pages.headers import SECURITY_HEADERS
from services.intake.pages.rendering import STATIC_DIRECTORY, FollowUpForm, Pages, ProblemKind
from services.intake.pages.view import status_view, waiting_view

BOTH: tuple[Language, Language] = ("vi", "en")
NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
SUBMISSION = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44"
REFERENCE = "HD-DMA-RMN-4FK"
STATUS_URL = f"https://hotro.example/requests/{REFERENCE}?k=token"
TOPICS = (
    Named(key="hs", name=LocalText(vi="Phân loại hàng hóa", en="HS classification")),
    Named(key="tax", name=LocalText(vi="Thuế", en="Tax")),
)
UNITS = (Named(key="hon-gai", name=LocalText(vi="Cảng Hòn Gai", en="Hon Gai Seaport")),)
GROUP = Group(key="g", name=LocalText(vi="Tổ hỗ trợ Hòn Gai", en="Hon Gai group"), unit=UNITS[0])


class Page(HTMLParser):
    """Elements with their attributes, and the text that is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def by_id(self, wanted: str) -> dict[str, str]:
        (found,) = [attributes for _, attributes in self.elements if attributes.get("id") == wanted]
        return found

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", self.words)


@pytest.fixture(name="pages")
def _pages() -> Pages:
    return Pages(LocalText(vi="Hải quan Việt Nam", en="Viet Nam Customs"))


def form_page(pages: Pages, language: Language, values: dict[str, str] | None = None, errors: Sequence[FieldProblem] = ()) -> str:
    return pages.form(language, TOPICS, UNITS, values=values or {}, errors=errors, submission_id=SUBMISSION)


def everything_wrong() -> tuple[dict[str, str], tuple[FieldProblem, ...]]:
    values = {"topic": "none", "unit": "none", "subject": "x" * 201, "contact.email": "an@", "contact.phone": "1", "business.tax_code": "1"}
    uploads = [Upload("a.exe", 5, "application/x-msdownload", "x"), Upload("b.pdf", 5, "image/png", "y")]
    with pytest.raises(Invalid) as caught:
        read_request(form.body(values), topics={"hs", "tax"}, units={"hon-gai"}, files=uploads)
    return values, caught.value.problems


def ticket(status: TicketStatus = "open", deadlines: tuple[Deadline, ...] = ()) -> Ticket:
    return Ticket(
        reference=REFERENCE,
        status=status,
        subject="Mã HS cho tôm",
        topic=TOPICS[0],
        language="vi",
        channel="form",
        business=Business(name="Công ty X"),
        contact=Contact(email="secret@halong.vn", phone="+84912345678"),
        group=GROUP,
        deadlines=deadlines,
        opened_at=NOW,
        version=1,
    )


def message(text: str, *, public: bool = True, minutes: int = 0) -> Message:
    at = NOW + timedelta(minutes=minutes)
    attachment = Attachment(id="a", filename="tờ khai.pdf", content_type="application/pdf", size=1_843_211, sha256="x")
    return Message(
        id=text, kind="answer", public=public, author_role="officer", author_name="Bình", text=text, attachments=(attachment,), at=at
    )


def status_page(pages: Pages, language: Language, seen: Ticket, messages: Sequence[Message] = (), **typed: object) -> str:
    follow_up = FollowUpForm("token", SUBMISSION, **typed)  # type: ignore[arg-type]  # each test names what it types
    return pages.status(language, status_view(seen, messages), follow_up)


def every_page(pages: Pages, language: Language) -> dict[str, str]:
    values, errors = everything_wrong()
    found = {
        "form": form_page(pages, language),
        "errors": form_page(pages, language, values, errors),
        "received": pages.received(language, REFERENCE, STATUS_URL),
        "status": status_page(
            pages, language, ticket(), [message("Chào"), message("Mới.\n> cũ").model_copy(update={"new_text": "Mới."})], sent=True
        ),
        "follow-up": status_page(pages, language, ticket(), [], errors=(FieldProblem("text", "message_missing"),)),
        "waiting": pages.status(language, waiting_view(REFERENCE, "x", NOW, [], "Asia/Ho_Chi_Minh"), FollowUpForm("token", SUBMISSION)),
    }
    return found | {kind: pages.problem(language, kind) for kind in get_args(ProblemKind)}


@pytest.mark.parametrize("language", BOTH)
def test_every_page_stands_alone_says_its_language_and_names_its_fields(pages: Pages, language: Language) -> None:
    for name, html in every_page(pages, language).items():
        page = Page(html)
        assert page.all("html") == [{"lang": language}], name
        assert not page.all("script"), name
        assert not [attributes for _, attributes in page.elements if "style" in attributes or "onclick" in attributes], name
        assert all(link["href"].startswith(("/static/", "/", "?", "#", STATUS_URL)) for link in page.all("link") + page.all("a")), name
        assert len(page.ids) == len(set(page.ids)), name
        assert len(page.all("h1")) == 1, name
        assert_labelled(page)


def assert_labelled(page: Page) -> None:
    labelled = {label["for"] for label in page.all("label")}
    for field in page.all("input") + page.all("select") + page.all("textarea"):
        if field.get("type") != "hidden":
            assert field["id"] in labelled
            assert set(field.get("aria-describedby", "").split()) <= set(page.ids)


@pytest.mark.parametrize("language", BOTH)
def test_every_error_is_a_link_to_its_field_and_stands_beside_it(pages: Pages, language: Language) -> None:
    values, errors = everything_wrong()
    html = form_page(pages, language, values, errors)
    page = Page(html)
    links = [link["href"][1:] for link in page.all("a") if link["href"].startswith("#") and link["href"] != "#main"]
    assert links == [
        "topic",
        "unit",
        "subject",
        "text",
        "attachments",
        "attachments",
        "business-name",
        "business-tax_code",
        "contact-email",
        "contact-phone",
    ]
    for linked in links:
        field = page.by_id(linked)
        assert field["aria-invalid"] == "true"
        assert f"{linked}-error" in field["aria-describedby"]
    for error in errors:
        assert page.text.count(sentence(error, language)) == 2


@pytest.mark.parametrize("key", WORDING)
@pytest.mark.parametrize("language", BOTH)
def test_an_error_without_a_field_of_its_own_leads_to_the_form(pages: Pages, language: Language, key: str) -> None:
    params: dict[str, str | int] = {
        "name": "n",
        "known": "k",
        "value": "v",
        "length": 1,
        "longest": 1,
        "count": 1,
        "most": 1,
        "size": 1,
        "extension": "e",
        "found": "pdf",
    }
    page = Page(form_page(pages, language, {}, [FieldProblem("", key, params), FieldProblem("language", key, params)]))
    assert [link["href"] for link in page.all("a")].count("#form") == 2
    assert page.by_id("form")["action"] == f"/?lang={language}"


def test_the_title_says_that_there_is_an_error_in_the_language_of_the_page(pages: Pages) -> None:
    values, errors = everything_wrong()
    assert "<title>Error: Tell us about your difficulty" in form_page(pages, "en", values, errors)
    assert "<title>Lỗi: Gửi vướng mắc của doanh nghiệp" in form_page(pages, "vi", values, errors)
    assert "<title>Gửi vướng mắc" in form_page(pages, "vi")


def test_the_summary_takes_the_focus_and_is_announced(pages: Pages) -> None:
    html = form_page(pages, "en", *everything_wrong())
    assert '<div class="summary" tabindex="-1" autofocus>\n  <div role="alert">' in html
    assert 'role="alert"' not in form_page(pages, "en")


def test_what_was_typed_is_kept_and_files_must_be_chosen_again(pages: Pages) -> None:
    typed = {"topic": "tax", "text": '\n  <b>"Tôm" & cua</b>\n', "business.name": 'A "B" <i>', "contact.phone": "12"}
    html = form_page(pages, "en", typed, [FieldProblem("contact.phone", "phone_malformed")])
    page = Page(html)
    assert page.by_id("business-name")["value"] == 'A "B" <i>'
    assert page.by_id("contact-phone")["value"] == "12"
    assert [option["value"] for option in page.all("option") if "selected" in option] == ["tax"]
    # A parser drops the first line end inside a textarea: the template writes one, so that the typed one stays.
    assert ">\n\n  &lt;b&gt;&#34;Tôm&#34; &amp; cua&lt;/b&gt;\n</textarea>" in html
    assert "choose them again" in page.text
    assert "choose them again" not in Page(form_page(pages, "en")).text


def test_the_form_is_sent_once_and_its_trap_is_hidden_from_people(pages: Pages) -> None:
    html = form_page(pages, "vi")
    page = Page(html)
    hidden = {field["name"]: field["value"] for field in page.all("input") if field["type"] == "hidden"}
    assert hidden == {"submission_id": SUBMISSION, "language": "vi"}
    assert page.by_id(form.TRAP)["tabindex"] == "-1"
    assert page.by_id(form.TRAP)["autocomplete"] == "off"
    assert {field["name"] for field in page.all("input") + page.all("select") + page.all("textarea")} == {
        *form.TYPED,
        form.TRAP,
        form.SUBMISSION_ID,
        form.FILES,
    }


def test_the_other_language_is_one_link_away_or_a_button_where_a_link_would_lose_what_was_typed(pages: Pages) -> None:
    assert 'href="/?lang=en" lang="en"' in form_page(pages, "vi")
    assert 'href="/?lang=vi" lang="vi"' in form_page(pages, "en")
    assert '<a class="switch"' not in form_page(pages, "vi", *everything_wrong())
    assert 'formaction="/?lang=en" name="switch" value="en"' in form_page(pages, "vi", *everything_wrong())
    assert 'name="switch"' not in form_page(pages, "vi")
    assert 'href="?k=token&amp;lang=en"' in pages.received("vi", REFERENCE, STATUS_URL)
    assert 'href="?k=token&amp;lang=en"' in status_page(pages, "vi", ticket())


@pytest.mark.parametrize("language", BOTH)
def test_the_confirmation_shows_reference_and_link(pages: Pages, language: Language) -> None:
    page = Page(pages.received(language, REFERENCE, STATUS_URL))
    assert REFERENCE in page.text
    assert [link for link in page.all("a") if link["href"] == f"{STATUS_URL}&lang={language}"]
    assert STATUS_URL + " " in page.text


@pytest.mark.parametrize("status", get_args(TicketStatus))
@pytest.mark.parametrize("language", BOTH)
def test_every_status_has_a_page_and_only_some_take_a_message(pages: Pages, language: Language, status: TicketStatus) -> None:
    page = Page(status_page(pages, language, ticket(status)))
    assert ("form" in page.ids) is (status not in {"merged", "rejected"})
    assert "Hon Gai group" in page.text if language == "en" else "Tổ hỗ trợ Hòn Gai" in page.text


@pytest.mark.parametrize(
    ("language", "on_its_way", "there"),
    [
        ("vi", "đang được chuyển đến đơn vị phụ trách", "Đơn vị phụ trách đã nhận được yêu cầu và đang chờ cán bộ nhận xử lý."),
        ("en", "on its way to the group in charge", "The group in charge has your request. Nobody there has taken it up yet."),
    ],
)
def test_a_new_request_is_on_its_way_only_until_a_group_has_it(pages: Pages, language: Language, on_its_way: str, there: str) -> None:
    waiting = waiting_view(REFERENCE, "Mã HS cho tôm", NOW, [], "Asia/Ho_Chi_Minh")
    before = Page(pages.status(language, waiting, FollowUpForm("token", SUBMISSION))).text
    after = Page(status_page(pages, language, ticket("new"))).text
    assert (on_its_way in before, there in before) == (True, False)
    assert (on_its_way in after, there in after) == (False, True)


def clock(state: ClockState, **times: datetime | timedelta) -> Deadline:
    return Deadline.model_validate({"kind": "resolution", "cycle": 1, "state": state} | times)


LATER = NOW + timedelta(days=7)


@pytest.mark.parametrize(
    ("deadline", "vi", "en"),
    [
        (
            clock("running", due_at=LATER),
            "Chậm nhất 09:15 thứ Sáu 27/11/2026 (giờ Việt Nam, UTC+7)",
            "By 09:15 on Friday 27 November 2026 (Viet Nam time, UTC+7)",
        ),
        (
            clock("paused", left=timedelta(minutes=135)),
            "Tạm dừng, còn 135 phút làm việc",
            "Paused, 135 working minutes left",
        ),
        (clock("paused"), "Tạm dừng", "Paused"),
        (
            clock("met", due_at=LATER, finished_at=NOW),
            "Hoàn thành lúc 09:15 thứ Sáu 20/11/2026 (giờ Việt Nam, UTC+7), đúng hạn",
            "Done at 09:15 on Friday 20 November 2026 (Viet Nam time, UTC+7), on time",
        ),
        (
            clock("running", due_at=NOW, missed_at=NOW),
            "Đã quá hạn (hạn: 09:15 thứ Sáu 20/11/2026 (giờ Việt Nam, UTC+7))",
            "Overdue (it was due at 09:15 on Friday 20 November 2026",
        ),
        (
            clock("missed", due_at=NOW, missed_at=NOW, finished_at=LATER),
            "Hoàn thành lúc 09:15 thứ Sáu 27/11/2026 (giờ Việt Nam, UTC+7), trễ hạn",
            "Done at 09:15 on Friday 27 November 2026 (Viet Nam time, UTC+7), late",
        ),
    ],
)
def test_a_deadline_is_said_in_the_zone_of_the_group(pages: Pages, deadline: Deadline, vi: str, en: str) -> None:
    seen = ticket(deadlines=(deadline,))
    assert vi in Page(status_page(pages, "vi", seen)).text
    assert en in Page(status_page(pages, "en", seen)).text


def test_a_paused_clock_shows_no_date(pages: Pages) -> None:
    paused = clock("paused", left=timedelta(minutes=10), due_at=LATER)
    assert "27/11/2026" not in Page(status_page(pages, "vi", ticket(deadlines=(paused,)))).text


def test_only_the_latest_clock_of_each_kind_is_shown_and_no_hand_over() -> None:
    clocks = (
        Deadline(kind="hand_over", cycle=1, state="running", due_at=NOW),
        Deadline(kind="next_response", cycle=1, state="running", due_at=LATER),
        Deadline(kind="next_response", cycle=1, state="met", due_at=NOW, finished_at=NOW),
        Deadline(kind="resolution", cycle=1, state="missed", due_at=NOW, missed_at=NOW, finished_at=NOW),
        Deadline(kind="resolution", cycle=2, state="running", due_at=LATER),
        Deadline(kind="first_response", cycle=1, state="cancelled"),
    )
    shown = status_view(ticket(deadlines=clocks), []).deadlines
    assert [(each.kind, each.state, each.due_at) for each in shown] == [
        ("next_response", "running", LATER),
        ("resolution", "running", LATER),
    ]


def test_the_timeline_is_public_in_order_and_escaped(pages: Pages) -> None:
    said = [message("<script>second</script>", minutes=5), message("first"), message("internal word", public=False)]
    html = status_page(pages, "vi", ticket(), said)
    assert html.index("first") < html.index("&lt;script&gt;second")
    assert "internal word" not in html
    assert "tờ khai.pdf" in html
    assert f'href="/requests/{REFERENCE}/files/a?k=token&amp;lang=vi"' in html
    assert "1,8 MB" in Page(html).text
    assert "1.8 MB" in Page(status_page(pages, "en", ticket(), said)).text


def test_the_status_page_repeats_no_address_of_the_person(pages: Pages) -> None:
    html = status_page(pages, "vi", ticket())
    assert "secret@halong.vn" not in html
    assert "912345678" not in html


@pytest.mark.parametrize(("language", "offer"), [("vi", "Xem toàn văn"), ("en", "Show the whole message")])
def test_what_a_mail_quotes_is_folded_away_and_can_be_opened(pages: Pages, language: Language, offer: str) -> None:
    quoted = message("Mới.\n\n> <b>cũ</b>").model_copy(update={"new_text": "Mới."})
    html = status_page(pages, language, ticket(), [quoted, message("Nguyên vẹn.")])
    assert '<p class="words">Mới.</p>' in html
    first, folded = html.split("<details>")
    assert "cũ" not in first
    assert offer in folded
    assert '<p class="words">Mới.\n\n&gt; &lt;b&gt;cũ&lt;/b&gt;</p>' in folded
    assert html.count("Nguyên vẹn.") == 1


def test_a_follow_up_goes_to_the_request_with_the_token_and_keeps_its_text(pages: Pages) -> None:
    html = status_page(
        pages, "en", ticket(), text="typed before", errors=(FieldProblem("attachments.0", "file_blocked", {"name": "a.exe"}),)
    )
    page = Page(html)
    assert page.by_id("form")["action"] == f"/requests/{REFERENCE}/messages?k=token&lang=en"
    assert "typed before" in page.text
    assert "a.exe" in page.text
    assert "<title>Error: " in html


def test_before_a_group_has_it_the_page_says_so(pages: Pages) -> None:
    view = waiting_view(REFERENCE, "x", NOW, [], "Asia/Ho_Chi_Minh")
    assert "Being found" in Page(pages.status("en", view, FollowUpForm("token", SUBMISSION))).text


def test_nothing_is_lost_when_the_service_is_not_available(pages: Pages) -> None:
    assert "Nothing was lost" in pages.problem("en", "unavailable")
    assert "gửi lại" in pages.problem("vi", "unavailable")
    assert '<a href="/' not in pages.problem("en", "unavailable"), "an empty form would be no help to somebody who has filled one in"


def test_what_was_typed_survives_a_service_that_is_not_available(pages: Pages) -> None:
    html = form_page(pages, "en", {"text": "typed"}, [FieldProblem("", "unavailable")])
    assert "was not stored yet" in Page(html).text
    assert "typed</textarea>" in html


def test_the_style_sheet_asks_nobody_else_for_anything(pages: Pages) -> None:
    css = (STATIC_DIRECTORY / "intake.css").read_text()
    assert not re.findall(r"url\(|@import|https?:", css)
    (sheet, icon) = [link["href"] for link in Page(form_page(pages, "vi")).all("link")]
    for address in (sheet, icon):
        assert (STATIC_DIRECTORY / address.removeprefix("/static/").partition("?")[0]).is_file()


def test_the_policy_allows_no_script() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "white", 4.5),
        ("soft", "white", 4.5),
        ("soft", "pale", 4.5),
        ("link", "white", 4.5),
        ("link", "pale", 4.5),
        ("wrong", "white", 4.5),
        ("white", "brand", 4.5),
        ("white", "done", 4.5),
        ("white", "link", 4.5),
        ("ink", "focus", 4.5),
        ("line", "white", 3.0),
    ],
)
def test_colours_keep_their_contrast(front: str, back: str, least: float) -> None:
    """WCAG 2.2, 1.4.3 for text and 1.4.11 for edges."""
    css = (STATIC_DIRECTORY / "intake.css").read_text()
    colours = {"white": "#ffffff"} | dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    bright, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= least


def test_nothing_the_business_is_shown_tells_of_its_tier_or_how_urgent_it_is_taken_to_be(pages: Pages) -> None:
    """A tax code is typed by anybody: what it is worth is nobody's business but the officers'."""
    plain, member = ticket(), ticket().model_copy(update={"member_tier": "gold", "priority": "urgent"})
    assert status_view(member, []) == status_view(plain, [])
    assert status_page(pages, "vi", member) == status_page(pages, "vi", plain)
