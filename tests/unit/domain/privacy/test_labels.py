"""Labels are whole words and phrases, the same in ASCII as in any other text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.privacy.luhn import luhn_digit, passes_luhn
from datavault.domain.privacy.recognizers.labels import labels

LABELS = labels("tel fax né straße", "e-mail")
PARTS = ("tel", "Tel", "FAX", "né", "STRASSE", "e-mail", "x", "_", "-", " ", ":", "“", "é", "7")


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=9),
    start=st.integers(0, 20),
    length=st.integers(0, 40),
)
def test_a_label_is_found_as_the_words_say(parts: list[str], start: int, length: int) -> None:
    text = "".join(parts)
    window = text[start : start + length].casefold()
    words = re.findall(r"[^\W_]+", window)
    if 0 < start < len(text) and text[start - 1].isalnum() and window.startswith(tuple(words[:1])):
        del words[:1]
    expected = not LABELS.words.isdisjoint(words) or "e-mail" in window
    assert LABELS.within(text, start, start + length) is expected


@given(number=st.text("0123456789", min_size=2, max_size=30))
def test_one_last_digit_passes_the_luhn_test(number: str) -> None:
    check = luhn_digit([int(digit) for digit in number])
    assert [digit for digit in range(10) if passes_luhn(f"{number}{digit}")] == [check]
