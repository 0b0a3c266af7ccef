"""Who a token's bearer is."""

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Invalid, Unauthenticated
from datavault.domain.ids import parse_workspace_id
from datavault.ports import Vault

_ROLES = {role.value: role for role in Role}


def authorize(vault: Vault, *, token: str, correlation_id: str) -> Caller:
    """The caller that ``token`` proves. Roles the vault does not know give nothing.

    Raises:
        Unauthenticated: the token does not hold, or is for no workspace.
        Unavailable: the issuer's keys cannot be had.
    """
    claims = vault.tokens.verify(token)
    try:
        workspace = parse_workspace_id(claims.workspace)
    except Invalid:
        raise Unauthenticated("the token names no workspace") from None
    roles = frozenset(_ROLES[name] for name in claims.roles if name in _ROLES)
    return Caller(claims.subject, workspace, roles, correlation_id)
