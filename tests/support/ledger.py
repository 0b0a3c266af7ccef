"""The ledger as its stream gives it, from a catalog in memory."""

from typing import Any

from datavault.domain.access import Action
from datavault.domain.rows import Row, Table, Value
from datavault.ports import Vault
from tests.simulation.model import rows_of


def entries(vault: Vault) -> list[Row]:
    """Every entry, oldest first, as far as the clock was moved in between."""
    return sorted(rows_of(vault.catalog, Table.LEDGER), key=lambda row: row.key.sort)


def of_callers(vault: Vault) -> list[Row]:
    """The entries of what was done over the API, as far as ``entries``."""
    return [row for row in entries(vault) if not _is_operators(row)]


def of_operators(vault: Vault) -> list[Row]:
    """The entries of what was done with the command, as far as ``entries``."""
    return [row for row in entries(vault) if _is_operators(row)]


def is_told(row: Row) -> bool:
    """Whether somebody is told: of a commit's two entries, of the one that has its id."""
    operation = row.text("operation")
    if operation == "create_commit":
        return "detail_commit" in row.attributes
    return operation == "abandon_commit" or not _is_operators(row)


def _is_operators(row: Row) -> bool:
    return row.text("action") == Action.OPERATE


def stream_event(*rows: Row) -> dict[str, Any]:
    """A batch of the stream as Lambda gives it."""
    return {"Records": [stream_record(row, number) for number, row in enumerate(rows, 100)]}


def stream_record(row: Row, number: int) -> dict[str, Any]:
    keys = {"pk": {"S": row.key.partition}, "sk": {"S": row.key.sort}}
    image = keys | {name: _cell(value) for name, value in row.attributes.items()}
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_767_225_600.0,
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 500,
            "StreamViewType": "NEW_IMAGE",
        },
    }


def _cell(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
    raise AssertionError(f"no entry holds {value!r}")
