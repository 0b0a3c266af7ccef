"""How much a workspace may ask of the API, and the name under which it is counted."""

from dataclasses import dataclass

from datavault.domain.digests import usage_identifier_hash
from datavault.domain.errors import Invalid
from datavault.domain.ids import WorkspaceId

# API Gateway's own: an account admits 10,000 requests a second unless AWS was asked for more.
RATE_MAX = 10_000
BURST_MAX = 5_000


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """``rate`` requests a second in the long run, ``burst`` at once, ``per_day`` if not None.

    Raises:
        Invalid: one is not positive, or over what the gateway itself can admit.
    """

    rate: int
    burst: int
    per_day: int | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("rate", self.rate, RATE_MAX), ("burst", self.burst, BURST_MAX)):
            if not 1 <= value <= most:
                raise Invalid(f"{name} of {value}, from 1 to {most} allowed", field=name)
        if self.per_day is not None and self.per_day < 1:
            raise Invalid(f"per_day of {self.per_day}, at least 1 allowed", field="per_day")


def usage_identifier(ws: WorkspaceId) -> str:
    """The name under which the gateway counts the workspace's requests: 64 hex digits.

    It is derived and not drawn, so that the authorizer needs to look nothing up. It is no secret:
    the gateway takes it from the authorizer alone, never from a caller.
    """
    return usage_identifier_hash(ws)
