"""``datavault job``: work that goes on in the vault after the command that asked for it."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from datavault.cli.output import document_of, say
from datavault.cli.progress import ProgressLine
from datavault.cli.session import Session, limit_option, takes_vault
from datavault.cli.tables import Column, counted, fields_lines, shown, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.contracts.jobs import JobReply

job_argument = click.argument("job_id", metavar="JOB")


@click.group(short_help="Work that goes on in the vault.")
def job() -> None:
    """Jobs: files on their way into a dataset. They go on whether or not anybody waits."""


@job.command("list", short_help="List jobs, newest first.")
@click.argument("dataset", required=False)
@limit_option
@takes_vault
def list_jobs(session: Session, dataset: str | None, limit: int | None) -> None:
    """List the workspace's jobs, or those of a dataset, newest first.

    \b
    Example:
      datavault job list chats -n 5
    """
    columns: tuple[Column[JobReply], ...] = (
        Column("JOB", lambda each: each.id),
        Column("STATE", lambda each: each.state),
        Column("PHASE", lambda each: each.phase),
        Column("RECORDS", lambda each: each.progress.records, right=True),
        Column("BAD", lambda each: each.progress.quarantined, right=True),
        Column("BYTES", lambda each: each.progress.bytes, right=True),
        Column("BRANCH", lambda each: each.branch),
        Column("CREATED", lambda each: each.created_at),
        Column("BY", lambda each: each.created_by, elastic=True),
    )
    found = session.vault.iter_jobs(
        dataset_id=None if dataset is None else session.dataset_id(dataset),
        page_size=min(limit or 1000, 1000),
    )
    session.output.many(
        islice(found, limit), columns, document=document_of, none="There are no jobs."
    )


@job.command("show", short_help="Show how far a job is, and what came of it.")
@job_argument
@takes_vault
def show_job(session: Session, job_id: str) -> None:
    """Show a job: how far it is, what came of it, and why it failed.

    \b
    Example:
      datavault job show job_0190a6b2-0000-7000-8000-000000000000
    """
    found = session.vault.get_job(job_id)
    session.output.one(document_of(found), _job_lines(found))


@job.command("wait", short_help="Wait until a job has ended.")
@job_argument
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0), metavar="SECONDS", help="So long, not more."
)
@takes_vault
def wait_for_job(session: Session, job_id: str, timeout_s: float | None) -> None:
    """Wait until a job has ended, and show how far it is meanwhile.

    Ctrl-C ends the waiting, not the job. Exit codes: 0 it has succeeded, 8 it has failed, 9 it was
    cancelled, 10 it goes on after --timeout.

    \b
    Example:
      datavault job wait job_0190a6b2-0000-7000-8000-000000000000 --timeout 600
    """
    ended = waited(session, job_id, timeout_s=timeout_s)
    session.output.one(document_of(ended), _job_lines(ended))


@job.command("cancel", short_help="Let a job end without its commit.")
@job_argument
@takes_vault
def cancel_job(session: Session, job_id: str) -> None:
    """Let a job end at its next step, without its commit; the branch stays as it is.

    \b
    Example:
      datavault job cancel job_0190a6b2-0000-7000-8000-000000000000
    """
    found = session.vault.cancel_job(job_id)
    session.output.one(document_of(found), [f"Job {found.id} is {found.state}."])


def waited(session: Session, job_id: str, *, timeout_s: float | None = None) -> "JobReply":
    """The job when it has succeeded; on a terminal its progress is shown.

    Raises:
        JobFailed, JobCancelled: it has not.
        JobUnfinished: it had not ended in time.
    """
    try:
        with ProgressLine() as line:

            def tell(found: "JobReply") -> None:
                progress = found.progress
                of = progress.bytes_total or None
                line.tell(progress_text(found), done=progress.bytes, of=of)

            return session.vault.wait_for_job(job_id, timeout_s=timeout_s, on_progress=tell)
    except KeyboardInterrupt:
        say(
            f'\nThe job goes on: "datavault job wait {job_id}" takes it up,'
            f' "datavault job cancel {job_id}" ends it.'
        )
        raise


def progress_text(found: "JobReply") -> str:
    """How far a job is, in a line: phase, counts, bytes, rate and estimate."""
    progress = found.progress
    told = [counted(progress.records, "record")]
    if progress.quarantined:
        told.append(f"{progress.quarantined:,} refused")
    told.append(size(progress.bytes))
    if progress.parts_total > 1:
        told.append(f"part {progress.parts:,} of {progress.parts_total:,}")
    if progress.bytes_per_second is not None:
        told.append(f"{size(int(progress.bytes_per_second))}/s")
    if progress.remaining_seconds is not None and progress.bytes < progress.bytes_total:
        told.append(f"about {_span(progress.remaining_seconds)} left")
    return f"{found.phase}: {', '.join(told)}"


def tell_refused(found: "JobReply") -> None:
    """Say what a job has warned of and refused, and how to have it."""
    for warning in found.warnings:
        say(f"Warning: {shown(warning)}")
    if found.progress.quarantined:
        say(
            f"{counted(found.progress.quarantined, 'record')} refused:"
            f' "datavault quarantine ls {found.id}" tells where and why.'
        )


def _job_lines(found: "JobReply") -> "Iterator[str]":
    progress = found.progress
    error = found.error
    yield from fields_lines(
        [
            ("job", found.id),
            ("kind", found.kind),
            ("dataset", found.dataset_id),
            ("branch", found.branch),
            ("state", found.state),
            ("phase", progress_text(found)),
            ("records", progress.records),
            ("stored", progress.stored),
            ("refused", progress.quarantined),
            ("commit", found.commit),
            ("error", None if error is None else f"{error.code}: {error.message}"),
            ("created", found.created_at),
            ("by", found.created_by),
            ("ended", found.ended_at),
        ]
    )
    yield from (f"Warning: {shown(warning)}" for warning in found.warnings)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
