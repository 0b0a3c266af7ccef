"""``datavault diff`` and ``status``: what differs between two versions, and what is staged."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import click

from datavault.cli.changes import added_lines, changed_lines, head_line, removed_lines
from datavault.cli.output import Document, document_of, say
from datavault.cli.session import Session, dataset_argument, limit_option, takes_vault
from datavault.cli.tables import counted, shown
from datavault.cli.versions import SHORT_ID_CHARS

if TYPE_CHECKING:
    from datavault.contracts.records import RecordReply
    from datavault.contracts.staged import StagedListReply
    from datavault.contracts.versions.diff import ChangeReply, HeldReply
    from datavault.domain.changes import ChangeKind

# Each change brings two records along.
PAGE_CHANGES = 200
RECORDS_OF_REQUEST = 100
MAIN = "main"


class StagedChange(NamedTuple):
    """What is staged of a record: as the branch's commit has it, and as it is to be."""

    id: str
    kind: "ChangeKind"
    before: "RecordReply | None"
    after: "RecordReply | None"


@click.command("diff", short_help="Show what differs between two versions, or what is staged.")
@dataset_argument
@click.argument("base", required=False)
@click.argument("target", required=False)
@click.option("--staged", is_flag=True, help="What is staged on BASE, a branch (main by default).")
@click.option("--count", "counts_only", is_flag=True, help="Only how many records differ.")
@limit_option
@takes_vault
def show_diff(
    session: Session,
    dataset: str,
    base: str | None,
    target: str | None,
    staged: bool,
    counts_only: bool,
    limit: int | None,
) -> None:
    """Show what differs in TARGET (main by default) from BASE, by record id.

    Added records have a +, removed ones a -, changed ones a ~ with each field that differs. Only
    what is committed is compared; with --staged it is what the next commit would change. For
    machines: id, kind, and both sides with their etags and texts.

    \b
    Example:
      datavault diff chats v1
      datavault diff chats main cleaning --count
      datavault diff chats --staged
    """
    if staged and (target is not None or counts_only):
        raise click.UsageError('--staged is of one branch, and "datavault status" counts it')
    if base is None and not staged:
        raise click.UsageError("BASE is missing: a version to compare with, or --staged")
    dataset_id = session.dataset_id(dataset)
    if staged:
        _show_changes(session, islice(_staged_changes(session, dataset_id, base or MAIN), limit))
        return
    assert base is not None
    compared = target or MAIN
    if counts_only:
        _show_counts(session, dataset_id, base, compared)
    else:
        found = session.vault.iter_diff_refs(
            dataset_id,
            base=base,
            target=compared,
            include="records",
            page_size=min(limit or PAGE_CHANGES, PAGE_CHANGES),
        )
        _show_changes(session, islice(found, limit))
    if session.output.is_table:
        _tell_of_staged(session, dataset_id, dataset, compared)


@click.command("status", short_help="Show what is staged on a branch.")
@dataset_argument
@click.argument("branch", default=MAIN)
@limit_option
@takes_vault
def show_status(session: Session, dataset: str, branch: str, limit: int | None) -> None:
    """Show where BRANCH (main by default) is, and which records its next commit would change.

    For machines: the id and kind of each, and nothing where nothing is staged.

    \b
    Example:
      datavault status chats
    """
    dataset_id = session.dataset_id(dataset)
    if not session.output.is_table:
        staged = session.vault.iter_staged(dataset_id, branch)
        session.output.documents(map(document_of, islice(staged, limit)))
        return
    where = session.vault.get_branch(dataset_id, branch)
    click.echo(f"Branch {shown(branch)} is at {where.commit[:SHORT_ID_CHARS]}.")
    tally = _tally()
    for change in islice(session.vault.iter_staged(dataset_id, branch), limit):
        tally[change.kind.value] += 1
        click.echo(head_line(change.kind.value, change.id))
    if not any(tally.values()):
        click.echo("Nothing is staged.")
        return
    click.echo(f"Staged: {_told(tally)}.")
    say(f'{_diff_staged(dataset, branch)} shows them, "datavault commit" commits.')


def change_document(change: "ChangeReply | StagedChange") -> Document:
    """A change for machines, the records' texts verbatim."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "before": held_document(change.before),
        "after": held_document(change.after),
    }


def held_document(held: "HeldReply | RecordReply | None") -> Document | None:
    """One side of a change for machines."""
    return None if held is None else {"etag": held.etag, "data": held.text or None}


def text_of(held: "HeldReply | RecordReply | None") -> bytes | None:
    """The record's own text, if there is one and it came along."""
    return None if held is None else held.text or None


def _show_changes(session: Session, changes: "Iterable[ChangeReply | StagedChange]") -> None:
    if not session.output.is_table:
        session.output.documents(map(change_document, changes))
        return
    tally = _tally()
    for change in changes:
        tally[change.kind.value] += 1
        for line in _change_lines(change):
            click.echo(line)
    click.echo(_told(tally))


def _tally() -> dict[str, int]:
    return dict.fromkeys(("added", "changed", "removed"), 0)


def _told(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in tally.items())


def _tell_of_staged(session: Session, dataset_id: str, dataset: str, target: str) -> None:
    """That what is staged on the target was not compared, if anything is."""
    staged = session.vault.count_records(dataset_id, ref=target).staged
    if staged:
        say(
            f"{counted(staged, 'staged change')} on {shown(target)} not compared:"
            f" {_diff_staged(dataset, target)} shows what is staged."
        )


def _diff_staged(dataset: str, branch: str) -> str:
    """The command that shows what is staged on a branch."""
    on = "" if branch == MAIN else f" {shown(branch)}"
    return f'"datavault diff {shown(dataset)} --staged{on}"'


def _staged_changes(session: Session, dataset_id: str, branch: str) -> Iterator[StagedChange]:
    """What is staged on a branch, with the texts of both sides."""
    for page in _pages_of_staged(session, dataset_id, branch):
        kinds = {change.id: change.kind for change in page.data}
        put = [each for each, kind in kinds.items() if kind.value != "removed"]
        known = [each for each, kind in kinds.items() if kind.value != "added"]
        after = _records(session, dataset_id, branch, put)
        before = _records(session, dataset_id, page.commit, known)
        for record_id, kind in kinds.items():
            yield StagedChange(record_id, kind, before.get(record_id), after.get(record_id))


def _pages_of_staged(session: Session, dataset_id: str, branch: str) -> "Iterator[StagedListReply]":
    """Pages of as many changes as one request gets the records of."""
    from datavault.client import pages

    return pages(session.vault.list_staged, dataset_id, branch, limit=RECORDS_OF_REQUEST)


def _records(
    session: Session, dataset_id: str, ref: str, ids: list[str]
) -> "dict[str, RecordReply]":
    found: dict[str, RecordReply] = {}
    while ids:
        reply = session.vault.batch_get_records(dataset_id, ids=ids, ref=ref)
        found |= {record.id: record for record in reply.data}
        ids = reply.remaining
    return found


def _show_counts(session: Session, dataset_id: str, base: str, target: str) -> None:
    added = changed = removed = 0
    for page in session.vault.iter_count_changes(dataset_id, base=base, target=target):
        added, changed, removed = (
            added + page.added,
            changed + page.changed,
            removed + page.removed,
        )
        ends = {"base": page.base, "target": page.target}
    session.output.one(
        {**ends, "added": added, "changed": changed, "removed": removed},
        [f"{added:,} added, {changed:,} changed, {removed:,} removed"],
    )


def _change_lines(change: "ChangeReply | StagedChange") -> Iterator[str]:
    match change.kind.value:
        case "added":
            return added_lines(change.id, text_of(change.after))
        case "removed":
            return removed_lines(change.id, text_of(change.before))
        case _:
            return changed_lines(change.id, text_of(change.before), text_of(change.after))
