"""The check digit of card numbers (ISO/IEC 7812-1, annex B)."""

from collections.abc import Sequence

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn_digit(digits: Sequence[int]) -> int:
    """The digit to put behind ``digits`` so that the whole passes the Luhn test."""
    doubled = sum(_DOUBLED[each] for each in digits[::-2])
    return -(doubled + sum(digits[-2::-2])) % 10


def passes_luhn(number: str) -> bool:
    """Whether the last of some decimal digits is the one to put behind the others."""
    digits = [int(digit) for digit in number]
    return luhn_digit(digits[:-1]) == digits[-1]
