"""FF1, encryption of digits by digits of the same number (NIST SP 800-38G rev. 1, algorithms 7, 8).

Numerals are lists of integers below the radix; what characters they stand for is the caller's
affair. The domain has at least a million values, as revision 1 demands: in a smaller one, whoever
sees some pairs can guess the others. FF1 is deterministic and not authenticated: a wrong key
gives another value and no error.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from datavault.domain.errors import Invalid, TooLarge

DOMAIN_SIZE_MIN = 1_000_000
# Far below the standard's 2**32: the arithmetic is quadratic in the number of numerals.
NUMERALS_MAX = 1024
RADIX_MAX = 2**16
_ROUNDS = 10
_BLOCK_BYTES = 16
_NO_IV = bytes(_BLOCK_BYTES)


def encrypt(numerals: Sequence[int], *, radix: int, key: bytes, tweak: bytes) -> list[int]:
    """As many numerals as were given; the same ones for the same radix, key and tweak.

    ``key`` has 16, 24 or 32 bytes.

    Raises:
        Invalid: fewer than ``DOMAIN_SIZE_MIN`` values are possible, or a numeral is no numeral.
        TooLarge: more than ``NUMERALS_MAX`` numerals.
    """
    rounds = _Rounds(numerals, radix, key, tweak)
    left, right = numerals[: rounds.left], numerals[rounds.left :]
    a, b = _number(left, radix), _number(right, radix)
    for number in range(_ROUNDS):
        a, b = b, (a + rounds.of(number, b)) % rounds.modulus(number)
    return [*_numerals(a, radix, rounds.left), *_numerals(b, radix, rounds.right)]


def decrypt(numerals: Sequence[int], *, radix: int, key: bytes, tweak: bytes) -> list[int]:
    """What ``encrypt`` was given; errors as there."""
    rounds = _Rounds(numerals, radix, key, tweak)
    left, right = numerals[: rounds.left], numerals[rounds.left :]
    a, b = _number(left, radix), _number(right, radix)
    for number in reversed(range(_ROUNDS)):
        a, b = (b - rounds.of(number, a)) % rounds.modulus(number), a
    return [*_numerals(a, radix, rounds.left), *_numerals(b, radix, rounds.right)]


class _Rounds:
    """The round function of one encryption: steps 1 to 6.v of the standard, in its letters."""

    __slots__ = ("_d", "_encryptor", "_key", "_moduli", "_p", "_q", "_size", "left", "right")

    def __init__(self, numerals: Sequence[int], radix: int, key: bytes, tweak: bytes) -> None:
        size = len(numerals)
        _require_numerals(numerals, radix)
        self.left = size // 2  # u
        self.right = size - self.left  # v
        # b = ceil(ceil(v * log2(radix)) / 8), in integers.
        self._size = ((radix**self.right - 1).bit_length() + 7) // 8
        self._d = 4 * ((self._size + 3) // 4) + 4
        self._key = algorithms.AES(key)
        self._encryptor = Cipher(self._key, modes.ECB()).encryptor()  # noqa: S305 - one block
        self._p = (
            b"\x01\x02\x01"
            + radix.to_bytes(3)
            + bytes([_ROUNDS, self.left % 256])
            + size.to_bytes(4)
            + len(tweak).to_bytes(4)
        )
        self._q = tweak + bytes((-len(tweak) - self._size - 1) % _BLOCK_BYTES)
        # In Python's types a power may be a float, as 2**-1 is.
        self._moduli: tuple[int, int] = (int(radix**self.left), int(radix**self.right))

    def modulus(self, number: int) -> int:
        """The number of values of the half that round ``number`` changes."""
        return self._moduli[number % 2]

    def of(self, number: int, half: int) -> int:
        """What round ``number`` adds to one half, given the other."""
        text = self._p + self._q + bytes([number]) + half.to_bytes(self._size)
        chain = Cipher(self._key, modes.CBC(_NO_IV)).encryptor()
        r = (chain.update(text) + chain.finalize())[-_BLOCK_BYTES:]
        stream = r
        for block in range(1, (self._d + _BLOCK_BYTES - 1) // _BLOCK_BYTES):
            mixed = int.from_bytes(r) ^ block
            stream += self._encryptor.update(mixed.to_bytes(_BLOCK_BYTES))
        return int.from_bytes(stream[: self._d])


def _require_numerals(numerals: Sequence[int], radix: int) -> None:
    if len(numerals) > NUMERALS_MAX:
        raise TooLarge(f"FF1 takes at most {NUMERALS_MAX} numerals, not {len(numerals)}")
    if not 2 <= radix <= RADIX_MAX:
        raise Invalid(f"FF1 has a radix of 2 to {RADIX_MAX}, not {radix}")
    if len(numerals) < 2 or radix ** len(numerals) < DOMAIN_SIZE_MIN:
        raise Invalid(
            f"FF1 wants {DOMAIN_SIZE_MIN} possible values at least; "
            f"{len(numerals)} numerals of radix {radix} have fewer"
        )
    if not all(0 <= each < radix for each in numerals):
        raise Invalid(f"a numeral is not below the radix {radix}")


def _number(numerals: Sequence[int], radix: int) -> int:
    value = 0
    for each in numerals:
        value = value * radix + each
    return value


def _numerals(value: int, radix: int, size: int) -> list[int]:
    found = [0] * size
    for at in reversed(range(size)):
        value, found[at] = divmod(value, radix)
    return found
