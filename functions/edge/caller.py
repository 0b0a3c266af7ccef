"""The authorizer's context as a domain ``Caller``."""

from collections.abc import Mapping
from typing import Any

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Unauthenticated
from datavault.domain.ids import parse_workspace_id

_ROLES = {role.value: role for role in Role}


def caller_of(event: Mapping[str, Any], correlation_id: str, *, now_ms: int) -> Caller:
    """Who asks, as ``functions.access.authorize`` found and API Gateway passed on.

    API Gateway keeps what was found for minutes, so that the token may have expired since.

    Raises:
        Unauthenticated: the event did not come through the authorizer, or the token has expired.
    """
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    subject, workspace = context.get("subject"), context.get("workspace")
    if not subject or not workspace:
        raise Unauthenticated("this operation needs an access token")
    if now_ms >= 1000 * _expires_s(context.get("expires_s")):
        raise Unauthenticated("the access token has expired")
    names = str(context.get("roles", "")).split()
    return Caller(
        subject=subject,
        workspace=parse_workspace_id(workspace),
        roles=frozenset(_ROLES[name] for name in names if name in _ROLES),
        correlation_id=correlation_id,
    )


def _expires_s(told: object) -> int:
    """When the token expires; without a number it has."""
    try:
        return int(str(told))
    except ValueError:
        return 0
