"""An issuer's published signing keys (RFC 7517), fetched seldom and never on a token's word."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from datavault.domain.errors import Unavailable

FETCH_TIMEOUT_S = 3.0
JWKS_BYTES_MAX = 256 * 1024
# A key that the issuer withdrew is trusted for this long at most, if the issuer answers ...
FRESH_S = 15 * 60.0
# ... and for this long if it does not: its outage should not be ours at once.
STALE_S = 6 * 3600.0
# Tokens with made-up key ids must not make us knock at the issuer's door with each request.
REFRESH_EVERY_S = 60.0
RSA_BITS_MIN = 2048

type Key = EllipticCurvePublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key and the one algorithm it verifies, which follows from what it is."""

    key: Key
    algorithm: str


class PublishedKeys:
    """The signing keys at a URL, by key id.

    ``now_s`` gives seconds. By default on the wall: a frozen Lambda's monotonic clock stands
    still, and a withdrawn key would be trusted for ever.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_jwks
        self._now_s = now_s
        self._lock = Lock()
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_s: float | None = None
        self._tried_s: float | None = None

    def find(self, key_id: str) -> SigningKey | None:
        """The key of that id, or ``None`` if the issuer publishes no such key.

        Raises:
            Unavailable: the issuer's keys cannot be had.
        """
        with self._lock:
            if key_id not in self._keys or self._age_s() > FRESH_S:
                self._refresh()
            if self._age_s() > STALE_S:
                raise Unavailable("the token issuer's keys cannot be had")
            return self._keys.get(key_id)

    def _age_s(self) -> float:
        """How old the keys are. From after a clock that was set back, nobody knows: too old."""
        age_s = -1.0 if self._fetched_s is None else self._now_s() - self._fetched_s
        return age_s if age_s >= 0 else float("inf")

    def _refresh(self) -> None:
        now_s = self._now_s()
        if self._tried_s is not None and 0 <= now_s - self._tried_s < REFRESH_EVERY_S:
            return
        self._tried_s = now_s
        try:
            self._keys = parse_jwks(self._fetch(self._url))
        except (OSError, ValueError):
            # ``find`` decides whether what we have is still good enough.
            return
        self._fetched_s = now_s


def parse_jwks(document: bytes) -> dict[str, SigningKey]:
    """The keys of a JWK set that verify ES256 or RS256, by id; others are passed over.

    Raises:
        ValueError: it is not a JWK set.
    """
    try:
        published = json.loads(document)["keys"]
        entries = [entry for entry in published if isinstance(entry, dict)]
    except (KeyError, TypeError, RecursionError):
        raise ValueError("not a JWK set") from None
    keys: dict[str, SigningKey] = {}
    for entry in entries:
        key_id = entry.get("kid")
        found = _signing_key(entry)
        if isinstance(key_id, str) and found is not None:
            keys[key_id] = found
    return keys


def fetch_jwks(url: str) -> bytes:
    """What is at ``url``, of bounded size, within a bounded time; redirects are not followed."""
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=FETCH_TIMEOUT_S) as response:
        document: bytes = response.read(JWKS_BYTES_MAX + 1)
    if len(document) > JWKS_BYTES_MAX:
        raise ValueError(f"a JWK set has at most {JWKS_BYTES_MAX} bytes")
    return document


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _signing_key(entry: Mapping[str, Any]) -> SigningKey | None:
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return None
    try:
        key = jwt.PyJWK(dict(entry)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    match key:
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            algorithm = "ES256"
        case RSAPublicKey() if key.key_size >= RSA_BITS_MIN:
            algorithm = "RS256"
        case _:
            return None
    if entry.get("alg", algorithm) != algorithm:
        return None
    return SigningKey(key, algorithm)
