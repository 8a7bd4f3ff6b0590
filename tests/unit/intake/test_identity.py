"""E-mail addresses, telephone numbers, tax codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.identity import email_address, phone_number, sender_address, tax_code


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("an@congty.vn", "an@congty.vn"),
        ("An.Nguyen+haiquan@CongTy.VN", "An.Nguyen+haiquan@congty.vn"),
        ("x@thư.vn", "x@xn--th-e0a.vn"),
        ("o'brien@a-b.example", "o'brien@a-b.example"),
        ("", None),
        ("an", None),
        ("an@", None),
        ("@congty.vn", None),
        ("an@congty", None),
        ("an@congty.", None),
        ("an@-congty.vn", None),
        ("an@1.2.3.4", None),
        ("an..b@congty.vn", None),
        (".an@congty.vn", None),
        ("an b@congty.vn", None),
        ("an@congty.vn\nBcc: x@y.vn", None),
        ("Nguyễn An <an@congty.vn>", None),
        ("nguyễn@congty.vn", None),
        ("a@b@c.vn", None),
        ("a" * 65 + "@congty.vn", None),
        ("a@" + "b" * 64 + ".vn", None),
        ("a@" + ".".join(["b" * 60] * 5) + ".vn", None),
    ],
)
def test_an_address_is_kept_in_one_form_or_refused(typed: str, kept: str | None) -> None:
    assert email_address(typed) == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("An.Nguyen+haiquan@CongTy.VN", "An.Nguyen+haiquan@congty.vn"),
        ("Nguyễn@ví-dụ.vn", "Nguyễn@xn--v-d-rma6749a.vn"),
        ("Nguye\u0302\u0303n@x.vn", "Nguyễn@x.vn"),
        ("ngu\u00a0yễn@x.vn", None),
        ("nguyễn\u202e@x.vn", None),
        ("ễ" * 22 + "@x.vn", None),
        ("nguyễn@", None),
    ],
)
def test_whoever_writes_from_an_address_has_it_whatever_its_letters(written: str, kept: str | None) -> None:
    assert sender_address(written) == kept


def test_typed_letters_with_marks_before_the_at_sign_are_a_slip_of_the_keyboard() -> None:
    assert email_address("nguyễn@x.vn") is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0912345678", "+84912345678"),
        ("0912 345 678", "+84912345678"),
        ("0912.345.678", "+84912345678"),
        ("(024) 3944-0833", "+842439440833"),
        ("84912345678", "+84912345678"),
        ("+84 912 345 678", "+84912345678"),
        ("+84 (0)912 345 678", "+84912345678"),
        ("0084912345678", "+84912345678"),
        ("+49 30 901820", "+4930901820"),
        ("+1 650 253 0000", "+16502530000"),
        ("", None),
        ("12", None),
        ("091234567", None),
        ("09123456789012", None),
        ("0012", None),
        ("912345678", None),
        ("+0912345678", None),
        ("+84912345678901234", None),
        ("0912 345 678 máy lẻ 12", None),
        ("٠٩١٢٣٤٥٦٧٨", None),
    ],
)
def test_a_number_becomes_e164_with_viet_nam_for_a_leading_nought(typed: str, kept: str | None) -> None:
    assert phone_number(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0101234567", "0101234567"),
        ("0101234567-001", "0101234567-001"),
        ("0101234567001", "0101234567-001"),
        ("01 0123 4567", "0101234567"),
        ("0101.234.567 - 001", "0101234567-001"),
        ("001090012345", "001090012345"),
        ("", None),
        ("010123456", None),
        ("01012345678", None),
        ("0101234567-01", None),
        ("0101234567-0011", None),
        ("MST0101234567", None),
        ("٠١٠١٢٣٤٥٦٧", None),
    ],
)
def test_a_tax_code_has_ten_digits_or_ten_and_three(typed: str, kept: str | None) -> None:
    assert tax_code(typed) == kept


@given(st.text(max_size=60))
def test_what_is_kept_is_kept_unchanged_when_read_again(typed: str) -> None:
    for read in (email_address, sender_address, phone_number, tax_code):
        kept = read(typed)
        assert kept is None or read(kept) == kept
