"""Each function under its own role: what its row grants is enough, and what it lacks is missed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from datavault.contracts.operations import OPERATIONS, Operation
from tests.e2e.calls import Place, call, furnish
from tests.e2e.deployment import Deployment, Person
from tests.support.http import Call, Reply, send


@pytest.fixture(scope="module")
def admin(enforced: Deployment) -> Person:
    return enforced.tenant().admin


@pytest.fixture(scope="module")
def place(admin: Person) -> Place:
    """Furnished for each operation once."""
    return furnish(admin)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_operation_s_grants_are_enough(row: Operation, admin: Person, place: Place) -> None:
    reply = admin.send(call(row, place))
    assert reply.status == row.status, reply.content


def test_the_main_job_is_done_under_the_roles_of_its_functions(admin: Person) -> None:
    shelf = admin.dataset("main job", record_key="id")
    lines = [b'{"id":"%04d","t":"%b"}' % (at, b"x" * (at * 5)) for at in range(1000)]
    shelf.append_lines(b"\n".join(lines))
    first = shelf.commit("first")["id"]
    shelf.append_lines(b'{"id":"0000","t":"edited"}')
    assert shelf.remove("0001").status == 204
    second = shelf.commit("second")
    assert (second["changed"], second["removed"]) == (1, 1)
    assert shelf.lines(ref=first) == lines
    assert shelf.lines() == [b'{"id":"0000","t":"edited"}', *lines[2:]]
    assert shelf.record("0999", ref=first).content == lines[999] + b"\n"
    assert shelf.person.post("/datasets", {"name": "main job"}).status == 409


def test_the_sweep_may_remove_what_is_due(admin: Person) -> None:
    deployed = admin.tenant.deployment
    shelf = admin.dataset("swept")
    large = '{"t":"%s"}' % ("x" * 5000)
    shelf.append({"large": large, "small": "{}"})
    shelf.commit()
    dataset = f"dataset/{admin.tenant.id}/{shelf.id}"
    (branch,) = [row["id"]["S"] for row in deployed.rows("Catalog", pk=dataset, sk="branch/")]
    queue = deployed.rows("Catalog", pk="sweep/")
    (due,) = [row for row in queue if row["branch"]["S"] == branch]
    # As if it had been committed long ago.
    _, _, rest = due["sk"]["S"].partition("/")
    earlier = due | {"sk": {"S": f"{0:015d}/{rest}"}}
    deployed.client("dynamodb").put_item(TableName=deployed.table("Catalog"), Item=earlier)
    assert deployed.rows("Staging", pk=f"staged/{branch}")
    answer = deployed.client("lambda").invoke(
        FunctionName=_name(deployed, "sweep_staging"), Payload=b"{}"
    )
    swept = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, swept
    assert swept["generations"] == 1
    assert deployed.rows("Staging", pk=f"staged/{branch}") == []
    assert shelf.lines() == [large.encode(), b"{}"]


@pytest.mark.parametrize(
    ("action", "check", "status", "overall", "http_status"),
    [
        ("s3:*", "objects", "degraded", "degraded", 200),
        ("dynamodb:*", "catalog", "unhealthy", "unhealthy", 503),
    ],
)
def test_readiness_tells_what_does_not_answer(
    action: str, check: str, status: str, overall: str, http_status: int, enforced: Deployment
) -> None:
    with _denied(enforced, "check_ready", action):
        reply = _ready(enforced)
        assert (reply.status, reply.json()["status"]) == (http_status, overall)
        found = {each["name"]: each["status"] for each in reply.json()["checks"]}
        names = ("catalog", "objects", "keys") + (("writes",) if check != "catalog" else ())
        assert found == dict.fromkeys(names, "healthy") | {check: status}
        (failed,) = [each for each in reply.json()["checks"] if each["name"] == check]
        assert "does not answer" in failed["message"]
    assert _ready(enforced).json()["status"] == "healthy"


def test_a_function_that_lost_a_grant_says_so_and_does_nothing(enforced: Deployment) -> None:
    shelf = enforced.tenant().admin.dataset()
    with _denied(enforced, "append_records", "dynamodb:PutItem"):
        reply = shelf.person.post(f"{shelf.path}/records", {"records": [{"data": {}}]})
        # Not the caller's doing, and no retry mends it: a fault of ours.
        assert (reply.status, reply.code) == (500, "error")
    assert shelf.lines() == []
    shelf.append({"a": "{}"})
    assert shelf.lines() == [b"{}"]


def _ready(deployed: Deployment) -> Reply:
    return send(deployed.api_url, Call("GET", "/health/ready"))


@contextmanager
def _denied(deployed: Deployment, name: str, action: str) -> Iterator[None]:
    """Take something from a function's role meanwhile."""
    role = _functions(deployed)[_name(deployed, name)]["Role"].rpartition("/")[2]
    iam = deployed.client("iam")
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


def _name(deployed: Deployment, name: str) -> str:
    (found,) = [each for each in _functions(deployed) if each.endswith(name.replace("_", "-"))]
    return found


def _functions(deployed: Deployment) -> dict[str, Any]:
    pages = deployed.client("lambda").get_paginator("list_functions").paginate()
    return {each["FunctionName"]: each for page in pages for each in page["Functions"]}
