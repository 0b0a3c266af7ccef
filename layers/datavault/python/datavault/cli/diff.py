"""``datavault diff``: what differs between two versions."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from datavault.cli.changes import added_lines, changed_lines, removed_lines
from datavault.cli.output import Document
from datavault.cli.session import Session, dataset_argument, limit_option, takes_vault

if TYPE_CHECKING:
    from datavault.contracts.versions.diff import ChangeReply, HeldReply

# Each change brings two records along.
PAGE_CHANGES = 200


@click.command("diff", short_help="Show what differs between two versions.")
@dataset_argument
@click.argument("base")
@click.argument("target", default="main")
@click.option("--count", "counts_only", is_flag=True, help="Only how many records differ.")
@limit_option
@takes_vault
def show_diff(
    session: Session, dataset: str, base: str, target: str, counts_only: bool, limit: int | None
) -> None:
    """Show what differs in TARGET (main by default) from BASE, by record id.

    Added records have a +, removed ones a -, changed ones a ~ with each field that differs. What
    is staged is not compared: commit first. For machines: id, kind, and both sides with their
    etags and texts.

    \b
    Example:
      datavault diff chats v1
      datavault diff chats main cleaning --count
    """
    dataset_id = session.dataset_id(dataset)
    if counts_only:
        _show_counts(session, dataset_id, base, target)
        return
    found = islice(
        session.vault.iter_diff_refs(
            dataset_id,
            base=base,
            target=target,
            include="records",
            page_size=min(limit or PAGE_CHANGES, PAGE_CHANGES),
        ),
        limit,
    )
    if not session.output.is_table:
        session.output.documents(map(change_document, found))
        return
    tally = dict.fromkeys(("added", "changed", "removed"), 0)
    for change in found:
        tally[change.kind.value] += 1
        for line in _change_lines(change):
            click.echo(line)
    click.echo(", ".join(f"{count:,} {kind}" for kind, count in tally.items()))


def change_document(change: "ChangeReply") -> Document:
    """A change for machines, the records' texts verbatim."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "before": held_document(change.before),
        "after": held_document(change.after),
    }


def held_document(held: "HeldReply | None") -> Document | None:
    """One side of a change for machines."""
    return None if held is None else {"etag": held.etag, "data": held.text or None}


def text_of(held: "HeldReply | None") -> bytes | None:
    """The record's own text, if there is one and it came along."""
    return None if held is None else held.text or None


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


def _change_lines(change: "ChangeReply") -> Iterator[str]:
    match change.kind.value:
        case "added":
            return added_lines(change.id, text_of(change.after))
        case "removed":
            return removed_lines(change.id, text_of(change.before))
        case _:
            return changed_lines(change.id, text_of(change.before), text_of(change.after))
