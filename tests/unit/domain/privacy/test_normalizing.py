"""Each character is read as rules know it, whatever else stands in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.privacy.normalizing import REPLACED_ONE_BY_ONE_MAX, read

# More kinds than are replaced one by one: digits of three scripts, dashes, spaces, unseen ones.
ODD = "０１２３４５６７８９٠١٢٣٤٥٦٧٨٩०१२३–—‑−\u00a0\u2009\u3000\u2028\u200b\u00ad\ufeff\ud800＋（"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Zoë – 12", "Zoë - 12"),
        ("＋４９\u00a0٣٠", "+49 30"),
        ("1\u200b2\u00ad3", "123"),
        ("a\u2028b", "a\nb"),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_looks_like_a_character_is_read_as_it(text: str, expected: str) -> None:
    assert read(text).text == expected


@given(text=st.text(st.sampled_from(f"{ODD}aé1 -"), max_size=60))
def test_a_text_is_read_character_by_character(text: str) -> None:
    reading = read(text)
    alone = [read(char).text for char in text]
    assert reading.text == "".join(alone)
    places = [place for place, char in enumerate(alone) if char]
    assert [reading.original(at, at + 1)[0] for at in range(len(reading.text))] == places


def test_many_kinds_of_characters_are_read_as_few_are() -> None:
    assert len(set(ODD)) > REPLACED_ONE_BY_ONE_MAX
    assert read(ODD).text == "".join(read(char).text for char in ODD)
