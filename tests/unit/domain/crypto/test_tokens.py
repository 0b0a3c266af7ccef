"""Tokens open under their own key, in their own store, under their own label."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.crypto.tokens import TokenPlace, detokenize, entity_of_token, tokenize
from datavault.domain.errors import Corrupt, Invalid, Malformed, TooLarge, VaultError
from datavault.domain.privacy.entities import Entity

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
PLACE = TokenPlace("store-1", Entity.PERSON)
ANY_STRING = st.text(st.characters(exclude_categories=()), max_size=200)


def opened(token: str) -> str:
    return detokenize(token, key=KEY, store=PLACE.store)


@settings(deadline=None)
@given(ANY_STRING, st.sampled_from(Entity))
def test_a_token_opens_to_its_value_whatever_the_string(value: str, entity: Entity) -> None:
    """Lone surrogates, NUL and the empty string too."""
    token = tokenize(value, key=KEY, place=TokenPlace("s", entity))
    assert detokenize(token, key=KEY, store="s") == value
    assert entity_of_token(token) == entity


def test_a_lone_surrogate_has_a_token() -> None:
    assert opened(tokenize("a\ud800b", key=KEY, place=PLACE)) == "a\ud800b"


@settings(deadline=None)
@given(ANY_STRING)
def test_another_key_store_or_label_does_not_open_it(value: str) -> None:
    token = tokenize(value, key=KEY, place=PLACE)
    with pytest.raises(Corrupt):
        detokenize(token, key=OTHER_KEY, store=PLACE.store)
    with pytest.raises(Corrupt):
        detokenize(token, key=KEY, store="store-2")
    with pytest.raises(Corrupt):
        opened(token.replace("[PERSON:", "[LOCATION:"))


def test_every_flipped_bit_is_refused() -> None:
    token = tokenize("Ada Lovelace", key=KEY, place=PLACE)
    for at, char in enumerate(token):
        for bit in range(7):
            flipped = token[:at] + chr(ord(char) ^ 1 << bit) + token[at + 1 :]
            with pytest.raises(VaultError) as refused:
                opened(flipped)
            assert type(refused.value) in {Malformed, Corrupt}
            assert refused.value.__context__ is None


@pytest.mark.parametrize("cut", [1, 2, 8, 40])
def test_a_shorter_or_longer_token_is_refused(cut: int) -> None:
    token = tokenize("Ada Lovelace" * 8, key=KEY, place=PLACE)
    with pytest.raises(VaultError):
        opened(token[: -cut - 1] + "]")
    with pytest.raises(VaultError):
        opened(token[:-1] + "a" * cut + "]")


@pytest.mark.parametrize(
    "text",
    ["", "[PERSON]", "Ada", "[PERSON:v1:]", "[PERSON:v2:{}]", "[person:v1:{}]", " [PERSON:v1:{}]"],
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        opened(text.format("a" * 77))


def test_a_token_says_little_of_the_length() -> None:
    sizes = [len(tokenize("a" * size, key=KEY, place=PLACE)) for size in range(200)]
    assert len(set(sizes)) == 4
    assert sizes.index(sizes[32]) == 32, "31 bytes and the mark fill the smallest bucket"


def test_one_value_has_one_token_under_a_key_and_another_under_another() -> None:
    token = tokenize("Ada", key=KEY, place=PLACE)
    assert token == tokenize("Ada", key=KEY, place=PLACE)
    assert token != tokenize("Ada", key=OTHER_KEY, place=PLACE)
    assert token != tokenize("Ada", key=KEY, place=TokenPlace("store-2", Entity.PERSON))


def test_a_value_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge, match="4194304"):
        tokenize("a" * (4 * 2**20 + 1), key=KEY, place=PLACE)


def test_an_entity_that_would_break_the_label_is_refused() -> None:
    with pytest.raises(Invalid, match="A-Z"):
        TokenPlace("store-1", "A:v1]")
