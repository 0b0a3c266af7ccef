"""What a row grants is needed: without any one word, something of its operation fails.

That all of them suffice, ``tests.e2e.test_permissions`` shows;
``tests.unit.services.test_grants`` compares grants with what the code asks of its ports; here
IAM itself does, as the functions' roles have it. Where a process could hold from before what it
is not permitted to ask for, the request is the first one of a new process.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from datavault.contracts.operations import OPERATIONS, Grant, Operation, operation
from datavault.domain.ids import BranchName, parse_dataset_id
from datavault.services.datasets import find_dataset
from tests.e2e.calls import GUARDED, SPARE, Place, call, furnish
from tests.e2e.deployment import Deployment, Tenant
from tests.e2e.deployment import Shelf as Corpus
from tests.e2e.processes import functions_of, kill
from tests.e2e.uploads import is_taken
from tests.support.builders import Shelf, a_body
from tests.support.chaos import ChaosVault, Crash, Fault
from tests.support.http import Call, Reply, json_call

GRANTED = [(row, grant) for row in OPERATIONS for grant in sorted(row.grants)]
# Rows that first finish a commit that is pending on a branch, and the branch that theirs names.
FINISHING = {"delete_branch": SPARE, "reset_branch": SPARE, "update_branch": GUARDED}
# What a process may still hold from before, so that it does not ask for it.
HELD = {Grant.KEYS_UNWRAP, Grant.OBJECTS_READ}
# Rows that a failure leaves half-made, so that the same request has less to do the next time.
HALF_MADE = {"abort_upload", "create_commit"}
# Needed only when something went wrong before, or by more data than a test should send, so that no
# single request here can bring it about; that they suffice then is what ``tests.e2e.test_races``
# and ``tests.simulation`` are for. A pair that is needed after all, or is granted no more, fails
# its test.
AFTER_TROUBLE: dict[tuple[str, Grant], str] = {
    ("create_dataset", Grant.OBJECTS_READ): "a PUT whose answer was lost",
    ("append_records", Grant.OBJECTS_READ): "a PUT whose answer was lost",
    ("complete_upload", Grant.LANDING_DELETE): "parts of another size than was announced",
    ("list_quarantined", Grant.STAGING_READ): "lines of a file that several workers read",
}


@pytest.fixture(scope="module")
def roles(enforced: Deployment) -> dict[str, str]:
    """The role of each row's function, by the row's name."""
    pages = enforced.client("lambda").get_paginator("list_functions").paginate()
    return {
        each["FunctionName"].removeprefix("datavault-local-").replace("-", "_"): (
            each["Role"].rpartition("/")[2]
        )
        for page in pages
        for each in page["Functions"]
    }


@pytest.fixture(scope="module")
def tenant(enforced: Deployment) -> Tenant:
    return enforced.tenant()


@pytest.fixture(scope="module")
def read(tenant: Tenant) -> Place:
    """Furnished for every request that changes nothing."""
    return furnish(tenant.admin)


@pytest.fixture(scope="module")
def requests() -> dict[str, Call]:
    """For each row a request that has not been carried out yet, and so can be made again."""
    return {}


@pytest.mark.parametrize(
    ("row", "grant"), GRANTED, ids=[f"{row.name}-{grant.value}" for row, grant in GRANTED]
)
def test_an_operation_fails_without_any_one_of_its_grants(
    row: Operation,
    grant: Grant,
    tenant: Tenant,
    roles: dict[str, str],
    read: Place,
    requests: dict[str, Call],
) -> None:
    asked = requests.get(row.name) or _asked(row, tenant, read)
    with _without(tenant.deployment, roles[row.name], grant):
        if grant in HELD:
            _forget(row, tenant)
        fails = _fails(row, tenant.admin.send(asked))
    if (fails or row.method == "GET") and row.name not in HALF_MADE:
        requests[row.name] = asked
    else:
        requests.pop(row.name, None)
    assert fails is ((row.name, grant) not in AFTER_TROUBLE)


def test_what_is_needed_after_trouble_is_granted() -> None:
    assert set(AFTER_TROUBLE) <= {(row.name, grant) for row, grant in GRANTED}


def _asked(row: Operation, tenant: Tenant, read: Place) -> Call:
    """The row's request, such that all of its work is to be done: to change something, on a
    dataset of its own."""
    place = read if row.method == "GET" else furnish(tenant.admin)
    if row.name in FINISHING:
        _leave_pending(tenant, place, FINISHING[row.name])
    if row.name == "restore_dataset":
        tenant.admin.ok(call(operation("archive_dataset"), place))
    if row.name == "describe_dataset":
        said = {"name": f"checked {uuid4()}", "schema": {"type": "object"}}
        place = replace(place, dataset=tenant.admin.post("/datasets", said).json()["id"])
    if row.name == "restore_record":
        # One that goes into an object, again.
        shelf = Corpus(tenant.admin, place.dataset)
        shelf.append({place.record: json.dumps({"t": "x" * 5000})})
        place = replace(place, commit=shelf.commit("long")["id"])
        shelf.append({place.record: "{}"})
    asked = call(row, place)
    if row.name == "append_records":
        # A record that goes into an object, and more than one transaction holds.
        records = [{"data": {"t": "x" * 5000}}, *({"data": {"n": n}} for n in range(100))]
        asked = json_call(asked.method, asked.path, {"records": records})
    return asked if row.method == "GET" else asked.with_headers(Idempotency_Key=str(uuid4()))


def _forget(row: Operation, tenant: Tenant) -> None:
    """Let the next request of the row meet a process that holds no key, node or commit."""
    for process in functions_of(tenant.deployment.cloud, row.name):
        kill(process)


def _leave_pending(tenant: Tenant, place: Place, name: str) -> None:
    """A commit on the branch that a crash left half-made: whoever comes next finishes it."""
    branch = BranchName(name)
    vault = tenant.deployment.operators
    dataset = find_dataset(vault, tenant.caller(), parse_dataset_id(place.dataset))
    shelf = Shelf(vault, tenant.caller(), dataset)
    shelf.append({"pending": a_body("pending", 5000)}, branch=branch)
    crashing = ChaosVault(
        vault, lambda _, method: Fault.CRASH_AFTER if method == "write" else Fault.NONE
    )
    with pytest.raises(Crash):
        shelf.on(crashing).commit(branch=branch)


def _fails(row: Operation, reply: Reply) -> bool:
    if row.name == "check_ready":
        return bool(reply.json()["status"] != "healthy")
    assert reply.status in {row.status, 500, 503}, reply.content
    if reply.status == row.status and row.name in {"create_upload", "list_upload_parts"}:
        # Whoever has a part's URL acts with the permissions of the function that signed it.
        return not is_taken(reply.json()["parts" if row.name == "create_upload" else "data"][0])
    return reply.status != row.status


@contextmanager
def _without(deployed: Deployment, role: str, grant: Grant) -> Iterator[None]:
    """Take a word out of a role meanwhile: the statements that ``infra.grants`` made of it."""
    iam = deployed.client("iam")
    name = "Grants"
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    sids = {"".join(word.capitalize() for word in grant.split(":"))}
    if grant is Grant.OBJECTS_READ:
        sids.add("ObjectsList")
    kept = [each for each in document["Statement"] if each.get("Sid") not in sids]
    assert len(kept) < len(document["Statement"]), f"no statement of {grant}"
    _put(iam, role, name, {**document, "Statement": kept})
    try:
        yield
    finally:
        _put(iam, role, name, document)


def _put(iam: Any, role: str, name: str, document: dict[str, Any]) -> None:
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
