"""What a local cloud is asked for, one JSON line a request: for counting calls as AWS bills them.

A line has the time, the service, the operation, the bytes of body and answer, and the status; of
DynamoDB also how many items are written and the 1 KiB units that they take, by their size as JSON,
which is a little more than AWS counts. No key, name or content.
"""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from datavault.local.http_server import Application

UNIT_BYTES = 1024
_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
    "AWSStepFunctions": "states",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
}
# By what is in the query; in this order, as S3 tells them apart.
_UPLOADS = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "list-type"): "ListObjects",
    ("POST", "delete"): "DeleteObjects",
}
_OBJECTS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}


def logged(application: Application, path: Path) -> Application:
    """``application``, with a line in ``path`` for each request that it has answered."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        service, operation = called(scope)
        line: dict[str, Any] = {"service": service, "operation": operation, "in": 0, "out": 0}

        async def received() -> Any:  # noqa: ANN401
            message = await receive()
            body = message.get("body", b"")
            line["in"] += len(body)
            if service == "dynamodb":
                line.update(units(operation, body))
            return message

        async def sent(message: Any) -> None:  # noqa: ANN401
            line["out"] += len(message.get("body", b""))
            line.setdefault("status", message.get("status", 0))
            await send(message)

        began = time.time()
        await application(scope, received, sent)
        line.update(at=began, seconds=time.time() - began)
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    return answer


def called(scope: Any) -> tuple[str, str]:  # noqa: ANN401
    """The service and the operation of a request."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    prefix, _, operation = headers.get(b"x-amz-target", "").partition(".")
    if operation:
        return _SERVICES.get(prefix, prefix), operation
    if scope["path"].startswith("/_aws/execute-api/"):
        return "api", str(scope["method"])
    if scope["path"].startswith(("/_", "/2015-03-31/", "/2018-06-01/")):
        return "cloud", str(scope["method"])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    for (method, name), found in _UPLOADS.items():
        if scope["method"] == method and name in query:
            return "s3", found
    return "s3", _OBJECTS.get(scope["method"], str(scope["method"]))


def units(operation: str, body: bytes) -> dict[str, int]:
    """Items that a request to DynamoDB writes, and the write units that they take."""
    if not operation.startswith(("TransactWrite", "BatchWrite", "Put", "Update", "Delete")):
        return {}
    document = json.loads(body or b"{}")
    match operation:
        case "TransactWriteItems":
            items = document.get("TransactItems", [])
        case "BatchWriteItem":
            items = [each for rows in document.get("RequestItems", {}).values() for each in rows]
        case _:
            items = [document]
    each_unit = 2 if operation == "TransactWriteItems" else 1
    taken = sum(-(-len(json.dumps(item)) // UNIT_BYTES) * each_unit for item in items)
    return {"items": len(items), "units": taken}
