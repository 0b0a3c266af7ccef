"""Parts on their way: their checksums, and the attempts to send one, as steps without I/O.

``sending`` is a generator like ``datavault.client.exchange``: it yields what to do next and
is sent what came of it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from datavault.client.errors import ConnectionFailed, PartRefused, UploadMismatch, UploadStopped
from datavault.client.exchange import Pause
from datavault.client.messages import Answer, Lost
from datavault.client.retries import Retries, RetryBudget, retry_after_s
from datavault.client.uploads.sources import Part, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datavault.contracts.uploads import (
        Compression,
        Format,
        Kind,
        Mode,
        PartReply,
        SentPart,
        UploadReply,
    )

# 400 is S3's for what it waited for too long, and for bytes that came damaged.
_REPEATED = frozenset({400, 408, 429, 500, 502, 503, 504})
_EXPIRED = 403
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")
# As many checksums as a list of parts takes.
WINDOW_MAX = 64
PARTS_MAX = 10_000


class Wanted(TypedDict, total=False):
    """What is to become of the files, as ``create_upload`` takes it."""

    branch: str
    name: str
    part_bytes: int | None
    format: Format | None
    compression: Compression | None
    columns: Mapping[str, Kind] | None
    mode: Mode
    message: str
    max_bad_records: int | None
    max_bad_fraction: float | None
    min_records: int | None
    max_records: int | None


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is. ``there`` are bytes that had arrived before; ``sent`` those since."""

    upload_id: str
    parts: int
    there: int
    sent: int
    size: int | None


type OnUploadProgress = Callable[[UploadProgress], object]


@dataclass(frozen=True, slots=True)
class Put:
    """PUT a part to its URL; gives an ``Answer``, or a ``Lost`` one."""

    part: Part
    place: PartReply


@dataclass(frozen=True, slots=True)
class Renew:
    """Ask where a part goes, again; gives its ``PartReply``."""

    part: Part


type PartStep = Put | Pause | Renew
type PartOutcome = Answer | Lost | PartReply | None
type Sending = Generator[PartStep, PartOutcome, SentPart]


def require_same(upload: UploadReply, source: Source) -> None:
    """Return if ``source`` is as large as what the upload was begun for.

    Raises:
        UploadMismatch: it is not.
    """
    if upload.size != source.size:
        raise UploadMismatch(
            f"the upload was begun for {upload.size} bytes, and these are {source.size}",
            upload_id=upload.id,
        )


def require_end(upload: UploadReply, rest: Part | None) -> None:
    """Return if there is no ``rest`` behind the last part that an upload may have.

    Raises:
        UploadStopped: there is; nothing has been taken in.
    """
    if rest is not None:
        raise UploadStopped(
            f"part_bytes: more than {PARTS_MAX} parts of {upload.part_bytes} bytes; begin again"
            " with larger ones",
            upload_id=upload.id,
        )


def checksums_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """What a list of parts is told of those that are to be sent."""
    return tuple(
        f"{part.number}:{base64.urlsafe_b64encode(part.sha256).decode().rstrip('=')}"
        for part in parts
    )


def headers_of(put: Put) -> dict[str, str]:
    """The headers of a PUT: as they were signed, and its length."""
    signed = {name.lower(): value for name, value in put.place.headers.items()}
    return {**signed, "content-length": str(put.part.content.size)}


def landed(upload_id: str, part: Part, place: PartReply) -> SentPart | None:
    """A part that has arrived before; ``None`` if it has not.

    Raises:
        UploadMismatch: what has arrived is not this part.
    """
    if place.etag is None:
        return None
    claim = _claim(part, place.etag)
    if place.checksum_sha256 != claim.checksum_sha256:
        raise UploadMismatch(
            f"part {part.number} has arrived with another checksum than it has now: the file has"
            " changed since the upload began",
            upload_id=upload_id,
        )
    return claim


def sending(part: Part, place: PartReply, retries: Retries, budget: RetryBudget) -> Sending:
    """Send one part until it has arrived, or raise what the last attempt came to.

    Raises:
        PartRefused: S3 refused it.
        ConnectionFailed: nothing answered.
    """
    renewed = False
    attempt = 1
    while True:
        answer = yield Put(part, place)
        assert isinstance(answer, Answer | Lost), "what a Put gives"
        etag = answer.headers.get("etag") if isinstance(answer, Answer) else None
        if isinstance(answer, Answer) and answer.is_good and etag is not None:
            budget.succeeded()
            return _claim(part, etag)
        if isinstance(answer, Answer) and answer.status == _EXPIRED and not renewed:
            renewed = True
            found = yield Renew(part)
            assert found is not None, "what a Renew gives"
            assert not isinstance(found, Answer | Lost), "what a Renew gives"
            if found.etag is not None:
                return _claim(part, found.etag)
            place = found
            continue
        pause_s = None
        if isinstance(answer, Lost) or answer.status in _REPEATED:
            asked = None if isinstance(answer, Lost) else retry_after_s(answer.headers, 0.0)
            pause_s = retries.pause_s(attempt, asked)
        if pause_s is None or not budget.take():
            raise _failure(part, answer, attempt)
        yield Pause(pause_s)
        attempt += 1


def arrived(value: object) -> SentPart:
    """What a ``sending`` returns."""
    from datavault.contracts.uploads import SentPart

    assert isinstance(value, SentPart), "what a sending returns"
    return value


def _claim(part: Part, etag: str) -> SentPart:
    from datavault.contracts.uploads import SentPart

    checksum = base64.b64encode(part.sha256).decode()
    return SentPart(number=part.number, etag=etag, checksum_sha256=checksum)


def _failure(part: Part, answer: Answer | Lost, attempt: int) -> ConnectionFailed | PartRefused:
    if isinstance(answer, Lost):
        return ConnectionFailed(
            f"part {part.number}: no answer in {attempt} attempts: {answer.reason}"
        )
    code = _CODE.search(answer.content)
    return PartRefused(part.number, answer.status, code[1].decode() if code else "")
