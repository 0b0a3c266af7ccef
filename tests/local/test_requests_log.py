"""What a local cloud writes down of a request: service, operation, sizes, and no content."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from datavault.local.requests_log import called, logged, units


@pytest.mark.parametrize(
    ("method", "path", "query", "target", "expected"),
    [
        ("GET", "/bucket/key", b"", b"", ("s3", "GetObject")),
        ("PUT", "/bucket/key", b"partNumber=1&uploadId=a", b"", ("s3", "UploadPart")),
        ("POST", "/bucket/key", b"uploads", b"", ("s3", "CreateMultipartUpload")),
        ("GET", "/bucket", b"list-type=2", b"", ("s3", "ListObjects")),
        ("POST", "/", b"", b"DynamoDB_20120810.GetItem", ("dynamodb", "GetItem")),
        ("POST", "/", b"", b"TrentService.Decrypt", ("kms", "Decrypt")),
        ("GET", "/_aws/execute-api/a/live/x", b"", b"", ("api", "GET")),
    ],
)
def test_a_request_is_called_as_aws_bills_it(
    method: str, path: str, query: bytes, target: bytes, expected: tuple[str, str]
) -> None:
    scope = {
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"X-Amz-Target", target)] if target else [],
    }
    assert called(scope) == expected


def test_a_transaction_takes_two_units_a_kibibyte_of_each_item() -> None:
    items = [{"Put": {"Item": {"a": {"S": "x" * 1500}}}}, {"Delete": {}}]
    body = json.dumps({"TransactItems": items}).encode()
    assert units("TransactWriteItems", body) == {"items": 2, "units": 6}
    assert units("PutItem", b"{}") == {"items": 1, "units": 1}
    assert units("GetItem", body) == {}


def test_a_line_has_sizes_and_nothing_of_the_request(tmp_path: Path) -> None:
    async def application(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"secret answer"})

    async def receive() -> Any:
        return {"body": b"secret"}

    async def send(_: Any) -> None:
        return

    log = tmp_path / "requests"
    scope = {"type": "http", "method": "PUT", "path": "/b/jane", "headers": []}

    async def ask() -> None:
        await logged(application, log)(scope, receive, send)

    asyncio.run(ask())
    line = json.loads(log.read_text())
    assert (line["operation"], line["in"], line["out"], line["status"]) == ("PutObject", 6, 13, 200)
    assert "secret" not in log.read_text()
    assert "jane" not in log.read_text()
