"""Tokens in memory: whoever holds the twin issues them, and only those verify."""

import secrets
from threading import Lock

from datavault.domain.errors import Unauthenticated
from datavault.ports import Claims, Clock


class MemoryTokens:
    """Keeps ``ports.Tokens``; ``issue`` is its issuer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._issued: dict[str, Claims] = {}

    def issue(self, claims: Claims) -> str:
        """A token that says ``claims``, until they expire."""
        token = secrets.token_urlsafe()
        with self._lock:
            self._issued[token] = claims
        return token

    def verify(self, token: str) -> Claims:
        with self._lock:
            claims = self._issued.get(token)
        if claims is None:
            raise Unauthenticated("the token does not verify")
        if self._clock.now_ms() >= claims.expires_s * 1000:
            raise Unauthenticated("the token has expired")
        return claims
