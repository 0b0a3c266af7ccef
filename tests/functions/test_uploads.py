"""Uploads and drops as their functions see them."""

import base64
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.drops import drop_prefix
from datavault.domain.errors import NotFound
from datavault.domain.ids import BranchName, DatasetId, WorkspaceId
from datavault.domain.landing import SignedPart
from functions.ingest import (
    abort_upload,
    complete_upload,
    create_upload,
    get_upload,
    list_upload_parts,
    open_drop,
    sweep_uploads,
)
from functions.jobs import get
from tests.functions.events import CANARY, Client
from tests.functions.test_edge import lines_of, written

CONTENT = b'{"id":"a"}\n'


def created(client: Client, dataset_id: str, **said: Any) -> Any:
    reply = client(
        create_upload.handler,
        path={"dataset_id": dataset_id},
        json_body={"name": f"{CANARY}.csv", "size": len(CONTENT), **said},
    )
    assert reply.status == HTTPStatus.CREATED, reply.body
    return reply.json


def sent(vault: MemoryVault, part: Any) -> dict[str, Any]:
    etag = vault.landing.send(SignedPart(part["url"], part["headers"]), CONTENT)
    return {"number": part["number"], "etag": f'"{etag}"'}


def test_a_file_goes_up_and_becomes_a_job(
    client: Client, vault: MemoryVault, dataset_id: str
) -> None:
    upload = created(client, dataset_id, format="csv", columns={"n": "integer"}, mode="replace")
    path = {"upload_id": upload["id"]}
    assert (upload["parts_total"], upload["state"], upload["job"]) == (1, "open", None)
    claim = sent(vault, upload["parts"][0])
    listed = client(list_upload_parts.handler, path=path).json
    assert listed["data"][0]["etag"] == claim["etag"].strip('"')
    assert listed["data"][0]["url"] is None
    done = client(complete_upload.handler, path=path, json_body={"parts": [claim]})
    assert done.status == HTTPStatus.ACCEPTED
    assert done.json["state"] == "queued"
    assert client(get.handler, path={"job_id": done.json["id"]}).json["id"] == done.json["id"]
    assert client(get_upload.handler, path=path).json["job"] == done.json["id"]
    assert CANARY not in done.body.decode()


def test_a_checked_part_is_sent_with_its_checksum(
    client: Client, vault: MemoryVault, dataset_id: str
) -> None:
    digest = sha256(CONTENT).digest()
    standard = base64.b64encode(digest).decode()
    upload = created(client, dataset_id, checksums=[])
    path = {"upload_id": upload["id"]}
    assert upload["parts"][0]["url"] is None
    query = {"checksum": [f"1:{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"]}
    (part,) = client(list_upload_parts.handler, path=path, query=query).json["data"]
    claim = {**sent(vault, part), "checksum_sha256": standard}
    (arrived,) = client(list_upload_parts.handler, path=path).json["data"]
    assert arrived["checksum_sha256"] == standard
    done = client(complete_upload.handler, path=path, json_body={"parts": [claim]})
    assert done.status == HTTPStatus.ACCEPTED


def test_an_upload_is_aborted_without_an_answer(client: Client, dataset_id: str) -> None:
    path = {"upload_id": created(client, dataset_id)["id"]}
    for _ in range(2):
        assert client(abort_upload.handler, path=path).status == HTTPStatus.NO_CONTENT
    refused = client(list_upload_parts.handler, path=path)
    assert (refused.status, refused.json["code"]) == (HTTPStatus.CONFLICT, "conflict")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"part_bytes": 1}, "part_bytes"),
        ({"size": -1}, "size"),
        ({"mode": CANARY}, "mode"),
        ({"format": CANARY}, "format"),
        ({"columns": {"n": CANARY}}, "columns"),
        ({"max_bad_fraction": 1.5}, "max_bad_fraction"),
        ({"checksums": [CANARY]}, "checksums"),
        ({"min_records": -1}, "min_records"),
        ({"max_records": 10**30}, "max_records"),
        ({"max_bad_records": 10**30}, "max_bad_records"),
        ({"min_records": 2, "max_records": 1}, "min_records"),
    ],
)
def test_what_is_wrong_is_named_and_not_told(
    client: Client, dataset_id: str, said: Any, field: str
) -> None:
    reply = client(create_upload.handler, path={"dataset_id": dataset_id}, json_body=said)
    assert reply.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert field in reply.body.decode()
    assert CANARY not in reply.body.decode()


def event(key: str, etag: str) -> dict[str, Any]:
    """What EventBridge hands over, as AWS documents it."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-01-01T00:00:00Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::landing"],
        "detail": {
            "version": "0",
            "bucket": {"name": "landing"},
            "object": {"key": key, "size": 11, "etag": etag, "sequencer": "00617F08299329D189"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


def test_an_object_that_was_put_is_one_job_however_often_its_event_comes(
    client: Client, vault: MemoryVault, dataset_id: str
) -> None:
    prefix = drop_prefix(WorkspaceId(client.workspace), DatasetId(dataset_id), BranchName("main"))
    landed = vault.landing.put(f"{prefix}{CANARY}.ndjson", CONTENT)
    answers = [open_drop.handler.run(vault, event(landed.key, landed.etag)) for _ in range(2)]
    assert answers[0] == answers[1]
    job = client(get.handler, path={"job_id": answers[0]["job"]}).json
    assert (job["created_by"], job["branch"]) == ("aws:123456789012", "main")
    assert CANARY not in str(answers)


@pytest.mark.parametrize(
    ("name", "code", "counted"),
    [(CANARY, "invalid", [1.0]), (f"a/b/c/_{CANARY}", "ok", None), (f"{CANARY}/", "ok", None)],
)
def test_a_drop_that_makes_no_job_is_told_by_code_and_counted_if_it_asked_for_one(
    vault: MemoryVault, name: str, code: str, counted: list[float] | None
) -> None:
    with written() as text:
        answer = open_drop.handler.run(vault, event(f"landing/{name}", "e"))
    assert answer["job"] is None
    assert answer["ignored"]
    assert CANARY not in str(answer) + text.getvalue()
    line, metric = lines_of(text.getvalue())
    assert (line["code"], metric.get("drops_refused")) == (code, counted)


def test_an_object_that_cannot_be_seen_yet_is_for_the_machine_to_retry(
    client: Client, vault: MemoryVault, dataset_id: str
) -> None:
    prefix = drop_prefix(WorkspaceId(client.workspace), DatasetId(dataset_id), BranchName("main"))
    with pytest.raises(NotFound):
        open_drop.handler.run(vault, event(f"{prefix}a.csv", "e"))


def test_the_sweep_tells_what_it_did(client: Client, vault: MemoryVault, dataset_id: str) -> None:
    created(client, dataset_id)
    vault.clock.advance(24 * 3600)
    assert sweep_uploads.handler.run(vault, {}) == {"expired": 1, "objects": 0}
