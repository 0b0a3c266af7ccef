"""``datavault quarantine``: the records that a job refused, to be mended and put again."""

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datavault.cli.jobs import job_argument
from datavault.cli.output import document_of, say, write_bytes
from datavault.cli.records import write_file
from datavault.cli.session import Session, limit_option, takes_vault
from datavault.cli.tables import Column, counted, shown

if TYPE_CHECKING:
    from datavault.contracts.jobs import QuarantinedReply


@click.group(short_help="Records that a job refused.")
def quarantine() -> None:
    """Records that a job refused: where they stood, why, and the records themselves.

    \b
    To repair them:
      datavault quarantine ls JOB                        where and why
      datavault quarantine get JOB --to bad.ndjson       then mend the lines
      datavault put chats bad.ndjson --commit            and put them in
    """


@quarantine.command("ls", short_help="List where refused records stood, and why.")
@job_argument
@limit_option
@takes_vault
def list_quarantined(session: Session, job_id: str, limit: int | None) -> None:
    """List the records that a job refused: file, line, offset, size and reason.

    \b
    Example:
      datavault quarantine ls job_0190a6b2-0000-7000-8000-000000000000
    """
    columns: tuple[Column[QuarantinedReply], ...] = (
        Column("FILE", lambda each: each.file),
        Column("LINE", lambda each: "" if each.line is None else each.line, right=True),
        Column("OFFSET", lambda each: each.offset, right=True),
        Column("BYTES", lambda each: each.size, right=True),
        Column("CODE", lambda each: each.code),
        Column("REASON", lambda each: each.reason, elastic=True),
    )
    session.output.many(
        islice(session.vault.iter_quarantined(job_id), limit),
        columns,
        document=document_of,
        none="The job has refused no record.",
    )


@quarantine.command("get", short_help="Get refused records out, to be mended.")
@job_argument
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write into this file, which appears when it is whole.",
)
@takes_vault
def get_quarantined(session: Session, job_id: str, to: Path | None) -> None:
    """Get the records that a job refused, as they stood in the file, one a line; of one over 4 MiB
    its beginning. What was no line, such as a row of a table, comes as the job read it.

    \b
    Example:
      datavault quarantine get job_0190a6b2-0000-7000-8000-000000000000 --to bad.ndjson
    """
    from datavault.client import pages

    found = (page.content for page in pages(session.vault.list_quarantined_as_lines, job_id))
    if to is not None:
        written = write_file(to, found)
        say(
            f"{counted(written, 'record')} in {click.format_filename(to)}. Mend and put them again."
        )
    elif sys.stdout.isatty():
        for page in found:
            for line in page.splitlines():
                click.echo(shown(line.decode(errors="replace")))
    else:
        for page in found:
            write_bytes(page)
