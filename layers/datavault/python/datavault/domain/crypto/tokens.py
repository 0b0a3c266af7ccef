"""Tokens: a value sealed into a label that a model can read past, ``[PERSON:v1:mfrgg...]``.

AES-256-SIV (RFC 5297) under a key derived from a subject's key: deterministic, so that a value has
one token under a key, and authenticated. Its associated data are the version, the store and the
entity, so a token opens in its own store, under its own label, and nowhere else.

What is sealed is the value in UTF-8 (a lone surrogate as CPython's ``surrogatepass`` writes it, so
that every string has a token), padded by 0x80 and zeros (ISO/IEC 7816-4) to 32, 64, 128, ... bytes:
a token tells of the length only between which powers of two it lies. The text is base32 (RFC
4648) in lower case without ``=``, which survives JSON, URLs, shells and tokenizers. It is read back
only in exactly this form: an encoding with stray bits or in upper case is refused.
"""

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from datavault.domain import digests
from datavault.domain.errors import Corrupt, Invalid, Malformed, TooLarge

VALUE_BYTES_MAX = 4 * 2**20
PADDED_BYTES_MIN = 32
_VERSION = b"v1"
_ENTITY = r"[A-Z][A-Z0-9_]{0,39}"
# Sealed: 16 bytes of synthetic IV and 32 at least of padded value, in base32.
_FORM = re.compile(rf"\[({_ENTITY}):v1:([a-z2-7]{{77,}})\]")


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where a token is at home: one made in another store, or of another entity, does not open.

    ``entity`` is the name of an ``Entity``, or a policy's own word of this form: 1 to 40 capitals,
    digits and ``_``.
    """

    store: str
    entity: str

    def __post_init__(self) -> None:
        if re.fullmatch(_ENTITY, self.entity) is None:
            raise Invalid("an entity has 1 to 40 of A-Z, 0-9 and _", field="entity")


def tokenize(value: str, *, key: bytes, place: TokenPlace) -> str:
    """The token of ``value`` under a subject's 32-byte key: the same one every time.

    Raises:
        TooLarge: ``value`` has more than ``VALUE_BYTES_MAX`` bytes.
    """
    plain = value.encode("utf-8", "surrogatepass")
    if len(plain) > VALUE_BYTES_MAX:
        raise TooLarge(f"a token holds at most {VALUE_BYTES_MAX} bytes, not {len(plain)}")
    sealed = AESSIV(digests.token_key(key)).encrypt(_padded(plain), _bound_to(place))
    return f"[{place.entity}:v1:{_written(sealed)}]"


def detokenize(token: str, *, key: bytes, store: str) -> str:
    """The value that ``token`` stands for.

    Raises:
        Malformed: ``token`` is not exactly one token of a known version.
        Corrupt: the key or the store is another, or any part of the token is not as it was made.
    """
    place, sealed = _parsed(token, store)
    padded: bytes | None = None
    # What is refused is raised outside, so that nothing foreign is in the chain.
    with suppress(InvalidTag):
        padded = AESSIV(digests.token_key(key)).decrypt(sealed, _bound_to(place))
    if padded is None:
        raise Corrupt(f"a token of {place.entity} does not open under this key, in this store")
    value, mark, zeros = padded.rpartition(b"\x80")
    assert mark, "only we pad what opens"
    assert not any(zeros), "only we pad what opens"
    return value.decode("utf-8", "surrogatepass")


def entity_of_token(token: str) -> str:
    """The entity of which ``token`` says that its value is; not verified.

    Raises:
        Malformed: as in ``detokenize``.
    """
    return _parsed(token, "")[0].entity


def _padded(plain: bytes) -> bytes:
    size = max(PADDED_BYTES_MIN, 1 << len(plain).bit_length())
    return (plain + b"\x80").ljust(size, b"\0")


def _bound_to(place: TokenPlace) -> list[bytes]:
    return [_VERSION, place.store.encode(), place.entity.encode()]


def _written(sealed: bytes) -> str:
    return base64.b32encode(sealed).decode().rstrip("=").lower()


def _parsed(token: str, store: str) -> tuple[TokenPlace, bytes]:
    form = _FORM.fullmatch(token)
    if form is None:
        raise Malformed(f"not a token: {len(token)} characters", field="token")
    text = form[2].upper()
    sealed = b""
    # What has no possible length is refused below, as is what does not read back the same.
    with suppress(binascii.Error):
        sealed = base64.b32decode(text + "=" * (-len(text) % 8))
    if _written(sealed) != form[2]:
        raise Malformed(f"not a token: {len(token)} characters", field="token")
    return TokenPlace(store, form[1]), sealed
