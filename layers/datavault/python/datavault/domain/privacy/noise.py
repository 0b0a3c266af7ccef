"""Dates and numbers moved a little, by an amount drawn from a key and the value."""

import re
from datetime import timedelta

from datavault.domain.privacy.dates import read_date
from datavault.domain.privacy.strategy import Noise
from datavault.domain.privacy.values import Draws, canonical

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DIGITS_MAX = 15


def noisy(entity: str, value: str, how: Noise, *, key: bytes, scope: str) -> str | None:
    """Another date or number near ``value``; ``None`` if it is neither.

    The amount is never zero, and the same for the same value in a scope: averaging over many
    outputs tells nothing more. A date stays as it is written, a time of day is dropped. A number
    keeps its sign and its decimals; it is the only one in ``value`` and all that is left of it.
    """
    draws = Draws(key, entity, scope, canonical(entity, value))
    if (written := read_date(value)) is not None:
        days = _step(draws, how.days)
        try:
            return written.write(written.day + timedelta(days))
        except OverflowError:
            return None
    numbers = _NUMBER.findall(value)
    if len(numbers) != 1 or len(numbers[0].lstrip("-")) > _DIGITS_MAX:
        return None
    whole, _, decimals = numbers[0].removeprefix("-").partition(".")
    amount = int(whole + decimals)
    moved = amount + _step(draws, max(1, amount * how.percent // 100))
    digits = str(abs(moved)).rjust(len(decimals) + 1, "0")
    sign = "-" if numbers[0].startswith("-") else ""
    if not decimals:
        return sign + digits
    return f"{sign}{digits[: -len(decimals)]}.{digits[-len(decimals) :]}"


def _step(draws: Draws, most: int) -> int:
    """From -``most`` to ``most``, and not 0."""
    amount = 1 + draws.below(most)
    return amount if draws.below(2) else -amount
