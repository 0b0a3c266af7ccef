"""Every hash tag of the vault, in one place: the file one changes last.

All hashes are BLAKE3. Hashes of content are keyed by a secret of the store (its *id key*), so
that nobody without it can test a guess against an address; each use has its own key, derived
from the id key with HKDF-SHA256 and the tag as ``info``. Commit ids are the exception: they are
BLAKE3 in ``derive_key`` mode, which anyone can recompute from the commit's public fields; what
they cover (the tree's root) is keyed already.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from blake3 import blake3
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

DIGEST_BYTES = 16
ADDRESS_BYTES = 32
_ETAG_BYTES = 16
_STAGED_ID_BYTES = 16

_RECORD = b"io.llm-data-vault/1/record digest"
_NODE = b"io.llm-data-vault/1/tree node address"
_BOUNDARY = b"io.llm-data-vault/1/tree boundary"
_STAGED_ID = b"io.llm-data-vault/1/staged record id"
_ETAG = b"io.llm-data-vault/1/record etag"
_COMMIT = "io.llm-data-vault/1/commit id"
_REQUEST_BODY = "io.llm-data-vault/1/idempotent request body"
_NAME = b"io.llm-data-vault/1/dataset name"
_SCHEMA = b"io.llm-data-vault/1/record schema"
_DROP = "io.llm-data-vault/1/dropped object"
_USAGE = "io.llm-data-vault/1/usage identifier"
_PSEUDONYM = b"io.llm-data-vault/1/event pseudonym"
_POLICY = "io.llm-data-vault/1/privacy policy"
_SURROGATE = b"io.llm-data-vault/1/surrogate"
_NOISE = b"io.llm-data-vault/1/noise"
_KEYED_HASH = b"io.llm-data-vault/1/keyed hash of a value"
_TOKEN = b"io.llm-data-vault/1/token"
_FORMAT = b"io.llm-data-vault/1/format-preserving encryption"


@dataclass(frozen=True, slots=True, repr=False)
class IdKeys:
    """The keys of one store's content hashes, all derived from its id key, which never rotates."""

    record: bytes
    node: bytes
    boundary: bytes
    staged_id: bytes
    etag: bytes

    @classmethod
    def derive(cls, id_key: bytes) -> "IdKeys":
        """Derive all of them from the 32-byte id key."""
        tags = (_RECORD, _NODE, _BOUNDARY, _STAGED_ID, _ETAG)
        return cls(*(expand(id_key, tag) for tag in tags))


def surrogate_key(key: bytes) -> bytes:
    """The key under which stand-ins for values are drawn, of a 32-byte key."""
    return expand(key, _SURROGATE)


def noise_key(key: bytes) -> bytes:
    """The key under which noise is drawn, of a 32-byte key."""
    return expand(key, _NOISE)


def keyed_hash_key(key: bytes) -> bytes:
    """The key of the HMAC that stands for a value, of a 32-byte key."""
    return expand(key, _KEYED_HASH)


def token_key(key: bytes) -> bytes:
    """The 64-byte key of AES-256-SIV under which tokens are made, of a 32-byte key."""
    return expand(key, _TOKEN, length=64)


def format_key(key: bytes) -> bytes:
    """The AES-256 key of format-preserving encryption, of a 32-byte key."""
    return expand(key, _FORMAT)


def policy_hash(canonical: bytes) -> str:
    """The hash of a privacy policy's canonical JSON: 64 hex digits, recomputable by anyone."""
    return blake3(canonical, derive_key_context=_POLICY).hexdigest()


def expand(key: bytes, info: bytes, *, length: int = 32) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869) of a uniformly random ``key``."""
    return HKDFExpand(algorithm=SHA256(), length=length, info=info).derive(key)


def record_digest(body: bytes, key: bytes) -> bytes:
    """The 16-byte digest of a record's stored bytes, under ``IdKeys.record``."""
    return blake3(body, key=key).digest(DIGEST_BYTES)


def record_digests(bodies: Iterable[bytes | memoryview], key: bytes) -> bytes:
    """``record_digest`` of each of many, one after the other.

    One hasher for all: making one takes longer than hashing a short record does.
    """
    hasher = blake3(key=key)
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    found: list[bytes] = []
    for body in bodies:
        update(body)
        found.append(digest(DIGEST_BYTES))
        reset()
    return b"".join(found)


def node_address(identity: bytes | memoryview, key: bytes) -> bytes:
    """The 32-byte address of a tree node, under ``IdKeys.node``."""
    return blake3(identity, key=key).digest(ADDRESS_BYTES)


class Prefix:
    """What the identities of some tree nodes begin with, hashed once for all of them."""

    __slots__ = ("_hasher", "_key", "octets")

    def __init__(self, octets: bytes | memoryview) -> None:
        self.octets = octets
        self._key = b""
        self._hasher: blake3 | None = None

    def address(self, rest: bytes, key: bytes) -> bytes:
        """``node_address`` of the identity that goes on with ``rest`` and ends with it."""
        begun = self._hasher
        if begun is None or self._key is not key:
            begun = blake3(self.octets, key=key)
            self._hasher, self._key = begun, key
        hasher = begun.copy()
        hasher.update(rest)
        return hasher.digest(ADDRESS_BYTES)


def staged_id(record_id: str, key: bytes) -> str:
    """What stands for a record id in a staging row's key: 128 bits, in hex."""
    return blake3(record_id.encode(), key=key).hexdigest(_STAGED_ID_BYTES)


def staged_ids(record_ids: Iterable[str], key: bytes) -> list[str]:
    """``staged_id`` of each of many, with one hasher for all."""
    return _hashes(map(str.encode, record_ids), key, _STAGED_ID_BYTES)


def record_etag(digest: bytes, key: bytes) -> str:
    """An entity tag for a record, from which its digest cannot be had: 128 bits, in hex."""
    return blake3(digest, key=key).hexdigest(_ETAG_BYTES)


def record_etags(record_digests: Iterable[bytes], key: bytes) -> list[str]:
    """``record_etag`` of each of many, with one hasher for all."""
    return _hashes(record_digests, key, _ETAG_BYTES)


def commit_id(canonical: bytes) -> str:
    """The id of a commit: 64 hex characters, recomputable by anyone from the commit object."""
    return blake3(canonical, derive_key_context=_COMMIT).hexdigest()


def request_body_hash(body: bytes) -> bytes:
    """What an idempotency row remembers of a request's body: 32 bytes."""
    return blake3(body, derive_key_context=_REQUEST_BODY).digest()


def name_hash(name: str, workspace_key: bytes) -> str:
    """The sort key of a dataset's name: any name fits, and no two names share it.

    Under a key of the workspace, so that whoever sees keys of rows cannot test a guess.
    """
    return blake3(name.encode(), key=expand(workspace_key, _NAME)).hexdigest()


def schema_hash(text: bytes, workspace_key: bytes) -> str:
    """What stands for a dataset's schema in its row: 128 bits, in hex; the same for the same text.

    Under a key of the workspace, so that whoever sees rows cannot test a guess.
    """
    return blake3(text, key=expand(workspace_key, _SCHEMA)).hexdigest(16)


def usage_identifier_hash(workspace: str) -> str:
    """The 64 hex digits under which a gateway counts a workspace's requests."""
    return blake3(workspace.encode(), derive_key_context=_USAGE).hexdigest()


def drop_hash(identity: bytes) -> bytes:
    """What a job's id is derived from when an object that was dropped asks for it."""
    return blake3(identity, derive_key_context=_DROP).digest()


def pseudonym(kind: str, name: str, workspace_key: bytes) -> str:
    """What stands in events for a name that may be personal: 128 bits, in hex.

    The same name of the same ``kind`` has the same one throughout a workspace, and in no other.
    """
    said = f"{kind}\0{name}".encode()
    return blake3(said, key=expand(workspace_key, _PSEUDONYM)).hexdigest(16)


def _hashes(texts: Iterable[bytes], key: bytes, size: int) -> list[str]:
    hasher = blake3(key=key)
    update, hexdigest, reset = hasher.update, hasher.hexdigest, hasher.reset
    found: list[str] = []
    for text in texts:
        update(text)
        found.append(hexdigest(size))
        reset()
    return found
