"""For each row of the operations table, a request that has to be carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from datavault.contracts.operations import Operation
from datavault.domain import jobs
from datavault.domain.ids import BranchName, JobId, new_id
from datavault.services.datasets import find_dataset
from datavault.services.ingest.uploads import asked_job
from tests.e2e.deployment import API, Person, Shelf
from tests.e2e.uploads import begin, upload
from tests.support.http import Call, json_call

# Branches beside the one that is merged: one to protect, and one to reset and then delete.
GUARDED, SPARE = "guarded", "spare"
# Where the upload goes whose job nobody waits for, so that it moves no other branch.
INTAKE = "intake"


@dataclass(frozen=True)
class Place:
    """Ids that a request names: a commit, a branch beside main, records staged and committed."""

    dataset: str
    commit: str
    branch: str
    record: str
    older: str
    upload: str = ""
    parts: Sequence[Any] = ()
    unwanted: str = ""
    endless: str = ""
    job: str = ""

    @property
    def path(self) -> str:
        return f"{API}/datasets/{self.dataset}"


def furnish(admin: Person) -> Place:
    """A dataset in which every operation has something to do."""
    shelf: Shelf = admin.dataset(f"furnished {uuid4()}")
    # The tag is at the empty commit, to which a branch can be reset.
    shelf.person.post(f"{shelf.path}/tags", {"name": "v1"})
    shelf.append({"kept": '{"n":1}'})
    shelf.commit("first")
    shelf.branch("side")
    shelf.branch(GUARDED)
    shelf.branch(SPARE)
    # Both branches go on, and disagree on a field of one record.
    shelf.append({"kept": '{"n":4}'}, branch="side")
    shelf.commit("aside", branch="side")
    shelf.append({"kept": '{"n":5}'})
    commit = shelf.commit("second")
    shelf.append({"fresh": '{"n":2}'})
    shelf.branch(INTAKE)
    sent, parts = upload(shelf, [b"{}\n"], format="ndjson", branch=INTAKE)
    unwanted, _ = upload(shelf, [b"{}\n"])
    # Two jobs, and an upload of more parts than a page: their lists have cursors.
    _open_job(shelf)
    return Place(
        dataset=shelf.id,
        commit=commit["id"],
        branch="side",
        record="kept",
        older=commit["parents"][0],
        upload=sent,
        parts=parts,
        unwanted=unwanted,
        endless=begin(shelf)["id"],
        job=_open_job(shelf),
    )


def _open_job(shelf: Shelf) -> JobId:
    """A job that stays open, to be cancelled: its machine is not started.

    Nor does the sweep start it, to which it is an hour too young.
    """
    tenant = shelf.person.tenant
    vault, caller = tenant.deployment.operators, tenant.caller()
    now_ms = vault.clock.now_ms()
    dataset = find_dataset(vault, caller, shelf.dataset_id)
    job_id = JobId(new_id("job", now_ms))
    job = asked_job(caller, dataset, BranchName("main"), job_id, now_ms + 3_600_000)
    vault.catalog.write(jobs.request(job), token=str(uuid4()))
    return job_id


_CALLS: dict[str, Callable[[Place], Call]] = {
    "create_dataset": lambda _: json_call("POST", f"{API}/datasets", {"name": f"made {uuid4()}"}),
    "list_datasets": lambda _: Call("GET", f"{API}/datasets?limit=2"),
    "update_dataset": lambda place: json_call(
        "PATCH", place.path, {"description": "told anew"}
    ).with_headers(**{"If-Match": "*"}),
    "clone_dataset": lambda place: json_call(
        "POST", f"{place.path}/clone", {"name": f"clone {uuid4()}", "ref": place.commit}
    ),
    "get_dataset_stats": lambda place: Call("GET", f"{place.path}/stats?ref={place.commit}"),
    "archive_dataset": lambda place: Call("POST", f"{place.path}/archive"),
    "restore_dataset": lambda place: Call("POST", f"{place.path}/restore"),
    "describe_dataset": lambda place: Call("GET", place.path),
    "append_records": lambda place: json_call(
        "POST", f"{place.path}/records", {"records": [{"data": {"n": 3}}]}
    ),
    "list_records": lambda place: Call("GET", f"{place.path}/records?ref=main&limit=1"),
    "get_record": lambda place: Call("GET", f"{place.path}/records/{place.record}?ref=main"),
    "batch_get_records": lambda place: json_call(
        "POST", f"{place.path}/batch-get", {"ids": [place.record, "nothing"]}
    ),
    "count_records": lambda place: Call("GET", f"{place.path}/count"),
    "list_record_history": lambda place: Call(
        "GET", f"{place.path}/records/{place.record}/history?ref=main"
    ),
    "delete_record": lambda place: Call("DELETE", f"{place.path}/records/{place.record}"),
    "create_commit": lambda place: json_call("POST", f"{place.path}/commits", {"message": "next"}),
    "list_commits": lambda place: Call("GET", f"{place.path}/commits?limit=1"),
    "get_commit": lambda place: Call("GET", f"{place.path}/commits/{place.commit}"),
    "create_branch": lambda place: json_call(
        "POST", f"{place.path}/branches", {"name": "new", "start": place.commit}
    ),
    "list_branches": lambda place: Call("GET", f"{place.path}/branches?limit=1"),
    "get_branch": lambda place: Call("GET", f"{place.path}/branches/{place.branch}"),
    "update_branch": lambda place: json_call(
        "PATCH", f"{place.path}/branches/{GUARDED}", {"protected": True}
    ),
    "reset_branch": lambda place: json_call(
        "POST", f"{place.path}/branches/{SPARE}/reset", {"to": "v1"}
    ),
    "list_staged": lambda place: Call("GET", f"{place.path}/branches/main/staged?limit=1"),
    "list_reflog": lambda place: Call("GET", f"{place.path}/branches/main/reflog?limit=1"),
    "create_tag": lambda place: json_call(
        "POST", f"{place.path}/tags", {"name": "v2", "message": "two", "ref": place.commit}
    ),
    "list_tags": lambda place: Call("GET", f"{place.path}/tags?limit=1"),
    "get_tag": lambda place: Call("GET", f"{place.path}/tags/v1"),
    "verify_version": lambda place: Call("GET", f"{place.path}/verify?ref={place.commit}"),
    "delete_branch": lambda place: Call("DELETE", f"{place.path}/branches/{SPARE}"),
    "diff_refs": lambda place: Call(
        "GET", f"{place.path}/diff?base={place.older}&target=main&include=records&limit=1"
    ),
    "count_changes": lambda place: Call(
        "GET", f"{place.path}/diff/counts?base={place.older}&target=main"
    ),
    "preview_merge": lambda place: Call(
        "GET", f"{place.path}/merge/preview?source={place.branch}&target=main"
    ),
    "list_conflicts": lambda place: Call(
        "GET", f"{place.path}/merge/conflicts?source={place.branch}&target=main&include=records"
    ),
    "merge_refs": lambda place: json_call(
        "POST",
        f"{place.path}/merge",
        {"source": place.branch, "resolutions": [{"id": place.record, "data": {"n": 9}}]},
    ),
    "cherry_pick_commit": lambda place: json_call(
        "POST",
        f"{place.path}/cherry-pick",
        {"commit": place.commit, "branch": place.branch, "strategy": "theirs"},
    ),
    "revert_commit": lambda place: json_call(
        "POST", f"{place.path}/revert", {"commit": place.commit, "strategy": "theirs"}
    ),
    "restore_record": lambda place: json_call(
        "POST", f"{place.path}/records/{place.record}/restore", {"ref": place.commit}
    ),
    "create_upload": lambda place: json_call("POST", f"{place.path}/uploads", {"size": 1}),
    "get_upload": lambda place: Call("GET", f"{API}/uploads/{place.upload}"),
    "list_upload_parts": lambda place: Call("GET", f"{API}/uploads/{place.endless}/parts?limit=1"),
    "complete_upload": lambda place: json_call(
        "POST", f"{API}/uploads/{place.upload}/complete", {"parts": place.parts}
    ),
    "abort_upload": lambda place: Call("DELETE", f"{API}/uploads/{place.unwanted}"),
    "list_jobs": lambda place: Call("GET", f"{API}/jobs?dataset_id={place.dataset}&limit=1"),
    "get_job": lambda place: Call("GET", f"{API}/jobs/{place.job}"),
    "cancel_job": lambda place: Call("POST", f"{API}/jobs/{place.job}/cancel"),
    "list_quarantined": lambda place: Call("GET", f"{API}/jobs/{place.job}/quarantine"),
    "check_live": lambda _: Call("GET", "/health/live"),
    "check_ready": lambda _: Call("GET", "/health/ready"),
    "describe_api": lambda _: Call("GET", "/openapi.json"),
    "browse_docs": lambda _: Call("GET", "/docs"),
}


def call(row: Operation, place: Place) -> Call:
    """The row's request; a ``KeyError`` for a new row that has none here yet."""
    return _CALLS[row.name](place)
