"""State OpenDrop: an object was put under ``landing/``; ask for its job, once.

The payload is what the rule of ``infra.landing`` passes on of EventBridge's event of S3, ``Object
Created``. In it keys stand as they are; only S3's own notifications have them percent-encoded.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from datetime import datetime
from typing import Any

from datavault.domain.drops import Dropped
from datavault.ports import Vault
from datavault.services.ingest.drops import open_drop
from functions.edge.business import DROPS_REFUSED
from functions.edge.task import Payload, Result, Told, task


def _told(answer: Result) -> Told:
    """A drop that was refused is nobody's request: this is where its owner finds it."""
    code = answer["refused"]
    return Told() if code is None else Told(code, {DROPS_REFUSED: 1})


@task("open_drop", told=_told)
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """The job's id, or why there is none: a reason without the key."""
    opened = open_drop(vault, dropped=_dropped(payload))
    return {"job": opened.job, "ignored": opened.ignored, "refused": opened.refused}


def _dropped(event: Payload) -> Dropped:
    detail = event["detail"]
    put = detail["object"]
    at = datetime.fromisoformat(event["time"])
    return Dropped(
        bucket=detail["bucket"]["name"],
        key=put["key"],
        etag=put["etag"].strip('"'),
        version=put.get("version-id", ""),
        sequencer=put.get("sequencer", ""),
        requester=detail.get("requester", "unknown"),
        at_ms=round(at.timestamp() * 1000),
        correlation_id=event["id"],
    )
