"""Read-only mode: a flag of the stage or of one workspace, with the operator's reason."""

import re
from dataclasses import dataclass

from datavault.domain.errors import Invalid
from datavault.domain.rows import Attributes, Row

REASON_CHARS_MAX = 200
# What is shown to callers who need not have signed in: one line of plain words.
_REASON = re.compile(rf"[ -~]{{1,{REASON_CHARS_MAX}}}")


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Why nothing may be changed, and since when.

    Raises:
        Invalid: ``reason`` is not 1 to 200 printable ASCII characters.
    """

    reason: str
    since_ms: int

    def __post_init__(self) -> None:
        if not _REASON.fullmatch(self.reason):
            raise Invalid(
                f"a reason is 1 to {REASON_CHARS_MAX} printable ASCII characters,"
                f" this has {len(self.reason)}",
                field="reason",
            )

    def attributes(self) -> Attributes:
        """As a row holds it."""
        return {"reason": self.reason, "since_ms": self.since_ms}

    @classmethod
    def of(cls, row: Row) -> "ReadOnly":
        """From its row."""
        return cls(row.text("reason"), row.number("since_ms"))
