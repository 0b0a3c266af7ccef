"""The keys of one store, unwrapped: what names, seals and opens everything in it.

The *id key* keys all content hashes and never rotates; *data keys* (DEKs) have epochs, of which
the newest seals and all open. Small sealed things (rows, commits, messages) have the form::

    0  4  magic "DVSE"
    4  1  format, 1
    5  1  suite, 1: HKDF-SHA256, AES-256-GCM with a drawn nonce
    6  2  zero
    8  4  epoch, u32 little-endian
    12    nonce, ciphertext, tag (``crypto.sealing``)

Their key is ``HKDF-Expand(DEK, tag || 0 || purpose || 0 || context)``, 32 bytes (SHA-256; the tag
is the ASCII text ``io.llm-data-vault/1/small things``, the context such as one generation of one
branch); the header (the first 12 bytes) and the place are associated data.
"""

import struct
from collections.abc import Mapping

from datavault.domain.crypto.sealing import DrawnSealer
from datavault.domain.digests import IdKeys, expand
from datavault.domain.errors import Corrupt
from datavault.domain.ids import StoreId
from datavault.domain.store.pack import Kind, PackKey
from datavault.domain.store.places import PackRef

_HEADER = struct.Struct("<4sBB2xI")
_MAGIC = b"DVSE"
_TAG = b"io.llm-data-vault/1/small things"


class StoreKeys:
    """All keys of ``store``. ``deks`` maps epochs to data keys; the greatest epoch seals."""

    def __init__(self, store: StoreId, id_key: bytes, deks: Mapping[int, bytes]) -> None:
        self.store = store
        self.ids = IdKeys.derive(id_key)
        self.epoch = max(deks)
        self._deks = dict(deks)
        self._packs: dict[tuple[bytes, Kind], PackKey] = {}
        self._small: dict[tuple[int, str, str], DrawnSealer] = {}

    def fresh_pack(self, kind: Kind) -> PackKey:
        """The key of a new pack, for one write attempt."""
        return PackKey.fresh(self._deks[self.epoch], self.store, kind, self.epoch)

    def pack(self, ref: PackRef, kind: Kind) -> PackKey:
        """The key of an existing pack.

        Raises:
            Corrupt: the reference is of another store or kind, or its epoch's key is gone.
        """
        known = self._packs.get((ref.id, kind))
        if known is not None and known.ref == ref:
            return known
        key = PackKey(self._dek(ref.epoch), self.store, kind, ref.epoch, ref.seed)
        if key.ref.id != ref.id:
            raise Corrupt(f"pack {ref.id.hex()} is not a pack of this store")
        if len(self._packs) >= _PACK_KEYS_MAX:
            self._packs.clear()
        self._packs[ref.id, kind] = key
        return key

    def seal(self, plaintext: bytes, *, purpose: str, context: str, place: str) -> bytes:
        """Seal something small; 40 bytes longer than the plaintext."""
        header = _HEADER.pack(_MAGIC, 1, 1, self.epoch)
        sealer = self._sealer(self.epoch, purpose, context)
        return header + sealer.seal(plaintext, place=header + place.encode())

    def unseal(self, sealed: bytes, *, purpose: str, context: str, place: str) -> bytes:
        """What ``seal`` was given, or ``Corrupt``."""
        header = sealed[: _HEADER.size]
        if len(header) < _HEADER.size or header[:8] != _MAGIC + b"\1\1\0\0":
            raise Corrupt("these bytes are not sealed in a known format")
        epoch = _HEADER.unpack(header)[3]
        sealer = self._sealer(epoch, purpose, context)
        return sealer.unseal(sealed[_HEADER.size :], place=header + place.encode())

    def _sealer(self, epoch: int, purpose: str, context: str) -> DrawnSealer:
        """Kept, because what a context has many of (a branch's staged rows) is sealed together:
        deriving the key takes twice as long as sealing a row does.
        """
        known = self._small.get((epoch, purpose, context))
        if known is not None:
            return known
        info = b"\0".join((_TAG, purpose.encode(), context.encode()))
        sealer = DrawnSealer(expand(self._dek(epoch), info))
        if len(self._small) >= _SMALL_KEYS_MAX:
            self._small.clear()
        self._small[epoch, purpose, context] = sealer
        return sealer

    def _dek(self, epoch: int) -> bytes:
        dek = self._deks.get(epoch)
        if dek is None:
            raise Corrupt(f"store {self.store} has no data key of epoch {epoch}")
        return dek


# A pack key is some hundred bytes; a store of 10 TB has 600,000 packs.
_PACK_KEYS_MAX = 10_000
# A sealer is some kilobytes; commits and jobs use theirs once.
_SMALL_KEYS_MAX = 100
