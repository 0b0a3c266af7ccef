"""A landing in memory, as strict as S3 with every check that it can make.

Nobody serves its URLs: ``send`` is what a PUT to one does. As S3 does, it signs some headers, and
others may come with them.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5, sha256
from threading import Lock
from urllib.parse import quote, unquote

from datavault.adapters.limits import (
    check_object_key,
    check_part_number,
    check_parts_page,
    check_range,
)
from datavault.domain.errors import Denied, Invalid, NotFound, PreconditionFailed
from datavault.domain.landing import (
    Checksums,
    Landed,
    LandedPart,
    PartClaim,
    PartPromise,
    SignedPart,
)
from datavault.domain.uploads import PART_BYTES_MAX, PART_BYTES_MIN
from datavault.ports import Clock

HOST = "landing.test"
_URL = f"https://{HOST}/"


@dataclass(slots=True)
class _Upload:
    key: str
    checksums: Checksums
    parts: dict[int, tuple[LandedPart, bytes]] = field(default_factory=dict)


class MemoryLanding:
    """Keeps ``ports.Landing``; ``part_bytes_min`` may be lowered, so that tests need few bytes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._uploads: dict[str, _Upload] = {}
        self._objects: dict[str, tuple[Landed, bytes]] = {}
        self._secret = secrets.token_hex(16)
        self.part_bytes_min = PART_BYTES_MIN

    @property
    def uploads(self) -> list[str]:
        """The keys of uploads that are neither completed nor aborted."""
        with self._lock:
            return [upload.key for upload in self._uploads.values()]

    def put(self, key: str, content: bytes) -> Landed:
        """What somebody else does who puts a whole object there."""
        with self._lock:
            return self._put(key, content)

    def send(self, signed: SignedPart, content: bytes) -> str:
        """PUT a part to its URL with its headers; its ETag."""
        quoted, _, signature = signed.url.removeprefix(_URL).rpartition("?")
        text = unquote(quoted)
        token, number, expires_ms, names = json.loads(text)
        given = {name.lower(): value for name, value in signed.headers.items()}
        if signature != self._sign(text, {name: given.get(name, "") for name in names}):
            raise Denied("the signature does not match")
        if self._clock.now_ms() >= expires_ms:
            raise Denied("the URL has expired")
        if len(content) > PART_BYTES_MAX:
            raise Invalid("the part is too large")
        if given.get("content-length", str(len(content))) != str(len(content)):
            raise Denied("the part has another length than the URL says")
        digest = sha256(content).digest()
        if given.get("x-amz-checksum-sha256", digest.hex()) != digest.hex():
            raise Invalid("the part has another checksum than the URL says")
        with self._lock:
            upload = self._uploads.get(token)
            if upload is None:
                raise NotFound("the upload is over")
            etag = md5(content, usedforsecurity=False).hexdigest()
            kept = digest if upload.checksums is Checksums.SHA256 else None
            upload.parts[number] = LandedPart(number, etag, len(content), kept), content
            return etag

    def begin(self, key: str, checksums: Checksums) -> str:
        check_object_key(key)
        token = secrets.token_urlsafe()
        with self._lock:
            self._uploads[token] = _Upload(key, checksums)
        return token

    def sign_part(
        self, key: str, token: str, promise: PartPromise, *, expires_s: int
    ) -> SignedPart:
        check_object_key(key)
        check_part_number(promise.number)
        headers: dict[str, str] = {}
        if promise.size is not None:
            headers["content-length"] = str(promise.size)
        if promise.sha256 is not None:
            headers["x-amz-checksum-sha256"] = promise.sha256.hex()
        expires_ms = self._clock.now_ms() + expires_s * 1000
        text = json.dumps([token, promise.number, expires_ms, sorted(headers)])
        return SignedPart(f"{_URL}{quote(text)}?{self._sign(text, headers)}", headers)

    def parts(
        self, key: str, token: str, *, after: int, limit: int
    ) -> tuple[tuple[LandedPart, ...], bool]:
        check_parts_page(limit)
        with self._lock:
            upload = self._found(key, token)
            numbers = sorted(number for number in upload.parts if number > after)
            page = tuple(upload.parts[number][0] for number in numbers[:limit])
            return page, len(numbers) > limit

    def complete(self, key: str, token: str, parts: Sequence[PartClaim]) -> Landed:
        with self._lock:
            upload = self._uploads.get(token)
            if upload is None or upload.key != key:
                if key in self._objects:
                    return self._objects[key][0]
                raise NotFound("there is no such upload")
            content = self._joined(upload, parts)
            del self._uploads[token]
            return self._put(key, content)

    def abort(self, key: str, token: str) -> None:
        with self._lock:
            self._uploads.pop(token, None)

    def head(self, key: str) -> Landed:
        check_object_key(key)
        with self._lock:
            if key not in self._objects:
                raise NotFound("nothing has landed there")
            return self._objects[key][0]

    def read(self, landed: Landed, start: int, length: int) -> bytes:
        check_range(start, length)
        with self._lock:
            if landed.key not in self._objects:
                raise NotFound("the object is gone")
            there, content = self._objects[landed.key]
            if there.etag != landed.etag:
                raise PreconditionFailed("the object has been replaced")
            return content[start : start + length]

    def delete(self, landed: Landed) -> None:
        with self._lock:
            found = self._objects.get(landed.key)
            if found is not None and found[0].etag == landed.etag:
                del self._objects[landed.key]

    def list(self, prefix: str) -> Iterator[Landed]:
        with self._lock:
            found = [landed for landed, _ in self._objects.values()]
        listed = [landed for landed in found if landed.key.startswith(prefix)]
        return iter(sorted(listed, key=lambda landed: landed.key.encode()))

    def _put(self, key: str, content: bytes) -> Landed:
        check_object_key(key)
        # As under a key of KMS: another version of the same content has another tag.
        landed = Landed(key, secrets.token_hex(16), len(content))
        self._objects[key] = landed, content
        return landed

    def _found(self, key: str, token: str) -> _Upload:
        upload = self._uploads.get(token)
        if upload is None or upload.key != key:
            raise NotFound("there is no such upload")
        return upload

    def _joined(self, upload: _Upload, parts: Sequence[PartClaim]) -> bytes:
        numbers = [part.number for part in parts]
        if not parts or numbers != sorted(set(numbers)):
            raise Invalid("parts are listed once each, in ascending order", field="parts")
        pieces: list[bytes] = []
        for part in parts:
            kept, content = upload.parts.get(part.number, (None, b""))
            if kept is None or (kept.etag, kept.sha256) != (part.etag, part.sha256):
                raise Invalid("a part is not there, or is another one", field="parts")
            if part is not parts[-1] and kept.size < self.part_bytes_min:
                raise Invalid("a part that is not the last is too small", field="parts")
            pieces.append(content)
        return b"".join(pieces)

    def _sign(self, text: str, headers: Mapping[str, str]) -> str:
        signed = json.dumps([self._secret, text, sorted(headers.items())])
        return sha256(signed.encode()).hexdigest()
