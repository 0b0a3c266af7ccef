"""Sizes that AWS refuses and the emulator accepts: our code must live with the real ones."""

import http
import json
import re
from collections.abc import Mapping
from typing import Any

from ministack.services import dynamodb, lambda_svc, s3

from datavault.local.shims.misfit import replace

SYNCHRONOUS_BYTES_MAX = 6 * 1024 * 1024
ASYNCHRONOUS_BYTES_MAX = 1024 * 1024
PART_BYTES_MIN = 5 * 1024 * 1024
BATCH_READ_BYTES_MAX = 16 * 1024 * 1024
TOO_LARGE = http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value
PART_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")

type Response = tuple[int, dict[str, str], bytes]
type Headers = Mapping[str, str]


def install() -> None:
    """Refuse large invocations and small parts, and cut long batch reads."""
    _limit_invocations()
    _limit_parts()
    _limit_batch_reads()


def _limit_invocations() -> None:
    handle = replace(lambda_svc, "handle_request", None)

    async def handle_limited(
        method: str, path: str, headers: Headers, body: bytes, query: Mapping[str, Any]
    ) -> Any:  # noqa: ANN401
        if method == "POST" and path.rstrip("/").endswith("/invocations"):
            kind = headers.get("x-amz-invocation-type", "RequestResponse")
            limit = ASYNCHRONOUS_BYTES_MAX if kind == "Event" else SYNCHRONOUS_BYTES_MAX
            if len(body) > limit:
                return _too_large(limit)
        return await handle(method, path, headers, body, query)

    replace(lambda_svc, "handle_request", handle_limited)


def _too_large(limit: int) -> Response:
    message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": "RequestTooLargeException",
    }
    return TOO_LARGE, headers, json.dumps({"Type": "User", "message": message}).encode()


def _limit_parts() -> None:
    complete = replace(s3, "_complete_multipart_upload", None)

    def complete_limited(
        bucket: str,
        key: str,
        body: bytes,
        query: Mapping[str, Any],
        headers: Headers | None = None,
    ) -> Any:  # noqa: ANN401
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        numbers = _part_numbers(body) if upload else []
        for number in numbers[:-1]:
            part = upload["parts"].get(number)
            if part is not None and part["size"] < PART_BYTES_MIN:
                return s3._error(
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                    400,
                    f"/{bucket}/{key}",
                )
        return complete(bucket, key, body, query, headers)

    replace(s3, "_complete_multipart_upload", complete_limited)


def _part_numbers(body: bytes) -> list[int]:
    """The parts that a completion lists, ascending."""
    return sorted(int(number) for number in PART_NUMBER.findall(body))


def _limit_batch_reads() -> None:
    read = replace(dynamodb, "_batch_get_item", None)

    def read_limited(request: Mapping[str, Any]) -> Any:  # noqa: ANN401
        now, later = _split(request.get("RequestItems") or {})
        if not later:
            return read(request)
        status, headers, body = read({**request, "RequestItems": now})
        reply = json.loads(body)
        if status == http.HTTPStatus.OK:
            reply["UnprocessedKeys"] = later
        return status, headers, json.dumps(reply).encode()

    replace(dynamodb, "_batch_get_item", read_limited)


def _split(requested: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys whose items fit in one reply, and the rest, by table."""
    now: dict[str, Any] = {}
    later: dict[str, Any] = {}
    left = BATCH_READ_BYTES_MAX
    for name, wanted in requested.items():
        for key in wanted.get("Keys", ()):
            left -= _stored_bytes(name, key)
            part = now if left >= 0 else later
            part.setdefault(name, {**wanted, "Keys": []})["Keys"].append(key)
    return now, later


def _stored_bytes(table_name: str, key: Mapping[str, Any]) -> int:
    """The size of an item; 0 for what is not there, which the read itself reports."""
    table = dynamodb._tables.get(dynamodb._normalize_table_name(table_name))
    if table is None:
        return 0
    partition, sort, error = dynamodb._resolve_table_key_values(table, key, allow_extra=False)
    item = None if error else table["items"].get(partition, {}).get(sort)
    return int(dynamodb._item_size_bytes(item)) if item else 0
