"""GET /health/live."""

from datavault.contracts.health import HealthReply
from datavault.ports import Vault
from functions.edge.http import Request, endpoint


@endpoint("check_live")
def handler(vault: Vault, _request: Request[None, None]) -> HealthReply:
    """Answer, which is all that is asked."""
    return HealthReply.alive(vault.clock.now_ms())
