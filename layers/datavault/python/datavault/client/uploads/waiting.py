"""Waiting for a job: how often it is asked for, and what its end means."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from datavault.client.errors import JobCancelled, JobFailed, JobUnfinished

if TYPE_CHECKING:
    from datavault.contracts.jobs import JobReply

PAUSE_S_MIN = 0.2
PAUSE_S_MAX = 5.0
_GROWTH = 1.5

type OnJob = Callable[[JobReply], object]


def watched(
    job_id: str, timeout_s: float | None, clock: Callable[[], float]
) -> "Generator[float | None, JobReply]":
    """Is sent the job each time it was asked for; yields the pause before the next time, ``None``
    at the end. The first thing it yields means nothing.

    Raises:
        JobUnfinished: the time is over.
    """
    began_s, pause_s = clock(), PAUSE_S_MIN
    job = yield 0.0
    while job.state in {"queued", "running", "cancelling"}:
        if timeout_s is not None and clock() - began_s + pause_s > timeout_s:
            raise JobUnfinished(job_id, job.state, timeout_s)
        job = yield pause_s
        pause_s = min(PAUSE_S_MAX, pause_s * _GROWTH)
    yield None


def require_succeeded(job: "JobReply") -> "JobReply":
    """The job, if that is how it ended.

    Raises:
        JobFailed, JobCancelled: it is not.
    """
    if job.state == "succeeded":
        return job
    code = "" if job.error is None else job.error.code
    detail = "" if job.error is None else job.error.message
    kind = JobCancelled if job.state == "cancelled" else JobFailed
    raise kind(job.id, code, detail)
