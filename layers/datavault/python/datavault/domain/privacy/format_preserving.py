"""Values of which FF1 changes the digits and letters, and leaves the separators where they are.

The alphabet is what the value is written in: the digits, the capitals and the small letters of
ASCII, whichever of them occur. A result in which one of these does not occur is encrypted again,
until all do (cycle walking), so that its alphabet can be told from it and it opens again.

A card number is treated apart. All but its last digit are encrypted; the last becomes the Luhn
digit plus 5. So the result has the digits of a card and opens again, but fails the Luhn test: it
can be charged to nobody, and this vault and other scanners can tell it from a card. Rejected:
keeping Luhn, after which nobody can tell a stand-in from somebody's card (the PCI SSC's
tokenization guidelines want them told apart). Whoever needs numbers that validate takes
``replace``.
"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datavault.domain.crypto import ff1
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.luhn import luhn_digit
from datavault.domain.privacy.values import framed

_CLASSES = (string.digits, string.ascii_uppercase, string.ascii_lowercase)
# ASCII punctuation and spaces stay. In anything else FF1 has no alphabet.
_FORM = re.compile(r"[ -~]+")
_CARD_DIGITS_MIN = 12
_CARD_SHIFT = 5
# Each round keeps a third of all values at least; 2**-1000 is never.
_WALK_MAX = 2500

type _Cipher = Callable[..., list[int]]


@dataclass(frozen=True, slots=True, repr=False)
class FormatKey:
    """A derived key of FF1 with the tweak that binds values to their store and entity."""

    key: bytes
    store: str
    entity: str

    @property
    def tweak(self) -> bytes:
        """The store and the entity, each after its length."""
        return framed(self.store, self.entity)


def encrypt_format(value: str, key: FormatKey) -> str | None:
    """``value`` with other digits and letters; ``None`` where FF1 does not apply.

    That is: a character outside ASCII, fewer than a million possible values, more than 1024
    letters and digits, a card number that fails the Luhn test, or one that FF1 leaves as it is.
    """
    if key.entity == Entity.CREDIT_CARD:
        changed = _card(value, key, ff1.encrypt, shift=0)
    else:
        changed = _walked(value, key, ff1.encrypt)
    return None if changed == value else changed


def decrypt_format(value: str, key: FormatKey) -> str | None:
    """What ``encrypt_format`` was given; ``None`` for what it cannot have made.

    FF1 is not authenticated: under a wrong key this is another value of the same form.
    """
    if key.entity == Entity.CREDIT_CARD:
        return _card(value, key, ff1.decrypt, shift=_CARD_SHIFT)
    return _walked(value, key, ff1.decrypt)


def _walked(value: str, key: FormatKey, cipher: _Cipher) -> str | None:
    if _FORM.fullmatch(value) is None:
        return None
    symbols = [char for char in value if char.isalnum()]
    classes = [each for each in _CLASSES if not set(each).isdisjoint(symbols)]
    alphabet = "".join(classes)
    if not _is_within_bounds(len(alphabet), len(symbols)):
        return None
    numerals = [alphabet.index(char) for char in symbols]
    for _ in range(_WALK_MAX):
        numerals = cipher(numerals, radix=len(alphabet), key=key.key, tweak=key.tweak)
        changed = [alphabet[each] for each in numerals]
        if not any(set(each).isdisjoint(changed) for each in classes):
            return _in_places(value, changed)
    return None


def _card(value: str, key: FormatKey, cipher: _Cipher, *, shift: int) -> str | None:
    if _FORM.fullmatch(value) is None:
        return None
    symbols = [char for char in value if char.isalnum()]
    if len(symbols) < _CARD_DIGITS_MIN or not "".join(symbols).isdecimal():
        return None
    digits = [int(char) for char in symbols]
    if (luhn_digit(digits[:-1]) + shift) % 10 != digits[-1]:
        return None
    if len(digits) > ff1.NUMERALS_MAX:
        return None
    changed = cipher(digits[:-1], radix=10, key=key.key, tweak=key.tweak)
    last = (luhn_digit(changed) + _CARD_SHIFT - shift) % 10
    return _in_places(value, [str(each) for each in (*changed, last)])


def _is_within_bounds(radix: int, count: int) -> bool:
    return 2 <= count <= ff1.NUMERALS_MAX and radix**count >= ff1.DOMAIN_SIZE_MIN


def _in_places(value: str, symbols: Sequence[str]) -> str:
    """``value`` with ``symbols`` for its letters and digits, in their order."""
    rest = iter(symbols)
    return "".join(next(rest) if char.isalnum() else char for char in value)
