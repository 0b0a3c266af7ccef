"""The check digit of card numbers (ISO/IEC 7812-1, annex B)."""

from collections.abc import Sequence

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DOUBLED_FIGURES = bytes.maketrans(b"0123456789", b"0246813579")


def luhn_digit(digits: Sequence[int]) -> int:
    """The digit to put behind ``digits`` so that the whole passes the Luhn test."""
    doubled = sum(_DOUBLED[each] for each in digits[::-2])
    return -(doubled + sum(digits[-2::-2])) % 10


def passes_luhn(number: str) -> bool:
    """Whether the last of some decimal digits is the one to put behind the others."""
    figures = number.encode()
    # Sums of bytes are summed in C, and each counts 48 too much.
    total = sum(figures[-1::-2]) + sum(figures[-2::-2].translate(_DOUBLED_FIGURES))
    return (total - 48 * len(figures)) % 10 == 0
