"""The authorizer's context as a domain ``Caller``."""

from collections.abc import Mapping
from typing import Any

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Unauthenticated
from datavault.domain.ids import parse_workspace_id

_ROLES = {role.value: role for role in Role}


def caller_of(event: Mapping[str, Any], correlation_id: str) -> Caller:
    """Who asks, as ``functions.access.authorize`` found and API Gateway passed on.

    Raises:
        Unauthenticated: the event did not come through the authorizer.
    """
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    subject, workspace = context.get("subject"), context.get("workspace")
    if not subject or not workspace:
        raise Unauthenticated("this operation needs an access token")
    names = str(context.get("roles", "")).split()
    return Caller(
        subject=subject,
        workspace=parse_workspace_id(workspace),
        roles=frozenset(_ROLES[name] for name in names if name in _ROLES),
        correlation_id=correlation_id,
    )
