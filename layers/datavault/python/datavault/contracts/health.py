"""Wire shapes of health."""

from datetime import datetime
from typing import Literal

from datavault.contracts.wire import Reply

type Status = Literal["healthy", "degraded", "unhealthy"]


class CheckReply(Reply):
    """One probe."""

    name: str
    status: Status
    latency_ms: float
    message: str


class HealthReply(Reply):
    """All probes and what they come to."""

    status: Status
    checks: list[CheckReply]
    timestamp: datetime
    version: str
