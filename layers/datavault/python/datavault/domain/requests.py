"""Idempotent requests: a request that carries a key is carried out once in 24 hours.

The row that remembers it is written in the transaction that does the work, so a repeated request
finds either nothing, and does the work, or the row, and gets the first one's answer.
"""

from dataclasses import dataclass
from hmac import compare_digest

from blake3 import blake3

from datavault.domain import keyspace
from datavault.domain.access import Caller
from datavault.domain.digests import expand
from datavault.domain.errors import Conflict
from datavault.domain.ids import RequestId
from datavault.domain.rows import EXPIRES_AT, Absent, Delete, If, Key, Put, Row

_TAG = b"io.llm-data-vault/1/idempotent request"
KEPT_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller named a request, and the hash of all that it asked for."""

    id: RequestId
    body_hash: bytes


def key(caller: Caller, request: Request) -> Key:
    """Where the request is remembered: per workspace and caller."""
    named = f"{caller.subject}\0{request.id}".encode()
    return keyspace.request(caller.workspace, blake3(named).hexdigest(16))


def remember(
    caller: Caller, request: Request, outcome: str, now_ms: int, workspace_key: bytes
) -> list[Put]:
    """The change that remembers ``request`` and what came of it.

    The hash of the request is kept under a key of the workspace: an unkeyed one would let whoever
    reads the row test guesses at what was in the body.
    """
    return [
        Put(
            key(caller, request),
            {
                "body_hash": _keyed(request, workspace_key),
                "outcome": outcome,
                EXPIRES_AT: (now_ms + KEPT_MS) // 1000,
            },
            Absent(),
        )
    ]


def is_over(row: Row, now_ms: int) -> bool:
    """Whether the request that the row remembers was made too long ago to count."""
    return row.number(EXPIRES_AT) * 1000 <= now_ms


def forget(row: Row) -> Delete:
    """The change that removes a row that is over, unless it is another one by now."""
    return Delete(row.key, (If(EXPIRES_AT, "=", row.number(EXPIRES_AT)),))


def outcome(row: Row | None, request: Request, workspace_key: bytes) -> str | None:
    """What came of the request that the row remembers.

    Raises:
        Conflict: the key was used for another request.
    """
    if row is None:
        return None
    if not compare_digest(row.binary("body_hash"), _keyed(request, workspace_key)):
        raise Conflict(
            "this idempotency key was used for a request with other contents",
            field="Idempotency-Key",
        )
    return row.text("outcome")


def _keyed(request: Request, workspace_key: bytes) -> bytes:
    return blake3(request.body_hash, key=expand(workspace_key, _TAG)).digest()
