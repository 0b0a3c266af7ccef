"""Read-only mode of a deployed vault, set by its operator with the command."""

import time

from datavault.contracts.operations import OPERATIONS
from datavault.services.maintenance import HELD_MS
from tests.e2e.calls import call, furnish
from tests.e2e.deployment import Deployment, Tenant
from tests.support.http import Call, send


def test_a_read_only_workspace_refuses_every_change_and_answers_every_read(
    deployed: Deployment, tenant: Tenant
) -> None:
    place = furnish(tenant.admin)
    reason = "restoring a backup"
    told = _command(deployed, "on", "--reason", reason, "--workspace", tenant.id)
    assert told.startswith("Read-only.")
    time.sleep(HELD_MS / 1000)
    entries = len(tenant.ledger())
    for row in OPERATIONS:
        reply = tenant.admin.send(call(row, place))
        if not row.changes_something:
            assert reply.status == row.status, (row.name, reply.content)
            continue
        assert (reply.status, reply.code) == (503, "read_only"), (row.name, reply.content)
        assert reason in reply.json()["detail"]
        assert "retry-after" in reply.headers
    assert len(tenant.ledger()) == entries
    assert deployed.tenant().admin.post("/datasets", {"name": "others"}).status == 201
    assert reason in _command(deployed, "status", "--workspace", tenant.id)
    _command(deployed, "off", "--workspace", tenant.id)
    assert _command(deployed, "status", "--workspace", tenant.id) == "Changes are taken.\n"
    kept = [entry for name in ("set", "clear") for entry in tenant.entries(f"{name}_read_only")]
    assert [entry["actor"]["S"].startswith("arn:aws:iam::") for entry in kept] == [True, True]
    assert reason not in str(kept)
    time.sleep(HELD_MS / 1000)
    assert tenant.admin.post("/datasets", {"name": "again"}).status == 201


def test_readiness_tells_that_the_stage_is_read_only(deployed: Deployment) -> None:
    _command(deployed, "on", "--reason", "moving")
    try:
        reply = send(deployed.api_url, Call("GET", "/health/ready"))
    finally:
        _command(deployed, "off")
    assert (reply.status, reply.json()["status"]) == (200, "degraded")
    assert "read-only: moving" in reply.content.decode()


def _command(deployed: Deployment, *words: str) -> str:
    done = deployed.command("maintenance", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
