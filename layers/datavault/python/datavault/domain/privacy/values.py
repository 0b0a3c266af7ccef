"""When two spellings are one value, and what is drawn for a value from a key."""

import unicodedata
from collections.abc import Sequence

from blake3 import blake3

from datavault.domain.privacy.entities import Entity

# Of these, only letters and digits count: spaces, hyphens and the like are a way of writing.
_BY_LETTERS_AND_DIGITS = {
    Entity.CREDIT_CARD,
    Entity.DRIVER_LICENSE,
    Entity.HEALTH_INSURANCE,
    Entity.IBAN_CODE,
    Entity.LICENSE_PLATE,
    Entity.MAC_ADDRESS,
    Entity.MEDICAL_RECORD,
    Entity.NATIONAL_ID,
    Entity.PASSPORT,
    Entity.PHONE_NUMBER,
    Entity.ROUTING_NUMBER,
    Entity.US_BANK_NUMBER,
    Entity.US_ITIN,
    Entity.US_SSN,
    Entity.VIN,
}
# A secret, a wallet, the path of a URL: another case is another value.
_EXACT = {Entity.CRYPTO, Entity.SECRET, Entity.URL}


def canonical(entity: str, value: str) -> str:
    """The same for all spellings of one value: case, width and white space do not count.

    Of identifying numbers, nothing but letters and digits counts.
    """
    if entity in _EXACT:
        return value
    folded = unicodedata.normalize("NFKC", value).casefold()
    if entity in _BY_LETTERS_AND_DIGITS:
        return "".join(char for char in folded if char.isalnum())
    return " ".join(folded.split())


def framed(*parts: str) -> bytes:
    """The parts in UTF-8, each after its length, so that no two sequences of them look alike."""
    texts = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(text).to_bytes(4) + text for text in texts)


class Draws:
    """An endless row of choices that depend on a key and on what they are for, and on no chance."""

    __slots__ = ("_at", "_hasher")

    def __init__(self, key: bytes, *purpose: str) -> None:
        self._hasher = blake3(framed(*purpose), key=key)
        self._at = 0

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1; ``bound`` is at most 2**64, so the bias is small."""
        drawn = self._hasher.digest(16, seek=self._at)
        self._at += 16
        return int.from_bytes(drawn) % bound

    def of[T](self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def digits(self, count: int) -> str:
        """So many decimal digits."""
        return "".join(str(self.below(10)) for _ in range(count))
