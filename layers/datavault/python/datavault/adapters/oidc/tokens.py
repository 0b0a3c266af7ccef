"""Access tokens of an OpenID Connect issuer: JWTs signed by ES256 or RS256.

The issuer's keys are kept for an hour and serve on while it does not answer. An unknown key id
makes us look again, but not more often than every ten seconds, whatever callers send.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.request import urlopen

import jwt
from jwt import InvalidTokenError, PyJWK, PyJWTError

from datavault.adapters.aws.endpoints import check_endpoint
from datavault.domain.errors import Unauthenticated, Unavailable
from datavault.ports import Claims

ALGORITHMS = ("ES256", "RS256")
_KEYS_SECONDS_MAX = 3600.0
_LOOK_AGAIN_SECONDS = 10.0
_FETCH_SECONDS_MAX = 5.0
_JWKS_BYTES_MAX = 1 << 20
_TOKEN_CHARS_MAX = 16 * 1024
# Between two machines' clocks.
_LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, for whom, where its keys are, and what it calls the claims we read."""

    url: str
    audience: str
    jwks_url: str
    subject: str = "sub"
    workspace: str = "workspace"
    roles: str = "roles"
    mfa: str = "mfa"


class OidcTokens:
    """Keeps ``ports.Tokens``."""

    def __init__(
        self, issuer: Issuer, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        check_endpoint(issuer.jwks_url)
        self._issuer = issuer
        self._monotonic_s = monotonic_s
        self._lock = Lock()
        self._keys: dict[str, PyJWK] = {}
        self._read_s = float("-inf")

    def verify(self, token: str) -> Claims:
        if len(token) > _TOKEN_CHARS_MAX:
            raise Unauthenticated("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            key = self._key(header.get("kid"))
            if header.get("alg") not in ALGORITHMS or key.algorithm_name != header["alg"]:
                raise Unauthenticated("the token is signed by an algorithm we do not take")
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._issuer.audience,
                issuer=self._issuer.url,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
            return self._claims(claims)
        except InvalidTokenError as error:
            raise Unauthenticated(_REASONS.get(type(error).__name__, _ANY_REASON)) from None

    def _claims(self, claims: dict[str, Any]) -> Claims:
        names = self._issuer
        subject, workspace = claims.get(names.subject), claims.get(names.workspace)
        if not (isinstance(subject, str) and subject):
            raise Unauthenticated(f"the token has no claim {names.subject}")
        if not (isinstance(workspace, str) and workspace):
            raise Unauthenticated(f"the token has no claim {names.workspace}")
        return Claims(
            subject=subject,
            workspace=workspace,
            roles=_words(claims.get(names.roles)),
            mfa=claims.get(names.mfa) in (True, "true"),
            expires_s=int(claims["exp"]),
        )

    def _key(self, key_id: object) -> PyJWK:
        if not isinstance(key_id, str):
            raise Unauthenticated("the token names no key")
        with self._lock:
            age_s = self._monotonic_s() - self._read_s
            known = self._keys.get(key_id)
            if age_s > _KEYS_SECONDS_MAX or (known is None and age_s > _LOOK_AGAIN_SECONDS):
                self._read_keys()
                known = self._keys.get(key_id)
        if known is None:
            raise Unauthenticated("the token is signed by a key that its issuer does not publish")
        return known

    def _read_keys(self) -> None:
        try:
            self._keys = _fetch(self._issuer.jwks_url)
        except (OSError, ValueError, PyJWTError) as error:
            if not self._keys:
                raise Unavailable("the issuer's keys cannot be had") from error
        self._read_s = self._monotonic_s()


_ANY_REASON = "the token does not verify"
_REASONS = {
    "ExpiredSignatureError": "the token has expired",
    "InvalidAudienceError": "the token is for somebody else",
    "InvalidIssuerError": "the token is of another issuer",
    "ImmatureSignatureError": "the token is not in force yet",
}


def _fetch(url: str) -> dict[str, PyJWK]:
    """The issuer's keys by id, those of other algorithms left out."""
    with urlopen(url, timeout=_FETCH_SECONDS_MAX) as response:  # noqa: S310
        document = json.loads(response.read(_JWKS_BYTES_MAX))
    keys = {}
    for found in document["keys"]:
        if "kid" in found and found.get("use", "sig") == "sig" and _algorithm(found) in ALGORITHMS:
            keys[found["kid"]] = PyJWK(found, algorithm=_algorithm(found))
    return keys


def _algorithm(key: dict[str, Any]) -> str | None:
    if key.get("kty") == "EC" and key.get("crv") == "P-256":
        return "ES256"
    return str(key.get("alg", "RS256")) if key.get("kty") == "RSA" else None


def _words(claim: object) -> tuple[str, ...]:
    """Issuers write roles as a list, or as words between spaces or commas."""
    if isinstance(claim, str):
        return tuple(claim.replace(",", " ").split())
    if isinstance(claim, list):
        return tuple(word for word in claim if isinstance(word, str))
    return ()
