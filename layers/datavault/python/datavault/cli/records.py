"""``datavault get``, ``ls`` and ``rm``."""

import os
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say, write_bytes
from datavault.cli.session import (
    Session,
    branch_option,
    dataset_argument,
    limit_option,
    ref_option,
    takes_vault,
)
from datavault.cli.tables import Column, counted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.contracts.records import RecordReply

PREVIEW_BYTES = 400


@click.command("get", short_help="Get records out, byte for byte.")
@dataset_argument
@click.argument("record_ids", metavar="[RECORD]...", nargs=-1)
@ref_option
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write into this file, which appears when it is whole.",
)
@takes_vault
def get_records(
    session: Session, dataset: str, record_ids: tuple[str, ...], ref: str, to: Path | None
) -> None:
    """Get records as they were put, byte for byte, one a line (NDJSON).

    Without a RECORD all records of the ref, in the order of their ids. On a terminal, characters
    that would steer it are written as JSON escapes.

    \b
    Example:
      datavault get chats chat-0001
      datavault get chats --ref v1 --to chats.ndjson
    """
    dataset_id = session.dataset_id(dataset)
    if record_ids:
        lines: Iterator[bytes] = (
            session.vault.get_record_as_lines(dataset_id, each, ref=ref).content
            for each in record_ids
        )
    else:
        from datavault.client import pages

        lines = (
            page.content
            for page in pages(session.vault.list_records_as_lines, dataset_id, ref=ref, limit=1000)
        )
    if to is not None:
        written = write_file(to, lines)
        say(f"{counted(written, 'record')} in {click.format_filename(to)}.")
    elif sys.stdout.isatty():
        for page in lines:
            for line in page.splitlines():
                click.echo(shown(line.decode()))
    else:
        for page in lines:
            write_bytes(page)


@click.command("ls", short_help="List records.")
@dataset_argument
@ref_option
@limit_option
@takes_vault
def list_records(session: Session, dataset: str, ref: str, limit: int | None) -> None:
    """List records in the order of their ids: how large, staged or committed, how they begin.

    What is staged on a branch is part of the list. For machines, each has its etag, and "get" has
    the records themselves.

    \b
    Example:
      datavault ls chats --limit 20
    """
    found = session.vault.iter_records(
        session.dataset_id(dataset), ref=ref, page_size=min(limit or 1000, 1000)
    )
    columns: tuple[Column[RecordReply], ...] = (
        Column("RECORD", lambda each: each.id),
        Column("BYTES", lambda each: len(each.text), right=True),
        Column("STAGED", lambda each: each.staged),
        Column("BEGINS", _beginning, elastic=True),
    )
    session.output.many(
        islice(found, limit),
        columns,
        document=lambda each: {
            "id": each.id,
            "etag": each.etag,
            "staged": each.staged,
            "bytes": len(each.text),
        },
        none="There are no records.",
    )


@click.command("rm", short_help="Remove records.")
@dataset_argument
@click.argument("record_ids", metavar="RECORD...", nargs=-1, required=True)
@branch_option
@takes_vault
def remove_records(
    session: Session, dataset: str, record_ids: tuple[str, ...], branch: str
) -> None:
    """Stage the removal of records on a branch; "commit" makes it a version.

    Versions that have them keep them.

    \b
    Example:
      datavault rm chats chat-0007 chat-0008
    """
    dataset_id = session.dataset_id(dataset)
    from datavault.client.errors import NotFound

    for done, each in enumerate(record_ids):
        try:
            session.vault.delete_record(dataset_id, each, branch=branch)
        except NotFound as error:
            raise CommandFailed(
                Exit.NOT_FOUND,
                f"not found: {shown(each)} on {shown(branch)}: {error.detail}",
                hint=f"{counted(done, 'record')} before it removed." if done else "",
            ) from None
        session.output.one({"removed": each, "branch": branch}, [f"- {shown(each)}"])


def _beginning(record: "RecordReply") -> str:
    return record.text[:PREVIEW_BYTES].decode(errors="ignore")


def write_file(to: Path, pages: Iterable[bytes]) -> int:
    """Write ``pages`` beside ``to`` and put the whole in its place; how many lines there are."""
    count = 0
    # As any new file, not as a secret: whoever may read the folder may read it.
    umask = os.umask(0)
    os.umask(umask)
    file = tempfile.NamedTemporaryFile(dir=to.parent, prefix=f".{to.name}.", delete=False)  # noqa: SIM115
    try:
        with file:
            for page in pages:
                file.write(page)
                count += page.count(b"\n")
            os.fchmod(file.fileno(), 0o666 & ~umask)
        Path(file.name).replace(to)
    except BaseException:
        Path(file.name).unlink()
        raise
    return count
