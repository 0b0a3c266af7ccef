import pytest

from datavault.domain.health import Check, Status, overall


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (("healthy", "healthy"), "healthy"),
        (("healthy", "degraded"), "degraded"),
        (("degraded", "unhealthy"), "unhealthy"),
        (("unhealthy", "healthy"), "unhealthy"),
        ((), "healthy"),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_part(found: tuple[Status, ...], status: Status) -> None:
    checks = tuple(Check(f"{index}", each, 1.0, "") for index, each in enumerate(found))
    assert overall(checks).status == status
    assert overall(checks).checks == checks
