"""Generated from the operations table: routes of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.contracts.health import HealthReply

CHECK_LIVE: Route[HealthReply] = Route(
    "check_live", "GET", "/health/live", "datavault.contracts.health:HealthReply", authorized=False
)
CHECK_READY: Route[HealthReply] = Route(
    "check_ready",
    "GET",
    "/health/ready",
    "datavault.contracts.health:HealthReply",
    authorized=False,
)
DESCRIBE_API: Route[dict[str, object]] = Route(
    "describe_api", "GET", "/openapi.json", authorized=False
)
BROWSE_DOCS: Route[str] = Route(
    "browse_docs", "GET", "/docs", authorized=False, returns="text/html"
)
