"""AES-256-GCM (NIST SP 800-38D), used in two ways, each with its own rule for nonces.

*Counted*: a key that is fresh for one write attempt seals numbered blocks; the number is the
nonce. A retry draws another key, so a pair of key and nonce never occurs twice.

*Drawn*: a key that seals many small things draws a random 96-bit nonce for each, written in
front. Such a key is derived for one small domain: a generation of a branch (50,000 records at
most), one commit, one commit job, the cursors of one list. So it stays far below the 2**32
messages that SP 800-38D allows with random nonces.

There is no way to pass a nonce for the second or a mode for either, and no way not to verify.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datavault.domain.errors import Corrupt

KEY_BYTES = 32
TAG_BYTES = 16
NONCE_BYTES = 12
SEALED_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES


class CountedSealer:
    """Seals and opens the numbered blocks of one write attempt under its own key."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, index: int, plaintext: bytes, place: bytes) -> bytes:
        """Encrypt block ``index`` and bind it to ``place``; 16 bytes longer than the plaintext.

        The caller seals each index once per key.
        """
        return self._aead.encrypt(index.to_bytes(NONCE_BYTES), plaintext, place)

    def unseal(self, index: int, sealed: bytes, place: bytes) -> bytes:
        """The plaintext of block ``index``.

        Raises:
            Corrupt: any bit of the key, the index, the place or the sealed bytes is another.
        """
        return _open(self._aead, index.to_bytes(NONCE_BYTES), sealed, place)


class DrawnSealer:
    """Seals and opens the many small things of one domain under its own key."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, *, place: bytes) -> bytes:
        """Encrypt ``plaintext`` and bind it to ``place``; 28 bytes longer than the plaintext."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plaintext, place)

    def unseal(self, sealed: bytes, *, place: bytes) -> bytes:
        """What ``seal`` was given.

        Raises:
            Corrupt: any bit of the key, the place or the sealed bytes is another.
        """
        return _open(self._aead, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)


def _open(aead: AESGCM, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES or len(sealed) < TAG_BYTES:
        raise Corrupt(f"sealed bytes are too few: {len(sealed)}")
    try:
        return aead.decrypt(nonce, sealed, place)
    except InvalidTag:
        raise Corrupt("sealed bytes fail verification") from None
