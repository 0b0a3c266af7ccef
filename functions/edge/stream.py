"""A batch of a DynamoDB stream as Lambda gives it: the rows that are new, in order."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datavault.domain.rows import Key, Row, Table, Value
from functions.edge.task import Payload

_INSERTED = "INSERT"


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row, and where in its shard of the stream it stands."""

    sequence_number: str
    row: Row


def new_rows(payload: Payload) -> list[NewRow]:
    """The rows that the batch says were added to the ledger, which is only ever added to."""
    return [
        _new_row(record["dynamodb"])
        for record in payload["Records"]
        if record["eventName"] == _INSERTED
    ]


def _new_row(change: Mapping[str, Any]) -> NewRow:
    values = {name: _value(cell) for name, cell in change["NewImage"].items()}
    partition, sort = values.pop("pk"), values.pop("sk")
    return NewRow(
        change["SequenceNumber"], Row(Key(Table.LEDGER, str(partition), str(sort)), values)
    )


def _value(cell: Mapping[str, Any]) -> Value:
    """A value in DynamoDB's JSON, of the kinds that rows have."""
    ((kind, value),) = cell.items()
    match kind:
        case "S":
            return str(value)
        case "N":
            return int(value)
        case "BOOL":
            return bool(value)
        case "B":
            return base64.b64decode(value)
        case "L":
            return tuple(str(each["S"]) for each in value)
    raise ValueError(f"rows have no values of kind {kind}")
