"""Who calls: the port ``Credentials``, a fixed token, and OAuth2 client credentials.

A secret is never part of a repr, a log or an error.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from datavault.client.errors import SignInFailed

if TYPE_CHECKING:
    import httpx

# A token is replaced so long before it ends: a request may be a while on its way.
MARGIN_S = 60.0
# What a token lives whose issuer does not say (RFC 6749 only recommends to).
LIFETIME_S_DEFAULT = 300.0
TIMEOUT_S = 10.0


class Credentials(Protocol):
    """Where access tokens come from; bring your own by having these two methods.

    Both may be called by several threads at once. With ``AsyncVault`` they run in a thread, so
    they may wait for the network.
    """

    def token(self) -> str:
        """A bearer token that holds now."""
        ...

    def replace(self, refused: str) -> str | None:
        """Another token, after the vault has refused this one; ``None`` if there is no other."""
        ...


@dataclass(frozen=True, slots=True)
class StaticToken:
    """One token, as it was given."""

    value: str = field(repr=False)

    def token(self) -> str:
        """The token."""
        return self.value

    def replace(self, refused: str) -> str | None:
        """There is no other."""
        return None


class ClientCredentials:
    """Tokens by the OAuth2 client-credentials flow (RFC 6749, 4.4): for services and pipelines.

    A token is kept until a minute before it ends, and fetched once however many threads wait for
    it. The client authenticates with HTTP Basic, as the RFC asks of issuers.

    ``scope`` and ``audience`` are sent when given. ``transport`` and ``clock`` are for tests.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None = None,
        audience: str | None = None,
        transport: "httpx.BaseTransport | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token_url = token_url
        self.client_id = client_id
        self._secret = client_secret
        self._form = {"grant_type": "client_credentials"}
        self._form |= {} if scope is None else {"scope": scope}
        self._form |= {} if audience is None else {"audience": audience}
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    def __repr__(self) -> str:
        return f"ClientCredentials(token_url={self.token_url!r}, client_id={self.client_id!r})"

    def token(self) -> str:
        """The kept token, or a fresh one.

        Raises:
            SignInFailed: the token URL does not answer, or refuses.
        """
        with self._lock:
            if self._token is None or self._clock() >= self._good_until:
                self._token = self._fetch()
            return self._token

    def replace(self, refused: str) -> str | None:
        """A fresh token, unless another thread has fetched one since."""
        with self._lock:
            if self._token == refused or self._token is None:
                self._token = self._fetch()
            return self._token

    def _fetch(self) -> str:
        import httpx

        from datavault.client.agent import USER_AGENT

        failure: str
        try:
            with httpx.Client(transport=self._transport, timeout=TIMEOUT_S) as client:
                reply = client.post(
                    self.token_url,
                    data=self._form,
                    auth=httpx.BasicAuth(
                        _form_encoded(self.client_id), _form_encoded(self._secret)
                    ),
                    headers={"Accept": "application/json", "User-Agent": USER_AGENT},
                )
            found = reply.json() if reply.is_success else None
            failure = f"answered {reply.status_code}"
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            found, failure = None, f"failed: {type(error).__name__}"
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token or not isinstance(found, dict):
            # Outside the ``except``: the chain would carry the request, and with it the secret.
            raise SignInFailed(f"the token URL {self.token_url} {failure} and gave no token")
        self._good_until = self._clock() + _lifetime_s(found.get("expires_in"))
        return token


def _lifetime_s(told: object) -> float:
    """How long to keep a token; a short-lived one for half its life."""
    lifetime = float(told) if isinstance(told, int | float) else LIFETIME_S_DEFAULT
    return max(lifetime - MARGIN_S, lifetime / 2)


def _form_encoded(text: str) -> str:
    """As RFC 6749, 2.3.1 wants client ids and secrets within Basic."""
    from urllib.parse import quote_plus

    return quote_plus(text)
