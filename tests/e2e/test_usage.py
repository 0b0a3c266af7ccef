"""Each workspace has its own share of the API."""

import time

import pytest

from datavault.domain.usage import UsageLimits
from datavault.services.workspaces import admit_workspace
from tests.e2e.deployment import Deployment, Tenant


@pytest.mark.parametrize("limits", [UsageLimits(1, 2), UsageLimits(100, 100, per_day=3)])
def test_a_workspace_over_its_limits_is_throttled_and_another_does_not_notice(
    limits: UsageLimits, deployed: Deployment
) -> None:
    busy, calm = deployed.tenant(), deployed.tenant()
    _admit(busy, limits)
    answers = [busy.admin.get("/datasets") for _ in range(8)]
    statuses = [answer.status for answer in answers]
    assert statuses[0] == 200
    refused = answers[-1]
    assert (refused.status, refused.code) == (429, "throttled")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-correlation-id"] == refused.json()["correlation_id"]
    assert {calm.admin.get("/datasets").status for _ in range(20)} == {200}
    # Back to the stage's limits, which leave room.
    _admit(busy, None)
    assert {busy.admin.get("/datasets").status for _ in range(20)} == {200}


def test_limits_are_set_any_number_of_times(deployed: Deployment) -> None:
    tenant = deployed.tenant()
    for limits in (UsageLimits(1, 1, 5), UsageLimits(50, 50, 9), UsageLimits(50, 50), None, None):
        _admit(tenant, limits)
        assert tenant.admin.get("/datasets").status == 200
    gateway = deployed.client("apigateway")
    names = [plan["name"] for plan in gateway.get_usage_plans(limit=500)["items"]]
    assert not [name for name in names if tenant.id in name]
    keys = gateway.get_api_keys(nameQuery=f"datavault-local-{tenant.id}")["items"]
    assert len(keys) == 1


def _admit(tenant: Tenant, limits: UsageLimits | None) -> None:
    vault = tenant.deployment.operators
    admit_workspace(
        vault,
        operator=vault.operator,
        plans=vault.usage_plans,
        workspace=tenant.id,
        limits=limits,
    )
    # What slower limits have emptied fills at the rate of the new ones.
    time.sleep(0.2)
