"""Who a token's bearer is."""

from dataclasses import dataclass

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Invalid, Unauthenticated
from datavault.domain.ids import parse_workspace_id
from datavault.ports import Vault

_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token says its bearer is, and the second from which on it proves nothing."""

    caller: Caller
    expires_s: int


def authorize(vault: Vault, *, token: str, correlation_id: str) -> Bearer:
    """The bearer that ``token`` proves. Roles the vault does not know give nothing.

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
    caller = Caller(claims.subject, workspace, roles, correlation_id)
    return Bearer(caller, claims.expires_s)
