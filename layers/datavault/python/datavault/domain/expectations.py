"""What a writer expects to find, and the condition under which it was found for certain."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from datavault.domain.ids import RecordId
from datavault.domain.rows import Change, Check, If, Key, Row, Update


@dataclass(frozen=True, slots=True)
class Version:
    """What is expected of a record: its etag, or ``None`` that there is no such record."""

    etag: str | None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A record, the version it has to be at, and what to name if it is not."""

    id: RecordId
    version: Version
    field: str


def if_nothing_came(staged: Update, heads: Mapping[Key, Row]) -> list[Change]:
    """``staged``, a batch counted on one head, if all heads are as they were read.

    Any batch moves the tick of a head; what else changes the branch, its moves or generation.
    """
    changes: list[Change] = []
    for key, row in heads.items():
        same = tuple(If(name, "=", row.number(name)) for name in ("generation", "tick", "moves"))
        if key == staged.key:
            changes.append(replace(staged, condition=(*staged.condition, *same)))
        else:
            changes.append(Check(key, same))
    return changes
