"""Every operation does what its row of the table says, over HTTP."""

import json
from collections import Counter

import pytest

from datavault.contracts.openapi import document
from datavault.contracts.operations import NDJSON, OPERATIONS, Operation, operation
from datavault.contracts.reference import render
from datavault.contracts.version import VERSION
from tests.e2e.calls import Place, call, furnish
from tests.e2e.deployment import Deployment, Person, Shelf, Tenant
from tests.support.http import Call, Reply, send

by_name = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)


@pytest.fixture(scope="module")
def place(deployed: Deployment) -> tuple[Person, Place]:
    """Furnished for each operation once."""
    admin = deployed.tenant().admin
    return admin, furnish(admin)


@by_name
def test_an_operation_answers_as_its_row_says(row: Operation, place: tuple[Person, Place]) -> None:
    admin, furnished = place
    reply = admin.send(call(row, furnished).with_headers(X_Correlation_ID="e2e/1"))
    assert reply.status == row.status, reply.content
    assert reply.headers["x-correlation-id"] == "e2e/1"
    assert reply.headers["x-content-type-options"] == "nosniff"
    if row.status == 204:
        assert reply.content == b""
        return
    assert reply.headers["content-type"].partition(";")[0] == row.returns[0]
    if row.reply is not None:
        row.reply.model_validate_json(reply.content)


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/datasets", "/api/v1/nothing"])
def test_a_request_without_a_correlation_id_is_given_one(path: str, admin: Person) -> None:
    found = {admin.send(Call("GET", path)).headers["x-correlation-id"] for _ in range(2)}
    assert len(found) == 2


@pytest.mark.parametrize("given", ["with space", "x" * 129, "é", "ada@example.com"])
def test_a_correlation_id_of_another_form_is_replaced(given: str, admin: Person) -> None:
    asked = Call("GET", "/health/live").with_headers(X_Correlation_ID=given)
    assert admin.send(asked).headers["x-correlation-id"] != given


def test_a_correlation_id_gets_into_the_ledger(tenant: Tenant) -> None:
    place = furnish(tenant.admin)
    asked = call(operation("append_records"), place).with_headers(X_Correlation_ID="find-me")
    tenant.admin.ok(asked)
    (entry,) = [row for row in tenant.ledger() if row["correlation_id"]["S"] == "find-me"]
    assert (entry["operation"]["S"], entry["resource"]["S"]) == ("append_records", place.dataset)
    assert entry["actor"]["S"] == "admin"


def test_each_change_and_no_read_has_its_ledger_entry(tenant: Tenant) -> None:
    place = furnish(tenant.admin)
    before = len(tenant.requests())
    for row in OPERATIONS:
        tenant.admin.ok(call(row, place).with_headers(X_Correlation_ID=row.name))
    entries = tenant.requests()
    told = Counter(entry["correlation_id"]["S"] for entry in entries)
    for row in OPERATIONS:
        # A commit says when it began and when it was done.
        expected = row.changes_something + (row.name == "create_commit")
        assert told[row.name] == expected, row.name
    # Nor has anything an entry under another request's id.
    assert len(entries) - before == sum(told[row.name] for row in OPERATIONS)


@pytest.mark.parametrize("name", ["list_records", "get_record"])
def test_records_come_as_lines_when_asked_for(name: str, admin: Person) -> None:
    reply = admin.send(call(operation(name), furnish(admin)).with_headers(Accept=NDJSON))
    assert reply.status == 200
    assert reply.headers["content-type"] == NDJSON
    assert json.loads(reply.content.splitlines()[0])["n"] in {2, 5}


def test_a_record_says_what_version_of_it_this_is(shelf: Shelf) -> None:
    shelf.append({"a": '{"n":1}'})
    staged = shelf.person.get(f"{shelf.path}/records/a")
    shelf.commit()
    committed = shelf.person.get(f"{shelf.path}/records/a")
    assert [reply.json()["staged"] for reply in (staged, committed)] == [True, False]
    assert staged.headers["etag"] == committed.headers["etag"] == f'"{staged.json()["etag"]}"'
    shelf.append({"a": '{"n":2}'})
    assert shelf.person.get(f"{shelf.path}/records/a").headers["etag"] != staged.headers["etag"]


def test_what_is_kept_of_a_dataset_is_what_was_said(admin: Person) -> None:
    said = {
        "name": "Gespräche ✓",
        "description": "with a\nline and 🦜",
        "labels": {"team": "assist", "språk": "norsk"},
        "record_key": "id",
    }
    made = admin.post("/datasets", said).json()
    assert {name: made[name] for name in said} == said
    assert (made["privacy"], made["default_branch"]) == ("off", "main")
    assert admin.get(f"/datasets/{made['id']}").json() == made | {"schema": None}
    assert admin.get("/datasets").json()["data"] == [made]


def test_the_served_document_is_the_generated_one(deployed: Deployment) -> None:
    reply = anonymous(deployed, "/openapi.json")
    assert reply.json() == document()


def test_the_page_is_the_generated_one(deployed: Deployment) -> None:
    reply = anonymous(deployed, "/docs")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.content.decode() == render(document())
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_health_is_probed_for_real(deployed: Deployment) -> None:
    live, ready = anonymous(deployed, "/health/live"), anonymous(deployed, "/health/ready")
    assert (live.json()["status"], live.json()["checks"]) == ("healthy", [])
    assert (ready.json()["status"], ready.json()["version"]) == ("healthy", VERSION)
    checks = ready.json()["checks"]
    assert {check["name"] for check in checks} == {"catalog", "objects", "keys", "writes"}
    assert all(check["status"] == "healthy" and check["latency_ms"] > 0 for check in checks)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v1"),
        ("GET", "/api/v2/datasets"),
        ("GET", "/api/v1/nothing"),
        ("PUT", "/api/v1/datasets"),
        ("POST", "/docs"),
    ],
)
def test_a_route_that_is_not_there_is_a_problem(admin: Person, method: str, path: str) -> None:
    reply = admin.send(Call(method, path))
    assert (reply.status, reply.code) == (404, "not_found")
    assert reply.headers["content-type"] == "application/problem+json"


def anonymous(deployed: Deployment, path: str) -> Reply:
    """Ask without a token, and get an answer."""
    reply = send(deployed.api_url, Call("GET", path))
    assert reply.status == 200, reply.content
    return reply
