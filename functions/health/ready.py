"""GET /health/ready."""

from http import HTTPStatus

from datavault.contracts.health import HealthReply
from datavault.ports import Vault
from datavault.services.health import check_ready
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("check_ready")
def handler(vault: Vault, _request: Request[None, None]) -> Answer:
    """Probe; unhealthy is 503, so that load balancers understand it, and says why all the same."""
    health = check_ready(vault)
    body = HealthReply.of(health, vault.clock.now_ms()).model_dump_json(by_alias=True).encode()
    healthy = health.status != "unhealthy"
    return Answer(body, status=HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)
