"""Large files: parts go straight to S3 and become one object, and a job that takes it in."""

import pytest

from tests.e2e.deployment import Deployment, Shelf
from tests.e2e.uploads import begin, put_part, upload
from tests.support.http import json_call

PART = 5 * 2**20
LINE = b'{"text":"%s"}\n' % (b"x" * 1000)


def contents() -> list[bytes]:
    """Two parts of lines, cut where the part ends and not where a line does."""
    text = LINE * (PART // len(LINE) + 10)
    return [text[:PART], text[PART:]]


def test_parts_go_to_s3_and_become_a_job(deployed: Deployment, shelf: Shelf) -> None:
    parts = contents()
    upload_id, claims = upload(shelf, parts, part_bytes=PART, name="jane.ndjson")
    path = f"/uploads/{upload_id}"
    listed = shelf.person.get(f"{path}/parts").json()["data"]
    assert [part["size"] for part in listed] == [len(part) for part in parts]
    replies = [shelf.person.post(f"{path}/complete", {"parts": claims}) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 202]
    (job,) = {reply.json()["id"] for reply in replies}
    # 0 until the job is planned.
    total = shelf.person.get(f"/jobs/{job}").json()["progress"]["bytes_total"]
    assert total in {0, sum(map(len, parts))}
    assert shelf.person.get(path).json()["job"] == job
    assert b"jane.ndjson" not in deployed.logs()


def test_an_upload_goes_on_where_it_stopped(shelf: Shelf) -> None:
    parts = contents()
    made = begin(shelf, size=sum(map(len, parts)), part_bytes=PART)
    put_part(made["parts"][1], parts[1])
    listed = shelf.person.get(f"/uploads/{made['id']}/parts").json()["data"]
    assert [part["url"] is None for part in listed] == [False, True]
    claims = [put_part(listed[0], parts[0]), {"number": 2, "etag": listed[1]["etag"]}]
    done = shelf.person.post(f"/uploads/{made['id']}/complete", {"parts": claims})
    assert done.status == 202


def test_an_aborted_upload_leaves_nothing(deployed: Deployment, shelf: Shelf) -> None:
    upload_id, claims = upload(shelf, [b"a"])
    assert shelf.person.delete(f"/uploads/{upload_id}").status == 204
    refused = shelf.person.post(f"/uploads/{upload_id}/complete", {"parts": claims})
    assert (refused.status, refused.code) == (409, "conflict")
    bucket = deployed.deployed.values["LandingBucket"]
    uploads = deployed.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert not [each for each in uploads if each["Key"].endswith(upload_id)]


@pytest.mark.parametrize("name", ["size", "part_bytes"])
def test_what_no_upload_can_be_is_refused(shelf: Shelf, name: str) -> None:
    reply = shelf.person.send(json_call("POST", f"/api/v1{shelf.path}/uploads", {name: 2**50}))
    assert reply.status in {413, 422}
    assert name in reply.content.decode()
