"""How far a stream has come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datavault.client.checkpoint import Checkpoint

if TYPE_CHECKING:
    from datavault.contracts.records import AppendReply


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch was acknowledged: ``reply`` has its ids. The other counts are this call's."""

    reply: "AppendReply"
    checkpoint: Checkpoint
    batches: int
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Appended:
    """A stream that is in the vault whole. ``commits`` are the ids of those made on the way."""

    run: str
    records: int
    batches: int
    checkpoint: Checkpoint
    commits: tuple[str, ...]
