"""The reference: readable, forgiving about its spelling, and sure about its characters."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import reference
from services.intake.domain.reference import ALPHABET, MalformedReference, MistypedReference, check_character, mint, parse

BODIES = st.text(ALPHABET, min_size=8, max_size=8)
SAMPLES = ("22222222", "ZZZZZZZZ", "HDHDHDHD", "23456789", "DMARMN4F", "9Z8Y7X6W")


def nine(body: str) -> str:
    return body + check_character(body)


def test_the_alphabet_has_29_characters_and_none_that_is_misread() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 29
    assert not set(ALPHABET) & set("01ILOSU")


@pytest.mark.parametrize(
    ("random_bytes", "expected"),
    [
        (bytes(16), "HD-222-222-222"),
        ((1).to_bytes(16), "HD-322-222-22Y"),  # 2 * 1 + 27 = 29, and Y is the 27th counted from nought
        ((29).to_bytes(16), "HD-232-222-22X"),  # 3 * 1 + 26 = 29
    ],
)
def test_equal_bytes_mint_the_same_reference(random_bytes: bytes, expected: str) -> None:
    assert mint(random_bytes) == expected


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        mint(b"short")


@given(st.binary(min_size=16, max_size=16))
def test_what_is_minted_is_read_back(random_bytes: bytes) -> None:
    minted = mint(random_bytes)
    assert parse(minted) == minted
    assert len(minted) == len("HD-XXX-XXX-XXX")


@pytest.mark.parametrize("body", SAMPLES)
def test_every_single_wrong_character_is_caught(body: str) -> None:
    right = nine(body)
    for position, other in itertools.product(range(9), ALPHABET):
        if other != right[position]:
            with pytest.raises(MistypedReference):
                parse(right[:position] + other + right[position + 1 :])


def test_every_pair_of_characters_in_every_two_places_is_caught_when_swapped() -> None:
    """All 29 * 28 pairs in all 36 pairs of places: neighbours are eight of them."""
    for first, second in itertools.combinations(range(9), 2):
        for one, other in itertools.permutations(ALPHABET, 2):
            body = ["2"] * 9
            body[first], body[second] = one, other
            difference = weighted(body) - weighted(swapped(body, first, second))
            assert difference % 29, (first, second, one, other)


def weighted(characters: list[str]) -> int:
    """Written out here again, so that a change of the weights is noticed."""
    return sum(weight * ALPHABET.index(character) for weight, character in zip((2, 3, 4, 5, 6, 7, 8, 9, 1), characters, strict=True))


def swapped(characters: list[str], first: int, second: int) -> list[str]:
    other = list(characters)
    other[first], other[second] = characters[second], characters[first]
    return other


@given(BODIES, st.integers(0, 7))
def test_two_neighbours_swapped_are_told_as_a_typing_mistake(body: str, position: int) -> None:
    right = nine(body)
    wrong = right[:position] + right[position + 1] + right[position] + right[position + 2 :]
    if wrong == right:
        assert parse(wrong)
    else:
        with pytest.raises(MistypedReference, match="typing mistake"):
            parse(wrong)


@given(BODIES)
def test_the_weighted_sum_of_a_reference_is_a_multiple_of_29(body: str) -> None:
    assert weighted(list(nine(body))) % 29 == 0


@pytest.mark.parametrize(
    "typed",
    [
        "HD-DMA-RMN-4FK",
        "hd-dma-rmn-4fk",
        "  hd dma rmn 4fk ",
        "DMARMN4FK",
        "HDDMARMN4FK",
        "dma–rmn—4fk",
        "ＨＤ－ＤＭＡ－ＲＭＮ－４ＦＫ",
        "HD-DMA\u00a0RMN\t4FK\n",
    ],
)
def test_a_reference_is_known_however_it_is_typed(typed: str) -> None:
    assert parse(typed) == "HD-DMA-RMN-4FK"


def test_a_body_that_begins_like_the_prefix_is_read_with_and_without_it() -> None:
    right = nine("HDHDHDHD")
    assert parse(right) == parse("HD" + right) == f"HD-HDH-DHD-HD{right[-1]}"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "looks like HD-XXX-XXX-XXX"),
        ("HD-DMA-RMN-4F", "looks like HD-XXX-XXX-XXX"),
        ("HD-DMA-RMN-4FKK", "looks like HD-XXX-XXX-XXX"),
        ("XX-DMA-RMN-4FK", "looks like HD-XXX-XXX-XXX"),
        ("HD-DMA-RMN-40I", "never contains 0, I"),
        ("HD-DMA-RMN-4FĐ", "never contains Đ"),
        ("x" * 1_000_000, "looks like HD-XXX-XXX-XXX"),
    ],
)
def test_what_is_no_reference_is_told_apart_from_a_mistyped_one(typed: str, says: str) -> None:
    with pytest.raises(MalformedReference, match=says):
        parse(typed)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(typed: str) -> None:
    assert told(typed).startswith((reference.PREFIX, "A reference", "The reference"))


def told(typed: str) -> str:
    try:
        return parse(typed)
    except ValueError as refusal:
        return str(refusal)
