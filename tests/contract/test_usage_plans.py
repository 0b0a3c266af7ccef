"""What ``ports.UsagePlans`` promises."""

from collections.abc import Callable

import pytest

from datavault.adapters.aws.usage_plans import GatewayUsagePlans, StageOfApi
from datavault.adapters.memory.usage_plans import MemoryUsagePlans
from datavault.domain.usage import UsageLimits
from datavault.ports import UsagePlans
from tests.contract.conftest import ADAPTERS
from tests.contract.played import AwsPlayed

STAGE = UsageLimits(rate=500, burst=1000, per_day=10_000)

type Held = Callable[[str], UsageLimits | None]


@pytest.fixture(params=ADAPTERS)
def plans_and_held(request: pytest.FixtureRequest) -> tuple[UsagePlans, Held]:
    """The port, and what then holds for an identifier, which is not of the port."""
    if request.param == "memory":
        memory = MemoryUsagePlans()
        return memory, lambda identifier: memory.admitted[identifier] or STAGE
    played: AwsPlayed = request.getfixturevalue("aws")
    gateway = played.gateway
    api = gateway.create_rest_api(name="api")["id"]
    shared = gateway.create_usage_plan(
        name="stage",
        throttle={"rateLimit": STAGE.rate, "burstLimit": STAGE.burst},
        quota={"limit": STAGE.per_day, "period": "DAY"},
    )["id"]

    def held(identifier: str) -> UsageLimits | None:
        keys = gateway.get_api_keys(includeValues=True, limit=500)["items"]
        (key,) = (each["id"] for each in keys if each["value"] == identifier)
        (plan,) = (
            plan
            for plan in gateway.get_usage_plans(limit=500)["items"]
            for each in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
            if each["id"] == key
        )
        quota = plan.get("quota", {}).get("limit")
        throttle = plan["throttle"]
        return UsageLimits(
            int(float(throttle["rateLimit"])),
            int(throttle["burstLimit"]),
            None if quota is None else int(quota),
        )

    stage = StageOfApi("test", api, "live", shared)
    return GatewayUsagePlans(gateway, stage), held


def test_who_is_admitted_is_held_to_the_limits_given_last(
    plans_and_held: tuple[UsagePlans, Held], name: str
) -> None:
    plans, held = plans_and_held
    for limits in (
        None,
        UsageLimits(1, 2, 3),
        UsageLimits(1, 2, 3),
        UsageLimits(4, 5),
        UsageLimits(6, 7, 8),
        None,
        None,
        UsageLimits(9, 9),
    ):
        plans.admit(name, f"{name}-identifier", limits)
        assert held(f"{name}-identifier") == (limits or STAGE)


def test_each_has_limits_of_its_own(plans_and_held: tuple[UsagePlans, Held], name: str) -> None:
    plans, held = plans_and_held
    # One's name is the beginning of the other's.
    for number, each in enumerate((f"{name}-a", f"{name}-ab", f"{name}-abc"), start=1):
        plans.admit(each, f"{each}-identifier", UsageLimits(number, number))
    plans.admit(f"{name}-ab", f"{name}-ab-identifier", None)
    assert held(f"{name}-a-identifier") == UsageLimits(1, 1)
    assert held(f"{name}-ab-identifier") == STAGE
    assert held(f"{name}-abc-identifier") == UsageLimits(3, 3)
