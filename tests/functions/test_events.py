"""The publisher as Lambda calls it: a batch in, what is to be given again out."""

import json

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.deliveries import Delivery
from datavault.domain.errors import Unavailable
from functions.edge.stream import new_rows
from functions.events import publish
from tests.support.builders import Shelf, a_body
from tests.support.chaos import ChaosVault, Fault
from tests.support.ledger import entries, of_callers, stream_event


@pytest.fixture
def told(vault: MemoryVault) -> Shelf:
    shelf = Shelf.make(vault)
    for number in range(3):
        vault.clock.advance(1)
        shelf.append({f"r{number}": a_body("r")})
    return shelf


def test_a_batch_is_published_and_nothing_is_to_be_given_again(
    vault: MemoryVault, told: Shelf
) -> None:
    event = stream_event(*entries(vault))
    assert publish.handler.run(vault, event) == {"batchItemFailures": []}
    assert len(vault.bus.taken) == 4


def test_what_failed_is_named_by_its_sequence_number(vault: MemoryVault, told: Shelf) -> None:
    vault.bus.judge = lambda notice: (
        Delivery.LATER if json.loads(notice.text)["sequence"].endswith("3") else Delivery.TAKEN
    )
    event = stream_event(*of_callers(vault))
    assert publish.handler.run(vault, event) == {
        "batchItemFailures": [{"itemIdentifier": event["Records"][2]["dynamodb"]["SequenceNumber"]}]
    }


def test_a_failure_of_all_is_an_error(vault: MemoryVault, told: Shelf) -> None:
    down = ChaosVault(vault, lambda port, _: Fault.BEFORE if port == "bus" else Fault.NONE)
    with pytest.raises(Unavailable):
        publish.handler.run(down, stream_event(*entries(vault)))


def test_a_row_is_read_from_the_stream_as_the_catalog_has_it(
    vault: MemoryVault, told: Shelf
) -> None:
    rows = entries(vault)
    assert [each.row for each in new_rows(stream_event(*rows))] == rows


def test_every_kind_of_value_is_read() -> None:
    image = {
        "pk": {"S": "p"},
        "sk": {"S": "s"},
        "text": {"S": "x"},
        "number": {"N": "7"},
        "bytes": {"B": "AAE="},
        "truth": {"BOOL": False},
        "texts": {"L": [{"S": "a"}, {"S": "b"}]},
    }
    change = {"NewImage": image, "SequenceNumber": "1"}
    (found,) = new_rows({"Records": [{"eventName": "INSERT", "dynamodb": change}]})
    assert found.row.attributes == {
        "text": "x",
        "number": 7,
        "bytes": b"\0\1",
        "truth": False,
        "texts": ("a", "b"),
    }


def test_only_what_is_added_is_new() -> None:
    assert new_rows({"Records": [{"eventName": "REMOVE", "dynamodb": {}}]}) == []
