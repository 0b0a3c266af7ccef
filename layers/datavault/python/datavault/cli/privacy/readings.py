"""How a table was read, and which fields of the policy it has no column for: told of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from datavault.cli.tables import counted, shown
from datavault.domain.formats.tables import COLUMNS_MAX
from datavault.domain.privacy.columns import Columns
from datavault.domain.privacy.policy import FieldRule

_NAMES = {b"\t": "tabs"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A table of so many columns by its first row.

    So many cells of its header may be ``values``. ``unmet`` are the pointers of the policy's fields
    that are of no column.
    """

    delimiter: bytes
    has_header: bool
    values: int
    columns: int
    unmet: tuple[str, ...]

    @classmethod
    def of(
        cls, columns: Columns, count: int, delimiter: bytes, fields: Sequence[FieldRule]
    ) -> "Reading":
        """That of a table of which the first row has ``count`` cells, none if it is too long."""
        places = [(columns.token(at),) for at in range(count or COLUMNS_MAX)]
        unmet = (each.pointer.text for each in fields if not any(map(each.pointer.covers, places)))
        return cls(delimiter, bool(columns.names), len(columns.values), count, tuple(unmet))

    def told(self, name: str) -> list[str]:
        """It in words, of the table ``name``; without a cell of it."""
        divided = _NAMES.get(self.delimiter, f'"{self.delimiter.decode()}"')
        header = "with a header" if self.has_header else "without a header"
        if self.values:
            header += f" in which {counted(self.values, 'cell')} may be no name"
        columns = counted(self.columns, "column") if self.columns else "any number of columns"
        return [
            f"{name}: a table divided by {divided}, {header}, of {columns}",
            *(f"warning: {name}: field {shown(each)} matches no column" for each in self.unmet),
        ]
