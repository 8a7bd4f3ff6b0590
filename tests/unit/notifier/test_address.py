"""Which addresses mail can be sent to, and how they are written."""

import pytest

from services.notifier.domain.address import BadAddress, ascii_address, recipient_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("lan@halong.example", "lan@halong.example"),
        ("  lan@halong.example ", "lan@halong.example"),
        ("first.last+tag@customs.example", "first.last+tag@customs.example"),
        ("anh@thư.vn", "anh@xn--th-e0a.vn"),
        ("root@localhost", "root@localhost"),
        ("x@127.0.0.1", "x@127.0.0.1"),
    ],
)
def test_a_usable_address_becomes_seven_bit(address: str, expected: str) -> None:
    assert ascii_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lan",
        "@halong.example",
        "lan@",
        "ánh@halong.example",
        "a b@halong.example",
        "a@b@halong.example",
        '"a b"@halong.example',
        "lan@halong..example",
        "lan@-halong.example",
        "lan@[127.0.0.1]",
        "lan@halong.example\r\nBcc: all@x.example",
        "lan\n@halong.example",
        "lan@halong.example> AUTH=<x",
        "lan@halong.example,eve@x.example",
        "l" * 65 + "@halong.example",
        "lan@" + "a." * 130 + "example",
        "lan@" + "a" * 64 + ".example",
        "lan@\udcff.example",
    ],
)
def test_an_address_that_cannot_be_used_or_hides_a_command_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        ascii_address(address)
    if address != "ánh@halong.example":
        with pytest.raises(BadAddress):
            recipient_address(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Nguyễn@ví-dụ.vn", "Nguyễn@xn--v-d-rma6749a.vn"),
        ("Nguye\u0302\u0303n@ha.example", "Nguyễn@ha.example"),
        ("用户.test@例え.jp", "用户.test@xn--r8jz45g.jp"),
        ("lan@thư.vn", "lan@xn--th-e0a.vn"),
    ],
)
def test_a_recipient_keeps_the_letters_of_their_name_in_one_spelling(address: str, expected: str) -> None:
    assert recipient_address(address) == expected


@pytest.mark.parametrize(
    "address",
    ["Ngu\u00a0yễn@x.vn", "a\u202eb@x.vn", "a\u2028b@x.vn", "a\x85b@x.vn", "ễ" * 22 + "@x.vn", "ễ\r\nRCPT TO:<eve@x.vn>@y.vn", "ễ.@x.vn"],
)
def test_a_recipient_whose_name_hides_something_or_is_too_long_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        recipient_address(address)
