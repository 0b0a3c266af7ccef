"""Wire shapes of health."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.version import VERSION
from datavault.contracts.wire import Reply, Time, time_of

if TYPE_CHECKING:
    from datavault.domain.health import Health

type Status = Literal["healthy", "degraded", "unhealthy"]


class CheckReply(Reply):
    """One probe."""

    name: Annotated[str, Field(examples=["catalog"])]
    status: Status
    latency_ms: float
    message: str


class HealthReply(Reply):
    """All probes and what they come to."""

    status: Status
    checks: list[CheckReply]
    timestamp: Time
    version: str

    @classmethod
    def of(cls, health: "Health", now_ms: int) -> Self:
        """The wire shape of ``health`` as found at ``now_ms``."""
        return cls(
            status=health.status,
            checks=[
                CheckReply(
                    name=check.name,
                    status=check.status,
                    latency_ms=check.latency_ms,
                    message=check.message,
                )
                for check in health.checks
            ],
            timestamp=time_of(now_ms),
            version=VERSION,
        )

    @classmethod
    def alive(cls, now_ms: int) -> Self:
        """What answering at all says: no probe was made."""
        return cls(status="healthy", checks=[], timestamp=time_of(now_ms), version=VERSION)
