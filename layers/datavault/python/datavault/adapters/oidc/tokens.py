"""The ``Tokens`` port: JWTs (RFC 7519) that one issuer signed for one audience.

What may be used is decided by us and the issuer, never by the token: the algorithm follows from
the published key, the key from the issuer's URL and the token's key id (RFC 8725, sections 3.1
and 3.10). So there is no ``none``, no HMAC with a public key as its secret, no ``jku`` and no
key that a token brings along.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from datavault.adapters.oidc.jwks import PublishedKeys, SigningKey
from datavault.domain.errors import Unauthenticated
from datavault.ports import Claims

TOKEN_CHARS_MAX = 8192
LEEWAY_S = 30
# The issuer of a local cloud signs for 12 hours; stages that people rely on set less.
LIFETIME_S_MAX = 12 * 3600
REQUIRED = ("iss", "aud", "exp", "iat", "sub")
# An access token (RFC 9068), or what issuers called one before.
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# Header members by which a token would choose the key that verifies it.
FOREIGN_KEYS = ("jku", "jwk", "x5u", "x5c")


class OidcTokens:
    """Verifies tokens of the issuer ``url`` for ``audience`` by the keys at ``jwks_url``.

    ``claim_names`` says what the issuer calls ``subject``, ``workspace``, ``roles`` and ``mfa``
    (``sub`` and the same names are the defaults). A token that its issuer made to last more than
    ``lifetime_s_max`` is refused from the first second on.
    """

    def __init__(
        self,
        url: str,
        audience: str,
        jwks_url: str,
        claim_names: Mapping[str, str],
        *,
        lifetime_s_max: int = LIFETIME_S_MAX,
        fetch: Callable[[str], bytes] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        if not jwks_url.startswith(("https://", "http://")):
            raise ValueError("the URL of an issuer's keys starts with https:// or http://")
        if url.startswith("https://") and not jwks_url.startswith("https://"):
            raise ValueError("the keys of an https issuer are not fetched over http")
        self._url = url
        self._audience = audience
        self._lifetime_s_max = lifetime_s_max
        self._names = {"subject": "sub", **claim_names}
        self._keys = PublishedKeys(jwks_url, fetch=fetch, now_s=now_s)

    def verify(self, token: str) -> Claims:
        """The claims of a token that is the issuer's, for us, and in force."""
        key = self._keys.find(_key_id(token))
        if key is None:
            raise Unauthenticated("the issuer publishes no such key")
        claims = self._decode(token, key)
        expires_s = int(claims["exp"])
        lifetime_s = expires_s - int(claims["iat"])
        if lifetime_s > self._lifetime_s_max:
            raise Unauthenticated(
                f"a token that lasts {lifetime_s} s, at most {self._lifetime_s_max} allowed"
            )
        subject = claims.get(self._name("subject"))
        workspace = claims.get(self._name("workspace"))
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("the token names no subject")
        if not isinstance(workspace, str):
            raise Unauthenticated("the token names no workspace")
        return Claims(
            subject=subject,
            workspace=workspace,
            roles=_roles(claims.get(self._name("roles"))),
            mfa=_is_mfa(claims.get(self._name("mfa"))),
            expires_s=expires_s,
        )

    def _decode(self, token: str, key: SigningKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._url,
                leeway=LEEWAY_S,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWTError as error:
            # The class names the check that failed; the message may quote the token.
            raise Unauthenticated(f"the token does not hold: {type(error).__name__}") from None
        except (ValueError, TypeError, RecursionError):
            raise Unauthenticated("the token is not a JWT") from None

    def _name(self, claim: str) -> str:
        return self._names.get(claim, claim)


def _key_id(token: str) -> str:
    """The id of the key that is said to verify the token."""
    if len(token) > TOKEN_CHARS_MAX:
        raise Unauthenticated(f"a token has at most {TOKEN_CHARS_MAX} characters")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise Unauthenticated("the token is not a JWT") from None
    if any(name in header for name in FOREIGN_KEYS):
        raise Unauthenticated("the token brings its own key")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise Unauthenticated("the token is not an access token")
    key_id = header.get("kid")
    if not isinstance(key_id, str):
        raise Unauthenticated("the token names no key")
    return key_id


def _roles(claim: object) -> tuple[str, ...]:
    """Roles as a list of names, or as one string with spaces (as OAuth writes scopes)."""
    if isinstance(claim, str):
        return tuple(claim.split())
    if isinstance(claim, list):
        return tuple(name for name in claim if isinstance(name, str))
    return ()


def _is_mfa(claim: object) -> bool:
    """A boolean, or a list of methods (RFC 8176) with ``mfa`` among them."""
    return claim is True or (isinstance(claim, list) and "mfa" in claim)
