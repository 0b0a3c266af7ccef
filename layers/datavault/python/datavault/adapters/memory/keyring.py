"""KEKs in memory: AES-256-GCM with the context as associated data.

Like KMS it keeps a KEK's name in what it wraps, refuses a disabled KEK, and binds the context
whatever its order. A wrapped key is a mark, a nonce of 12 bytes and the sealed key.
"""

import json
import os
from collections.abc import Mapping
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datavault.domain.errors import Corrupt, KekUnavailable

_MARK = b"memory keyring 1\0"
_NONCE_BYTES = 12
_KEY_BYTES = 32
# KMS's own bound on the whole context.
_CONTEXT_BYTES_MAX = 8192


class MemoryKeyring:
    """Keeps ``ports.Keyring``; a KEK can be disabled as an operator would disable it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keks: dict[str, AESGCM] = {}
        self._disabled: set[str] = set()

    def create(self, *, description: str, tags: Mapping[str, str]) -> str:
        with self._lock:
            kek = f"kek-{len(self._keks) + 1:04d}"
            self._keks[kek] = AESGCM(AESGCM.generate_key(bit_length=8 * _KEY_BYTES))
            return kek

    def generate(self, kek: str, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        key, nonce = os.urandom(_KEY_BYTES), os.urandom(_NONCE_BYTES)
        sealed = self._enabled(kek).encrypt(nonce, key, _associated(kek, context))
        return key, _MARK + nonce + sealed

    def unwrap(self, kek: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        cipher = self._enabled(kek)
        nonce_end = len(_MARK) + _NONCE_BYTES
        try:
            if not wrapped.startswith(_MARK):
                raise InvalidTag
            return cipher.decrypt(
                wrapped[len(_MARK) : nonce_end], wrapped[nonce_end:], _associated(kek, context)
            )
        except (InvalidTag, ValueError):
            raise Corrupt(f"a wrapped key does not open under {kek} in its context") from None

    def ping(self) -> None:
        pass

    def disable(self, kek: str) -> None:
        """From now on ``kek`` is ``KekUnavailable``."""
        with self._lock:
            self._disabled.add(kek)

    def enable(self, kek: str) -> None:
        """Undo ``disable``."""
        with self._lock:
            self._disabled.discard(kek)

    def _enabled(self, kek: str) -> AESGCM:
        with self._lock:
            if kek not in self._keks or kek in self._disabled:
                raise KekUnavailable(f"{kek} is disabled or does not exist")
            return self._keks[kek]


def _associated(kek: str, context: Mapping[str, str]) -> bytes:
    for name, value in context.items():
        if not (isinstance(name, str) and isinstance(value, str) and name and value):
            raise ValueError("a context is made of texts, none of them empty")
    text = json.dumps([kek, dict(context)], sort_keys=True).encode()
    if len(text) > _CONTEXT_BYTES_MAX:
        raise ValueError(f"context of {len(text)} bytes, at most {_CONTEXT_BYTES_MAX} allowed")
    return text
