"""Which addresses mail can be sent to, and how they are written."""

import pytest

from services.notifier.domain.address import BadAddress, ascii_address


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
