"""The landing on S3, through boto3.

boto3, because the URLs of parts are signed in the query, which ``signing`` does not do, and the
XML of multipart uploads is read here only; obstore can neither complete an upload whose parts
others have sent nor sign with a checksum. Importing it takes half a second, paid by the functions
that take in files and by no other.

``head`` lists instead: a listing is as current as a HEAD, has ETag and size, and needs no
permission to read what has landed.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from datavault.adapters.limits import (
    check_object_key,
    check_part_number,
    check_parts_page,
    check_range,
)
from datavault.domain.errors import Invalid, NotFound, PreconditionFailed, Unavailable
from datavault.domain.landing import (
    Checksums,
    Landed,
    LandedPart,
    PartClaim,
    PartPromise,
    SignedPart,
)

_NO_UPLOAD = {"NoSuchUpload"}
_NO_OBJECT = {"NoSuchKey", "404"}
_REPLACED = {"PreconditionFailed", "412"}
_BEYOND_END = {"InvalidRange", "416"}
# What the caller said of the parts, against what S3 has.
_WRONG_PARTS = {
    "InvalidPart": "a part is not there, or is another one",
    "InvalidPartOrder": "parts are listed once each, in ascending order",
    "EntityTooSmall": "a part that is not the last has less than 5 MiB",
    "EntityTooLarge": "the parts are more than an object may have",
    "BadDigest": "a part has another checksum",
    "InvalidRequest": "the parts are not as the upload asks for, as with checksums and without",
    "MalformedXML": "the list of parts is not one that S3 reads",
}
_SERVER_ERROR_MIN = 500
_PASSING = {"SlowDown", "RequestTimeout", "OperationAborted", "429"}


def client_config(custom: str | None) -> Config:
    """What boto3's client needs for it; ``custom`` is an endpoint that is not AWS's own."""
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if custom else "virtual"},
        retries={"mode": "standard", "max_attempts": 4},
        # A URL would bind a checksum of nothing.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


class S3Landing:
    """Keeps ``ports.Landing``; ``client`` is boto3's of S3."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401  # boto3 has no types.
        self._client = client
        self._bucket = bucket

    def begin(self, key: str, checksums: Checksums) -> str:
        check_object_key(key)
        asked = {"ChecksumAlgorithm": "SHA256"} if checksums is Checksums.SHA256 else {}
        with _translated():
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **asked)
        return str(begun["UploadId"])

    def sign_part(
        self, key: str, token: str, promise: PartPromise, *, expires_s: int
    ) -> SignedPart:
        check_object_key(key)
        check_part_number(promise.number)
        bound: dict[str, Any] = {}
        headers: dict[str, str] = {}
        if promise.size is not None:
            bound["ContentLength"] = promise.size
            headers["content-length"] = str(promise.size)
        if promise.sha256 is not None:
            checksum = base64.b64encode(promise.sha256).decode()
            bound["ChecksumSHA256"] = checksum
            headers["x-amz-checksum-sha256"] = checksum
        place = {"Bucket": self._bucket, "Key": key, "UploadId": token}
        url = self._client.generate_presigned_url(
            "upload_part",
            Params={**place, "PartNumber": promise.number, **bound},
            ExpiresIn=expires_s,
        )
        return SignedPart(url, headers)

    def parts(
        self, key: str, token: str, *, after: int, limit: int
    ) -> tuple[tuple[LandedPart, ...], bool]:
        check_parts_page(limit)
        with _translated():
            listed = self._client.list_parts(
                Bucket=self._bucket,
                Key=key,
                UploadId=token,
                PartNumberMarker=after,
                MaxParts=limit,
            )
        found = tuple(
            LandedPart(
                part["PartNumber"],
                part["ETag"].strip('"'),
                part["Size"],
                _bytes_of(part.get("ChecksumSHA256")),
            )
            for part in listed.get("Parts", ())
        )
        return found, bool(listed["IsTruncated"])

    def complete(self, key: str, token: str, parts: Sequence[PartClaim]) -> Landed:
        claimed = [_claimed(part) for part in parts]
        if not claimed or [part.number for part in parts] != sorted(
            {part.number for part in parts}
        ):
            raise Invalid(_WRONG_PARTS["InvalidPartOrder"], field="parts")
        try:
            with _translated():
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=token,
                    MultipartUpload={"Parts": claimed},
                )
        except NotFound:
            pass  # Completed before, which the object shows, or aborted.
        return self.head(key)

    def abort(self, key: str, token: str) -> None:
        try:
            with _translated():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=token)
        except NotFound:
            pass

    def head(self, key: str) -> Landed:
        check_object_key(key)
        with _translated():
            listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        # The key itself comes before all that it is a prefix of.
        for found in listed.get("Contents", ()):
            if found["Key"] == key:
                return _landed(found)
        raise NotFound("nothing has landed there")

    def read(self, landed: Landed, start: int, length: int) -> bytes:
        check_object_key(landed.key)
        check_range(start, length)
        if not length or start >= landed.size:
            return b""
        try:
            with _translated():
                found = self._client.get_object(
                    Bucket=self._bucket,
                    Key=landed.key,
                    IfMatch=f'"{landed.etag}"',
                    Range=f"bytes={start}-{start + length - 1}",
                )
                return bytes(found["Body"].read())
        except ClientError as error:
            # Longer once than it is now: so it was replaced.
            if _code(error) in _BEYOND_END:
                raise PreconditionFailed("the object has been replaced") from None
            raise

    def delete(self, landed: Landed) -> None:
        # Looked at as well: S3 alone knows the condition, not everything that speaks its language.
        try:
            if self.head(landed.key).etag != landed.etag:
                return
            with _translated():
                self._client.delete_object(
                    Bucket=self._bucket, Key=landed.key, IfMatch=f'"{landed.etag}"'
                )
        except (NotFound, PreconditionFailed):
            pass

    def list(self, prefix: str) -> Iterator[Landed]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        with _translated():
            for page in pages:
                for found in page.get("Contents", ()):
                    yield _landed(found)


def _landed(listed: dict[str, Any]) -> Landed:
    return Landed(listed["Key"], listed["ETag"].strip('"'), listed["Size"])


def _claimed(part: PartClaim) -> dict[str, Any]:
    claim: dict[str, Any] = {"PartNumber": part.number, "ETag": f'"{part.etag}"'}
    if part.sha256 is not None:
        claim["ChecksumSHA256"] = base64.b64encode(part.sha256).decode()
    return claim


def _bytes_of(checksum: str | None) -> bytes | None:
    return None if checksum is None else base64.b64decode(checksum)


@contextmanager
def _translated() -> Iterator[None]:
    """boto3's errors in the vault's words; refused access and the unknown propagate.

    None names the object: keys may be what people call their files.
    """
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in _NO_UPLOAD or code in _NO_OBJECT:
            raise NotFound("there is no such upload or object") from None
        if code in _REPLACED:
            raise PreconditionFailed("the object has been replaced") from None
        if code in _WRONG_PARTS:
            raise Invalid(_WRONG_PARTS[code], field="parts") from None
        if code in _PASSING or _status(error) >= _SERVER_ERROR_MIN:
            raise Unavailable("the landing does not answer") from error
        raise
    except (BotoCoreError, OSError) as error:
        raise Unavailable("the landing does not answer") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
