"""``datavault commit``, ``log`` and ``show``."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import document_of
from datavault.cli.session import (
    Session,
    branch_option,
    dataset_argument,
    limit_option,
    message_option,
    ref_option,
    takes_vault,
)
from datavault.cli.tables import Column, counted, fields_lines, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.contracts.records import RecordReply
    from datavault.contracts.versions.commits import CommitReply

SHORT_ID_CHARS = 12


@click.command("commit", short_help="Make a version of what is staged.")
@dataset_argument
@branch_option
@message_option
@takes_vault
def create_commit(session: Session, dataset: str, branch: str, message: str) -> None:
    """Make a version of everything staged on a branch.

    If nothing is staged, it is refused (exit code 5).

    \b
    Example:
      datavault commit chats -m "Import the May chats"
    """
    made = session.vault.create_commit(session.dataset_id(dataset), branch=branch, message=message)
    session.output.one(document_of(made), [commit_line(made)])


@click.command("log", short_help="List versions, newest first.")
@dataset_argument
@ref_option
@limit_option
@takes_vault
def show_log(session: Session, dataset: str, ref: str, limit: int | None) -> None:
    """List the versions that led to a ref, newest first.

    \b
    Example:
      datavault log chats -n 10
    """
    found = session.vault.iter_commits(
        session.dataset_id(dataset), ref=ref, page_size=min(limit or 1000, 1000)
    )
    columns: tuple[Column[CommitReply], ...] = (
        Column("COMMIT", lambda each: each.id[:SHORT_ID_CHARS]),
        Column("TIME", lambda each: each.committed_at),
        Column("AUTHOR", lambda each: each.author),
        Column("RECORDS", lambda each: each.records, right=True),
        Column("+", lambda each: each.added, right=True),
        Column("~", lambda each: each.changed, right=True),
        Column("-", lambda each: each.removed, right=True),
        Column("MESSAGE", _subject, elastic=True),
    )
    session.output.many(
        islice(found, limit), columns, document=document_of, none="There are no commits."
    )


@click.command("show", short_help="Show a version, or a record of it.")
@dataset_argument
@click.argument("ref", default="main")
@click.option("--record", "record_id", metavar="RECORD", help="A record of it instead.")
@takes_vault
def show(session: Session, dataset: str, ref: str, record_id: str | None) -> None:
    """Show the commit that REF names (main by default), or a record as it is there.

    \b
    Example:
      datavault show chats v1
      datavault show chats v1 --record chat-0001
    """
    dataset_id = session.dataset_id(dataset)
    if record_id is None:
        commit = commit_of(session, dataset_id, ref)
        session.output.one(document_of(commit), _commit_lines(commit))
        return
    record = session.vault.get_record(dataset_id, record_id, ref=ref)
    session.output.one(document_of(record, data=record.text), _record_lines(record))


def commit_of(session: Session, dataset_id: str, ref: str) -> "CommitReply":
    """The commit that a branch, a tag, an id or the beginning of one names."""
    found = session.vault.list_commits(dataset_id, ref=ref, limit=1).data
    if not found:
        raise CommandFailed(Exit.NOT_FOUND, "not found: this ref has no commits yet")
    return found[0]


def commit_line(commit: "CommitReply") -> str:
    """A commit in a line."""
    told = (
        f"{commit.added:,} added, {commit.changed:,} changed, {commit.removed:,} removed;"
        f" {counted(commit.records, 'record')} now"
    )
    subject = _subject(commit)
    identity = click.style(commit.id[:SHORT_ID_CHARS], fg="yellow")
    return f"{identity}  {f'{shown(subject)}  ' if subject else ''}({told})"


def _subject(commit: "CommitReply") -> str:
    return commit.message.partition("\n")[0]


def _commit_lines(commit: "CommitReply") -> "Iterator[str]":
    yield from fields_lines(
        [
            ("commit", commit.id),
            *(("parent", parent) for parent in commit.parents),
            ("author", commit.author),
            ("time", commit.committed_at),
            ("records", commit.records),
            ("added", commit.added),
            ("changed", commit.changed),
            ("removed", commit.removed),
        ]
    )
    if commit.message:
        yield ""
        yield from (f"    {shown(line)}" for line in commit.message.splitlines())


def _record_lines(record: "RecordReply") -> "Iterator[str]":
    yield from fields_lines(
        [
            ("record", record.id),
            ("etag", record.etag),
            ("bytes", len(record.text)),
            ("staged", "yes: it is not part of a version yet" if record.staged else "no"),
        ]
    )
    yield ""
    yield shown(record.text.decode())
