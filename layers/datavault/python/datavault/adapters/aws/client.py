"""Calls to an AWS service that speaks JSON: DynamoDB and KMS.

A call is repeated after throttling, a 5xx, a network failure or expired credentials, with full
jitter, at most ``ATTEMPTS_MAX`` times and not beyond ``Timeouts.call_s``; then it is
``Unavailable``. What is called must therefore bear repeating. A service that fails again and
again is not asked for a while (``adapters.breaker``). One that answers with a 4xx, throttling
too, is alive: one hot partition or one workspace's disabled key is no outage for the others.

A GetItem takes a sixth of boto3's CPU (``tests.benchmarks.clients``). Rejected: ``botocore.auth``
(105 ms to import, 71 us to sign; here 0 and 10) and ``urllib3`` (81 ms, 173 us a request; here 24
ms, which the runtime pays anyway, and 55). No proxy is spoken to: Lambda has none.
"""

import http.client
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from datavault.adapters.aws.answers import ErrorBody
from datavault.adapters.aws.connections import Connections, Response, Timeouts
from datavault.adapters.aws.credentials import CredentialSource
from datavault.adapters.aws.errors import EXPIRED_CODES, SERVER_ERROR_MIN, AwsError, meaning
from datavault.adapters.aws.signing import Signer
from datavault.adapters.breaker import Breaker
from datavault.domain.errors import Unavailable

ATTEMPTS_MAX = 5
# The n-th wait is anything up to 50 ms * 2**n: 0.75 s in all at most.
_BACKOFF_S = 0.05
_BACKOFF_S_MAX = 2.0
_OK = 200

type Json = dict[str, Any]


class JsonClient:
    """One service at one endpoint; safe to use from several threads."""

    def __init__(
        self,
        *,
        service: str,
        region: str,
        endpoint: str,
        target: str,
        json_version: str,
        credentials: CredentialSource,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        breaker: Breaker | None = None,
    ) -> None:
        self._service = service
        self._breaker = breaker or Breaker(service)
        self._target = target
        self._content_type = f"application/x-amz-json-{json_version}"
        self._credentials = credentials
        self._timeouts = timeouts or Timeouts()
        self._connections = Connections(endpoint, timeouts=self._timeouts, ca_file=ca_file)
        self._signer = Signer(service, region)
        self._sleep = sleep

    def call[T](self, operation: str, request: Json, answer: type[T]) -> T:
        """The answer to ``operation``; bytes go out and come back as base64.

        Raises:
            AwsError: AWS refused, and would refuse again.
            Unavailable: the attempts are used up, or the service is not asked for a while.
        """
        try:
            with self._breaker.guard():
                return self._repeated(operation, msgspec.json.encode(request), answer)
        except AwsError as error:
            known = meaning(error)
            if known is None or not known.retry:
                raise
            raise Unavailable(f"{self._service} does not answer {operation}") from error

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()

    def _repeated[T](self, operation: str, body: bytes, answer: type[T]) -> T:
        """Raises the last ``AwsError`` below 500 as it is: that the service answers matters."""
        give_up_s = time.monotonic() + self._timeouts.call_s
        for attempt in range(ATTEMPTS_MAX):
            try:
                return self._attempt(operation, body, answer)
            except AwsError as error:
                known = meaning(error)
                if known is None or not known.retry:
                    raise
                failure: Exception = error
            except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
                failure = error
            if attempt + 1 == ATTEMPTS_MAX or time.monotonic() > give_up_s:
                break
            self._sleep(backoff_s(attempt))
        if isinstance(failure, AwsError) and failure.status < SERVER_ERROR_MIN:
            raise failure
        raise Unavailable(f"{self._service} does not answer {operation}") from failure

    def _attempt[T](self, operation: str, body: bytes, answer: type[T]) -> T:
        credentials = self._credentials.get()
        headers = self._signer.sign(
            self._connections.path,
            {
                "host": self._connections.host,
                "content-type": self._content_type,
                "x-amz-target": f"{self._target}.{operation}",
            },
            body,
            credentials=credentials,
            now_s=time.time(),
        )
        response = self._connections.post(headers, body)
        if response.status == _OK:
            return msgspec.json.decode(response.body or b"{}", type=answer)
        error = _error(response)
        if error.code in EXPIRED_CODES:
            self._credentials.discard(credentials)
        raise error


def backoff_s(attempt: int) -> float:
    """How long to wait after the given attempt, counted from 0: full jitter."""
    return random.uniform(0, min(_BACKOFF_S_MAX, _BACKOFF_S * 2**attempt))  # noqa: S311


def _error(response: Response) -> AwsError:
    try:
        said = msgspec.json.decode(response.body, type=ErrorBody)
    except msgspec.DecodeError:
        said = ErrorBody()
    # "com.amazonaws.dynamodb.v20120810#Code" in the body, "Code:http://..." in the header.
    code = (said.type or response.error_type).rsplit("#", 1)[-1].split(":", 1)[0]
    return AwsError(
        code or f"HTTP{response.status}",
        status=response.status,
        message=said.message or said.Message or "",
        reasons=tuple(said.CancellationReasons),
    )
