"""What is read out of MAIL FROM and RCPT TO, whatever stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.mail.paths import NULL, path_of


@pytest.mark.parametrize(
    ("argument", "address", "rest"),
    [
        ("<lan@x.vn>", "lan@x.vn", ""),
        ("<lan@x.vn> SIZE=100 BODY=8BITMIME", "lan@x.vn", "SIZE=100 BODY=8BITMIME"),
        ("<lan@x.vn>SIZE=100", "lan@x.vn", "SIZE=100"),
        ("lan@x.vn SIZE=100", "lan@x.vn", "SIZE=100"),
        ("<>", NULL, ""),
        ("<> RET=HDRS", NULL, "RET=HDRS"),
        ("", "", ""),
        ("<Nguyễn@ví-dụ.vn> SMTPUTF8", "Nguyễn@ví-dụ.vn", "SMTPUTF8"),
        (r"<foo\@bar@x.vn>", r"foo\@bar@x.vn", ""),
        (r'<"foo\"bar"@x.vn> SIZE=1', r'"foo\"bar"@x.vn', "SIZE=1"),
        ('<"a > b"@x.vn> SIZE=1', '"a > b"@x.vn', "SIZE=1"),
        ('"a b"@x.vn SIZE=1', '"a b"@x.vn', "SIZE=1"),
        ('<"lan"@x.vn>', "lan@x.vn", ""),
        (r'<"l\an"@x.vn>', "lan@x.vn", ""),
        ('<"lan..x"@x.vn>', '"lan..x"@x.vn', ""),
        ('<""@x.vn>', '""@x.vn', ""),
        ("<@hop.example,@next.example:lan@x.vn>", "lan@x.vn", ""),
        ("<lan..minh.@x.vn>", "lan..minh.@x.vn", ""),
        ("<lan minh@x.vn>", "lan minh@x.vn", ""),
        ("<<lan@x.vn>>", "lan@x.vn", ""),
        ("<lan@x.vn SIZE=1", "lan@x.vn", "SIZE=1"),
        ('<"lan@x.vn> SIZE=1', '"lan@x.vn', "SIZE=1"),
        ("<lan@[192.0.2.1]>", "lan@[192.0.2.1]", ""),
        ("< >", "< >", ""),
        ("<", "<", ""),
    ],
)
def test_every_way_to_write_an_address_is_taken(argument: str, address: str, rest: str) -> None:
    assert path_of(argument) == (address, rest)


@given(st.text(alphabet=st.sampled_from(list('<>"\\@:., aễ\udcff=')), max_size=40))
def test_whatever_is_said_there_is_an_address_and_only_the_null_path_is_null(argument: str) -> None:
    address, _ = path_of(argument)
    assert bool(address) == bool(argument.strip())
    assert (address == NULL) == argument.strip().startswith("<>")
