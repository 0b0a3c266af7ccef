"""``datavault count``, ``history``, ``stats``, ``verify``: what is there, and is it whole."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import document_of
from datavault.cli.progress import ProgressLine
from datavault.cli.session import Session, dataset_argument, limit_option, ref_option, takes_vault
from datavault.cli.tables import Column, counted, shown, size
from datavault.cli.versions import SHORT_ID_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.contracts.records import RecordEventReply
    from datavault.contracts.stats import DatasetStatsReply
    from datavault.contracts.versions.verification import CorruptReply, VerifyReply


@click.command("count", short_help="Count records.")
@dataset_argument
@ref_option
@takes_vault
def count_records(session: Session, dataset: str, ref: str) -> None:
    """Count the records of a branch, tag or commit, staged changes included.

    \b
    Example:
      datavault count chats --ref v1
    """
    found = session.vault.count_records(session.dataset_id(dataset), ref=ref)
    staged = f"; staged changes touch {found.staged:,}" if found.staged else ""
    told = f"{counted(found.records, 'record')} over {found.commit[:SHORT_ID_CHARS]}{staged}"
    session.output.one(document_of(found), [told])


@click.command("history", short_help="List the versions that changed a record.")
@dataset_argument
@click.argument("record_id", metavar="RECORD")
@ref_option
@limit_option
@takes_vault
def show_history(
    session: Session, dataset: str, record_id: str, ref: str, limit: int | None
) -> None:
    """List the versions that added, changed or removed a record, newest first.

    \b
    Example:
      datavault history chats chat-0001
      datavault get chats chat-0001 --ref 5f0c1e9a
    """
    columns: tuple[Column[RecordEventReply], ...] = (
        Column("COMMIT", lambda each: each.commit[:SHORT_ID_CHARS]),
        Column("TIME", lambda each: each.committed_at),
        Column("AUTHOR", lambda each: each.author),
        Column("WHAT", lambda each: each.kind),
        Column("ETAG", lambda each: each.etag or "-"),
    )
    found = session.vault.iter_record_history(session.dataset_id(dataset), record_id, ref=ref)
    session.output.many(
        islice(found, limit),
        columns,
        document=document_of,
        none="No version of this ref has had this record.",
    )


@click.command("stats", short_help="Tell what a version takes, and what it shares.")
@dataset_argument
@ref_option
@click.option("--base", help="The version to compare with, instead of the first parent.")
@takes_vault
def show_stats(session: Session, dataset: str, ref: str, base: str | None) -> None:
    """Tell what a version takes as stored, and what of it another version shares.

    All figures are exact, in whole blocks and nodes; what is staged is not in them.

    \b
    Example:
      datavault stats chats --ref v2 --base v1
    """
    found = session.vault.get_dataset_stats(session.dataset_id(dataset), ref=ref, base=base)
    session.output.fields(document_of(found), _stats_fields(found))


@click.command(short_help="Read and verify all that a version stores.")
@dataset_argument
@ref_option
@takes_vault
def verify(session: Session, dataset: str, ref: str) -> None:
    """Let the vault read and verify every node and block of a version.

    Ends with exit code 7 when anything fails verification; what does is listed, with the number
    of records that cannot be read because of it.

    \b
    Example:
      datavault verify chats --ref v1
    """
    dataset_id = session.dataset_id(dataset)
    totals = _Totals()
    corrupt: list[CorruptReply] = []
    with ProgressLine() as line:
        for page in session.vault.iter_verify_version(dataset_id, ref=ref):
            totals.add(page)
            corrupt += page.corrupt
            line.tell(f"{counted(totals.records, 'record')}, {size(totals.bytes)} verified")
    document = {
        "commit": totals.commit,
        "whole": not corrupt,
        "nodes": totals.nodes,
        "blocks": totals.blocks,
        "records": totals.records,
        "bytes": totals.bytes,
        "corrupt": [each.model_dump(mode="json") for each in corrupt],
    }
    session.output.one(document, _verified_lines(totals, corrupt))
    if corrupt:
        raise CommandFailed(
            Exit.CORRUPT,
            f"corrupt: {counted(len(corrupt), 'part')} of this version failed verification",
            hint="Tell the operator; records that are read are verified each time, as ever.",
        )


@dataclass(slots=True)
class _Totals:
    """The sums of the pages of a verification."""

    commit: str = ""
    nodes: int = 0
    blocks: int = 0
    records: int = 0
    bytes: int = 0

    def add(self, page: "VerifyReply") -> None:
        self.commit = page.commit
        self.nodes += page.nodes
        self.blocks += page.blocks
        self.records += page.records
        self.bytes += page.bytes


def _verified_lines(totals: _Totals, corrupt: "list[CorruptReply]") -> "Iterator[str]":
    for each in corrupt:
        lost = counted(each.records, "record")
        yield click.style(f"corrupt {each.part} {shown(each.name)}: {lost}", fg="red")
    yield (
        f"{totals.commit[:SHORT_ID_CHARS]}: {counted(totals.records, 'record')} in"
        f" {counted(totals.blocks, 'block')} and {counted(totals.nodes, 'node')}"
        f" ({size(totals.bytes)}) {'passed; the rest did not' if corrupt else 'are whole'}."
    )


def _stats_fields(found: "DatasetStatsReply") -> "Iterator[tuple[str, object]]":
    yield "commit", found.commit
    yield "compared with", found.base or "nothing: it has no parent"
    yield "records", found.records
    yield "logical bytes", _bytes(found.logical_bytes)
    yield "stored", _bytes(found.stored.bytes)
    yield "  in records", _bytes(found.stored.records_bytes)
    yield "  in nodes", _bytes(found.stored.nodes_bytes)
    yield "unique to it", _bytes(found.unique.bytes)
    yield "shared", _bytes(found.shared.bytes)
    for each in found.dedup:
        kept = "both kept" if each.workload == "version_and_base" else "it alone kept"
        yield f"ratio, {kept}", f"{each.ratio:.2f}"


def _bytes(count: int) -> str:
    return f"{count:,}" if count < 1024 else f"{count:,} ({size(count)})"
