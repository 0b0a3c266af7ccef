"""What the API admits of a workspace."""

import pytest

from datavault.adapters.memory.usage_plans import MemoryUsagePlans
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import Invalid
from datavault.domain.ids import WorkspaceId, new_id
from datavault.domain.usage import BURST_MAX, RATE_MAX, UsageLimits, usage_identifier
from datavault.services.workspaces import admit_workspace
from tests.support.builders import OPERATOR, a_caller


def test_a_workspace_is_counted_by_a_name_of_its_own_and_always_the_same() -> None:
    one, other = (WorkspaceId(new_id("ws", 1)) for _ in range(2))
    assert usage_identifier(one) == usage_identifier(one) != usage_identifier(other)
    # What API Gateway takes for a key's value.
    assert 20 <= len(usage_identifier(one)) <= 128
    assert usage_identifier(one).isalnum()


def test_admitting_again_changes_the_limits_and_nothing_else() -> None:
    vault, plans = MemoryVault(), MemoryUsagePlans()
    ws = a_caller(vault).workspace
    for limits in (None, UsageLimits(1, 2, 3), UsageLimits(1, 2), None):
        admit_workspace(vault, operator=OPERATOR, plans=plans, workspace=ws, limits=limits)
        assert plans.admitted == {usage_identifier(ws): limits}


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ((0, 1, None), "rate"),
        ((RATE_MAX + 1, 1, None), "rate"),
        ((1, 0, None), "burst"),
        ((1, BURST_MAX + 1, None), "burst"),
        ((1, 1, 0), "per_day"),
    ],
)
def test_limits_that_admit_nothing_or_more_than_the_gateway_are_refused(
    limits: tuple[int, int, int | None], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        UsageLimits(*limits)
    assert refused.value.field == field
