"""The objects on S3, through obstore.

An object is one PUT with ``If-None-Match: *``, whatever its size: creating it is then a single
step, of racing writers one wins. obstore repeats reads by itself. It does not repeat a put or a
delete whose answer was lost; here they are, and an object that is then there may be our own.
All waits are jittered and bounded, obstore's too. A bucket that keeps failing is not asked for a
while (``adapters.breaker``); listing alone, which only sweeps do, goes on asking.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError
from obstore.store import S3Store

from datavault.adapters.aws.client import ATTEMPTS_MAX, backoff_s
from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import CredentialSource, FixedCredentials
from datavault.adapters.aws.endpoints import check_endpoint, domain
from datavault.adapters.breaker import Breaker
from datavault.adapters.limits import check_object_bytes, check_object_key, check_range
from datavault.domain.errors import Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

# Ranges nearer than this are read as one: a request takes as long as 1 MiB does.
_GAP_BYTES_MAX = 1 << 20
# A put of 64 MiB over a Lambda's 75 MB/s takes a second; this is for a slow day.
_PUT_SECONDS_MAX = 120
# How long obstore may keep credentials that do not say when they expire.
_ASK_AGAIN = timedelta(minutes=5)
# What S3 answers a listing with.
_LIST_KEYS = 1000
# Beyond the last key: S3 lists nothing after it, and says so at once.
_LAST = "\U0010ffff"
_CONFLICT = 409
_RANGE_NOT_SATISFIABLE = 416
# "Try again" (ConditionalRequestConflict) and "slow down".
_PASSING = frozenset({_CONFLICT, 429})
_SERVER_ERROR_MIN = 500
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_FAILURES = (BaseError, OSError)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the objects are. ``endpoint`` is for anything but AWS's own."""

    name: str
    region: str
    endpoint: str | None = None


class S3Objects:
    """Keeps ``ports.Objects``."""

    def __init__(
        self,
        bucket: Bucket,
        *,
        credentials: CredentialSource,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        breaker: Breaker | None = None,
    ) -> None:
        self._bucket = bucket
        self._breaker = breaker or Breaker("the bucket")
        self._credentials = credentials
        self._timeouts = timeouts or Timeouts()
        self._ca_file = ca_file
        self._sleep = sleep

    def put(self, key: str, parts: Sequence[bytes]) -> None:
        check_object_key(key)
        # The parts are not joined: the copy takes two thirds of the CPU that sending them takes.
        parts = list(parts)
        check_object_bytes(sum(map(len, parts)))
        tries = 0

        def create() -> None:
            nonlocal tries
            tries += 1
            try:
                obstore.put(self._once, key, parts, mode="create", use_multipart=False)
            except AlreadyExistsError as error:
                if _status(error) == _CONFLICT:
                    raise  # Another writer is at it this moment: to be tried again.
                # Is it our own, of a try whose answer was lost?
                if tries == 1 or self.get(key) != b"".join(parts):
                    raise Conflict("there is an object of this key already") from None

        with self._breaker.guard():
            self._repeated(create)

    def get(self, key: str) -> bytes:
        check_object_key(key)
        with self._breaker.guard(), _translated():
            return obstore.get(self._patient, key).bytes().to_bytes()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        (found,) = self.get_ranges(key, [(start, length)])
        return found

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        check_object_key(key)
        for start, length in ranges:
            check_range(start, length)
        spans = _spans(ranges)
        with self._breaker.guard():
            if not spans and ranges:
                self._size(key)
            read = self._read_spans(key, spans)
        return [_cut(read, start, length) for start, length in ranges]

    def delete(self, key: str) -> None:
        check_object_key(key)
        with suppress(NotFound), self._breaker.guard(), _translated():
            self._repeated(lambda: obstore.delete(self._once, key))

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        # obstore lists folders only: a prefix within a name is its folder from there on.
        folder, slash, tail = prefix.rpartition("/")
        with _translated():
            if tail and after < prefix and self._exists(prefix):
                yield prefix
            pages = obstore.list(
                self._patient,
                folder + slash or None,
                offset=max(prefix if tail else "", after) or None,
                chunk_size=1000,
            )
            for page in pages:
                for found in page:
                    if not found["path"].startswith(prefix):
                        return
                    yield found["path"]

    def ping(self) -> None:
        with self._breaker.guard():
            try:
                obstore.list(self._once, offset=_LAST).collect()
            except _FAILURES as error:
                raise Unavailable("objects do not answer") from error

    def _repeated(self, change: Callable[[], object]) -> None:
        for attempt in range(ATTEMPTS_MAX):
            try:
                change()
            except _FAILURES as error:
                if not _may_pass(error):
                    raise
                failure = error
            else:
                return
            self._sleep(backoff_s(attempt))
        raise Unavailable("objects do not answer") from failure

    def _read_spans(self, key: str, spans: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
        """Where each span begins and its bytes, up to the object's end."""
        if not spans:
            return []
        try:
            with _translated():
                return self._fetch(key, spans)
        except BaseError as error:
            if _status(error) != _RANGE_NOT_SATISFIABLE:
                raise
        # At least one begins beyond the object's end.
        size = self._size(key)
        spans = [(start, end) for start, end in spans if start < size]
        with _translated():
            return self._fetch(key, spans)

    def _fetch(self, key: str, spans: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
        if len(spans) == 1:
            ((start, end),) = spans
            return [(start, obstore.get_range(self._patient, key, start=start, end=end).to_bytes())]
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        found = obstore.get_ranges(self._patient, key, starts=starts, ends=ends, coalesce=0)
        return list(zip(starts, [part.to_bytes() for part in found], strict=True))

    def _exists(self, key: str) -> bool:
        try:
            self._size(key)
        except NotFound:
            return False
        return True

    def _size(self, key: str) -> int:
        with _translated():
            return obstore.head(self._patient, key)["size"]

    @cached_property
    def _patient(self) -> S3Store:
        """For reads, which obstore repeats."""
        return self._store(ATTEMPTS_MAX - 1)

    @cached_property
    def _once(self) -> S3Store:
        """For writes, which ``_repeated`` repeats."""
        return self._store(0)

    def _store(self, retries: int) -> S3Store:
        config: S3Config = {
            **_addressed(self._bucket),
            "region": self._bucket.region,
            # One DELETE for one object, not a POST with a list of one.
            "disable_bulk_delete": True,
            # TLS guards a body on its way, and every object is sealed: SHA-256 of it besides
            # was more than half of what a put costs.
            "unsigned_payload": True,
        }
        provider: Callable[[], S3Credential] | None = None
        if isinstance(self._credentials, FixedCredentials):
            fixed = self._credentials.credentials
            config["access_key_id"] = fixed.access_key_id
            config["secret_access_key"] = fixed.secret_access_key
            if fixed.token:
                config["session_token"] = fixed.token
        else:
            provider = self._provide
        options: ClientConfig = {
            "allow_http": (self._bucket.endpoint or "").startswith("http://"),
            "connect_timeout": timedelta(seconds=self._timeouts.connect_s),
            "read_timeout": timedelta(seconds=self._timeouts.read_s),
            "timeout": timedelta(seconds=_PUT_SECONDS_MAX),
        }
        if self._ca_file:
            options["root_certificate"] = Path(self._ca_file).read_bytes()
        retry: RetryConfig = {
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=self._timeouts.call_s),
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": timedelta(seconds=2),
            },
        }
        return S3Store(
            self._bucket.name,
            config=config,
            client_options=options,
            retry_config=retry,
            credential_provider=provider,
        )

    def _provide(self) -> "S3Credential":
        held = self._credentials.get()
        return {
            "access_key_id": held.access_key_id,
            "secret_access_key": held.secret_access_key,
            "token": held.token,
            "expires_at": held.expires_at or datetime.now(UTC) + _ASK_AGAIN,
        }


def _addressed(bucket: Bucket) -> "S3Config":
    """AWS wants the bucket in the host's name; an endpoint of one's own has it in the path."""
    if bucket.endpoint:
        check_endpoint(bucket.endpoint)
        return {"endpoint": bucket.endpoint, "virtual_hosted_style_request": False}
    host = f"s3.{bucket.region}.{domain(bucket.region)}"
    if "." in bucket.name:  # Its host would not match AWS's certificate.
        return {"endpoint": f"https://{host}", "virtual_hosted_style_request": False}
    return {"endpoint": f"https://{bucket.name}.{host}", "virtual_hosted_style_request": True}


def _spans(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The starts and ends to read, in order, so that no two are near; nothing for no bytes.

    Joined here and not by obstore, which panics when a range begins beyond the object's end.
    """
    spans: list[tuple[int, int]] = []
    for start, length in sorted(ranges):
        if not length:
            continue
        end = start + length
        if spans and start - spans[-1][1] <= _GAP_BYTES_MAX:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _cut(read: list[tuple[int, bytes]], start: int, length: int) -> bytes:
    for begin, content in read:
        if length and begin <= start < begin + len(content):
            return content[start - begin : start - begin + length]
    return b""


@contextmanager
def _translated() -> Iterator[None]:
    """obstore's errors in the vault's words; refused access and the unknown propagate.

    None names the object: messages reach the API's callers, to whom keys say nothing.
    """
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise Unavailable("the bucket does not exist") from error
        raise NotFound("an object is missing") from None
    except _FAILURES as error:
        if _may_pass(error):
            raise Unavailable("objects do not answer") from error
        raise


def _may_pass(error: Exception) -> bool:
    """Whether the network or the service failed, not the request."""
    if not isinstance(error, GenericError | AlreadyExistsError):
        return False
    status = _status(error)
    return status is None or status >= _SERVER_ERROR_MIN or status in _PASSING


def _status(error: Exception) -> int | None:
    """obstore tells a response's status in its message only."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None
