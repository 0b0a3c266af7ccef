"""What a verification has looked at, and what of it is not what it should be."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from datavault.domain.ids import CommitId


class Part(StrEnum):
    """What can be corrupt: a commit's row or object, a node of its tree, a block of records."""

    COMMIT = "commit"
    NODE = "node"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something corrupt is: the commit's id, or the pack that the node or block is in."""

    part: Part
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One page of a verification: how much was read and verified, and what did not pass.

    ``corrupt`` says of each place how many records can no longer be read because of it. With a
    ``next_cursor`` there is more to verify.
    """

    commit: CommitId
    nodes: int
    blocks: int
    records: int
    bytes: int
    corrupt: Mapping[Place, int]
    next_cursor: str | None
