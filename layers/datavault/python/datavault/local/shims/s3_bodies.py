"""Large objects at the price of moving them: no MD5, and no reading of what is not asked for.

An entity tag is opaque where a bucket encrypts with KMS, as the vault's do; MD5 of every
body was most of the cost of an upload. `Content-MD5` is still checked when it is sent.
"""

import contextvars
import os
from collections.abc import Mapping
from typing import Any

import blake3
from ministack.services import s3

from datavault.local.shims.misfit import replace

ETAG_BYTES = 16
# Below this the real MD5 costs nothing, and small uploads keep the tags people know.
OPAQUE_BYTES_MIN = 1024 * 1024

type Record = Mapping[str, Any]
type Headers = Mapping[str, str]

_ranged: contextvars.ContextVar[bool] = contextvars.ContextVar("ranged", default=False)


def install() -> None:
    """Replace the tag of large bodies and the reading of persisted ones."""
    md5_of = replace(s3, "md5_hash", None)

    def tag_of(body: bytes) -> str:
        if len(body) < OPAQUE_BYTES_MIN:
            tag: str = md5_of(body)
            return tag
        return blake3.blake3(body).hexdigest(length=ETAG_BYTES)

    replace(s3, "md5_hash", tag_of)
    _read_ranges()


def _read_ranges() -> None:
    """A range of a persisted object is read from its file alone, not cut from all of it."""
    get = replace(s3, "_get_object", None)
    read = replace(s3, "_read_body", None)

    def get_object(
        bucket: str, key: str, headers: Headers, query: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401
        token = _ranged.set("range" in headers)
        try:
            return get(bucket, key, headers, query)
        finally:
            _ranged.reset(token)

    def read_body(bucket: str, key: str, record: Record) -> "bytes | _FileBody":
        if _ranged.get() and record.get("body") is None and s3.S3_PERSIST:
            path = s3._object_disk_path(bucket, key)
            if path is not None and os.path.exists(path):
                return _FileBody(path)
        body: bytes = read(bucket, key, record)
        return body

    replace(s3, "_get_object", get_object)
    replace(s3, "_read_body", read_body)


class _FileBody:
    """A stored body of which only slices are taken."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getitem__(self, wanted: slice) -> bytes:
        with open(self._path, "rb") as file:
            return os.pread(file.fileno(), wanted.stop - wanted.start, wanted.start)
