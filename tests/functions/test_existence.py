"""What is somebody else's costs the same work as what never was: nothing can be told by timing.

Compared is what is asked of the ports, call by call, and not a clock.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.ports import Catalog, Keyring, Objects
from tests.e2e.calls import Place, call
from tests.functions.events import Client, Reply
from tests.support.builders import Process, Shelf, a_body

IN_A_DATASET = [row for row in OPERATIONS if row.action is not None and "{dataset_id}" in row.path]
NEVER = "ds_0190a6b2-0000-7000-8000-000000000000"
NO_COMMIT = "0" * 64


class Counting(Process):
    """A process that writes down what it asks of its ports."""

    def __init__(self, vault: MemoryVault) -> None:
        super().__init__(vault)
        self.asked: list[str] = []
        self.catalog = cast(Catalog, _Port("catalog", vault.catalog, self.asked))
        self.objects = cast(Objects, _Port("objects", vault.objects, self.asked))
        self.keyring = cast(Keyring, _Port("keyring", vault.keyring, self.asked))


class _Port:
    def __init__(self, name: str, port: object, asked: list[str]) -> None:
        self._name, self._port, self._asked = name, port, asked

    def __getattr__(self, method: str) -> Callable[..., Any]:
        do = getattr(self._port, method)

        def ask(*args: Any, **named: Any) -> Any:
            many = len(args[0]) if args and isinstance(args[0], list | tuple) else 1
            self._asked.append(f"{self._name}.{method} of {many}")
            return do(*args, **named)

        return ask


@pytest.fixture
def theirs(vault: MemoryVault) -> Place:
    shelf = Shelf.make(vault)
    shelf.append({"kept": a_body("kept")})
    commit = shelf.commit()
    shelf.create_branch("side")
    return Place(shelf.dataset.id, commit.id, "side", "kept", commit.parents[0])


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("row", IN_A_DATASET, ids=lambda row: row.name)
def test_a_foreign_dataset_costs_what_one_that_never_was_costs(
    row: Operation, warm: bool, vault: MemoryVault, client: Client, theirs: Place
) -> None:
    never = replace(theirs, dataset=NEVER)
    costs = []
    for place in (theirs, never):
        process = Counting(vault)
        if warm:
            _send(client, process, row, Place(NEVER[:-1] + "1", NO_COMMIT, "main", "x", NO_COMMIT))
            process.asked.clear()
        reply = _send(client, process, row, place)
        assert (reply.status, reply.json["code"]) == (404, "not_found")
        costs.append(process.asked)
    assert costs[0] == costs[1]
    assert costs[0]


@pytest.mark.parametrize("row", IN_A_DATASET, ids=lambda row: row.name)
def test_what_may_not_be_done_costs_the_same_wherever_it_is_tried(
    row: Operation, vault: MemoryVault, client: Client, theirs: Place
) -> None:
    nobody = Client(vault, client.workspace, roles="")
    costs = []
    for place in (theirs, replace(theirs, dataset=NEVER)):
        process = Counting(vault)
        assert _send(nobody, process, row, place).status == 403
        costs.append(process.asked)
    assert costs[0] == costs[1]


@pytest.mark.parametrize("name", ["get_commit", "list_commits", "list_records"])
def test_a_foreign_commit_costs_what_one_that_never_was_costs(
    name: str, vault: MemoryVault, theirs: Place
) -> None:
    (row,) = (each for each in OPERATIONS if each.name == name)
    shelf = Shelf.make(vault)
    own = Client(vault, shelf.caller.workspace)
    costs = []
    for commit in (theirs.commit, NO_COMMIT):
        place = Place(shelf.dataset.id, commit, "main", "own", commit)
        process = Counting(vault)
        query = {} if name == "get_commit" else {"ref": commit}
        reply = _send(own, process, row, place, **query)
        assert reply.status == 404
        costs.append(process.asked)
    assert costs[0] == costs[1]


def _send(client: Client, process: Process, row: Operation, place: Place, **query: str) -> Reply:
    """The row's own call, through its handler in this process."""
    asked = call(row, place)
    url = urlsplit(asked.path)
    parts = zip(row.path.split("/"), url.path.split("/"), strict=True)
    event = client.event(
        path={name[1:-1]: unquote(value) for name, value in parts if name.startswith("{")},
        query={**{name: each[0] for name, each in parse_qs(url.query).items()}, **query},
        body=asked.body,
        headers=dict(asked.headers or {}),
    )
    response = import_module(row.function).handler.answer(process, event)
    return Reply(response["statusCode"], response["headers"], response["body"].encode(), False)
