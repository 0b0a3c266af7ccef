"""Who we are to AWS: the first of the environment, the container's endpoint, a botocore session.

Lambda gives keys in the environment, or with SnapStart at the container's endpoint; an
operator's profile or single sign-on is left to botocore, which is imported only then.
"""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from threading import Lock
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from datavault.adapters.aws.endpoints import is_loopback
from datavault.domain.errors import Unauthenticated, Unavailable

# AWS replaces credentials five minutes before they end at the latest.
_REFRESH_BEFORE_S = 300.0
_TIMEOUT_S = 2.0
_NOBODY = frozenset({http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN})
_ECS_HOST = "169.254.170.2"
_EKS_HOSTS = ("169.254.170.23", "fd00:ec2::23")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a request is signed with; ``expires_at`` is ``None`` for keys that stay."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None
    expires_at: datetime | None = None


class CredentialSource(Protocol):
    """Where credentials come from."""

    def get(self) -> Credentials:
        """Credentials in force now.

        Raises:
            Unauthenticated: there are none, or they cannot be had without signing in.
            Unavailable: whoever gives them does not answer.
        """
        ...

    def discard(self, credentials: Credentials) -> None:
        """AWS refused these as expired: do not give them again if there are others."""
        ...


class Signing(Enum):
    """Whose credentials a client of boto3 has, which would look for its own, and elsewhere first:
    the ledger would name somebody else than who made the change.
    """

    AS_EVERYTHING = auto()
    """Those that all else is signed with, as they are now: for one command."""
    RENEWED = auto()
    """Those that expire are boto3's to find, for it renews them: for a process that goes on."""


def credential_source(environment: Mapping[str, str]) -> CredentialSource:
    """The source that ``environment`` announces."""
    key_id, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key_id and secret:
        token = environment.get("AWS_SESSION_TOKEN") or None
        return FixedCredentials(Credentials(key_id, secret, token))
    if path := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return ExpiringCredentials(_container_reader(f"http://{_ECS_HOST}{path}", environment))
    if url := environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return ExpiringCredentials(_container_reader(url, environment))
    return SessionCredentials()


class FixedCredentials:
    """The same credentials for the process's life."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def get(self) -> Credentials:
        return self.credentials

    def discard(self, credentials: Credentials) -> None:
        pass


class ExpiringCredentials:
    """Credentials read anew before they expire; the old ones serve while reading fails."""

    def __init__(
        self,
        read: Callable[[], Credentials],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read = read
        self._now = now
        self._lock = Lock()
        self._held: Credentials | None = None

    def get(self) -> Credentials:
        held = self._held
        if held is not None and self._left_s(held) > _REFRESH_BEFORE_S:
            return held
        with self._lock:
            held = self._held
            if held is not None and self._left_s(held) > _REFRESH_BEFORE_S:
                return held
            try:
                self._held = self._read()
            except Unavailable:
                if held is None or self._left_s(held) <= 0:
                    raise
                return held
            return self._held

    def discard(self, credentials: Credentials) -> None:
        with self._lock:
            if self._held is credentials:
                self._held = None

    def _left_s(self, credentials: Credentials) -> float:
        if credentials.expires_at is None:
            return float("inf")
        return (credentials.expires_at - self._now()).total_seconds()


class SessionCredentials:
    """Whatever botocore finds: profiles, single sign-on, instance roles. For operators."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: Any = None

    def get(self) -> Credentials:
        from botocore.session import Session

        with _translated():
            with self._lock:
                found = self._found = self._found or Session().get_credentials()
            if found is None:
                raise Unauthenticated("no AWS credentials: none in the environment and no profile")
            frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def discard(self, credentials: Credentials) -> None:
        with self._lock:
            self._found = None


@contextmanager
def _translated() -> Iterator[None]:
    """botocore's errors while it looks for credentials in the vault's words.

    It has one for each way in which a profile, single sign-on or a role gives none: unless it is
    the network's, or AWS's own, whoever runs the command has to sign in, or to mend a profile.
    """
    from botocore import exceptions

    try:
        yield
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise Unavailable("whoever gives AWS credentials does not answer") from error
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        raise Unauthenticated(f"no AWS credentials to be had: sign in to AWS ({kind})") from error
    except exceptions.ClientError as error:
        raise refusal("no AWS credentials to be had", error) from error


def refusal(subject: str, error: Any) -> Unauthenticated | Unavailable:  # noqa: ANN401
    """What an answer of AWS to the question who we are means; ``error`` is a ``ClientError``."""
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status in _NOBODY:
        return Unauthenticated(f"{subject}: AWS answered {code}; sign in to AWS")
    return Unavailable(f"{subject}: AWS answered {code}")


def _container_reader(url: str, environment: Mapping[str, str]) -> Callable[[], Credentials]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_loopback(host) and host not in (_ECS_HOST, *_EKS_HOSTS):
        raise ValueError(f"credentials are not asked of {host} in clear text")
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    token_file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")

    def read() -> Credentials:
        authorization = token
        if token_file:
            with open(token_file) as file:
                authorization = file.read().strip()
        return _read_container(parts, authorization)

    return read


def _read_container(parts: SplitResult, authorization: str | None) -> Credentials:
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request("GET", path, headers=_authorization(authorization))
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable("the credentials endpoint does not answer") from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise Unavailable(f"the credentials endpoint answered {response.status}")
    answer = json.loads(body)
    return Credentials(
        answer["AccessKeyId"],
        answer["SecretAccessKey"],
        answer.get("Token"),
        datetime.fromisoformat(answer["Expiration"]) if answer.get("Expiration") else None,
    )


def _authorization(token: str | None) -> dict[str, str]:
    return {"Authorization": token} if token else {}
