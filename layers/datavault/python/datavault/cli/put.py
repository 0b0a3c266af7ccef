"""``datavault put``: records from files, folders or a pipe into a branch, resumable."""

import io
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.progress import ProgressLine
from datavault.cli.resumption import Note, Reached, note_of
from datavault.cli.session import (
    Session,
    branch_option,
    dataset_argument,
    message_option,
    takes_vault,
)
from datavault.cli.sources import (
    HEAD_BYTES,
    Chosen,
    JoinedFiles,
    Part,
    chosen_files,
    is_ndjson,
    place_of,
    stdin_lines,
    unchanged_before,
)
from datavault.cli.tables import counted, shown, size
from datavault.cli.uploading import (
    MIB,
    By,
    Uploading,
    UploadOptions,
    chosen_upload,
    upload_options,
)
from datavault.cli.versions import commit_line

if TYPE_CHECKING:
    from datavault.client import Appended, Progress
    from datavault.contracts.versions.commits import CommitReply

PIPE = "-"
PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Put:
    """One put: where to, what, and how. ``message`` is there when it ends with a commit.

    ``named`` is the dataset as the caller names it.
    """

    session: Session
    named: str
    dataset_id: str
    branch: str
    parts: tuple[Part, ...]
    message: str | None
    parallel: int


@click.command(short_help="Put records in, from files or a pipe; resumable.")
@dataset_argument
@click.argument(
    "paths",
    metavar="[FILE|FOLDER|-]...",
    nargs=-1,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@branch_option
@click.option("--commit", "commits", is_flag=True, help="Make a version of it at the end.")
@message_option
@click.option("--run", metavar="NAME", help="Name this put, to repeat a pipe without doubling.")
@click.option("--restart", is_flag=True, help="Begin again, whatever was put before.")
@click.option(
    "--parallel",
    type=click.IntRange(1, 32),
    default=PARALLEL,
    show_default=True,
    help="Batches of up to 4 MiB, or parts of an upload, on their way at once.",
)
@click.option("--split", metavar="NAME", help="Of a folder, only this split; all puts all.")
@upload_options
@takes_vault
def put(
    session: Session,
    dataset: str,
    paths: tuple[Path, ...],
    branch: str,
    commits: bool,
    message: str,
    run: str | None,
    restart: bool,
    parallel: int,
    split: str | None,
) -> None:
    """Put records into a branch, each kept byte for byte: from files, folders or a pipe.

    With the dataset's record key an id that is there already is replaced. NDJSON of up to 64 MiB
    goes in batches: it is visible on the branch at once, and part of a version with "commit", or
    with --commit or -m, which also commits in between when the branch is full (50,000 records or
    128 MiB). Whatever is larger, or CSV, TSV, a JSON array, text or Parquet, or compressed by gzip
    or zstd, is uploaded and becomes one commit, by a job for which this waits. A folder's files
    become one commit too; if it has several splits, --split says which.

    If it is stopped, by Ctrl-C, a crash or the network, give the same command again within 24
    hours: it goes on where it stopped and stores nothing twice. For a pipe that holds if you named
    it with --run, which goes in batches, and send the same lines again.

    \b
    Example:
      datavault put chats may.ndjson --commit -m "Import the May chats"
      datavault put chats corpus/ --split train -m "Import the corpus" --max-bad-records 100
      zcat may.ndjson.gz | datavault put chats --run may
    """
    options = chosen_upload()
    from_pipe = not paths or paths == (Path(PIPE),)
    if Path(PIPE) in paths and not from_pipe:
        raise click.UsageError("- stands alone: a pipe, or files")
    _require_possible(options, run)
    described = session.vault.describe_dataset(session.dataset_id(dataset))
    uploading = Uploading(session, dataset, described.id, branch, message, parallel, options)
    commits = commits or bool(message)
    wanted = message if commits else None
    work = Put(session, dataset, described.id, branch, (), wanted, parallel)
    if from_pipe:
        _put_pipe(work, uploading, run)
        return
    chosen = chosen_files(paths, split=split)
    work = replace(work, parts=tuple(each.part for each in chosen))
    with note_of(session.vault.endpoint, described.id, branch, paths) as note:
        if run is None and _is_upload(options, chosen):
            _tell_of_commit(options, commits=commits)
            uploading.files(chosen, note, restart=restart)
            return
        reached = _reached(
            work, note, run=run, restart=restart, replaces=described.record_key is not None
        )
        with closing(JoinedFiles(work.parts, skipped=reached.size_bytes)) as lines:
            _finish(work, reached, lines, note)


def _put_pipe(work: Put, uploading: Uploading, run: str | None) -> None:
    """In batches what ends below the bound or is named; else by an upload."""
    stream, options = stdin_lines(), uploading.options
    if run is not None or options.by is By.BATCHES:
        _finish(work, Reached(run or str(uuid4()), ()), stream, None)
        return
    bound = options.above_mib * MIB
    head = b"" if options.by is By.UPLOAD else stream.read(bound + 1)
    if (
        options.by is By.UPLOAD
        or options.needed_by is not None
        or len(head) > bound
        or not is_ndjson(head[:HEAD_BYTES])
    ):
        _tell_of_commit(options, commits=work.message is not None)
        uploading.pipe(stream, head)
        return
    _finish(work, Reached(str(uuid4()), ()), io.BytesIO(head), None)


def _is_upload(options: UploadOptions, chosen: tuple[Chosen, ...]) -> bool:
    """Whether files go by an upload: as they were told to, or by size and content."""
    if options.by is not By.AUTO:
        return options.by is By.UPLOAD
    return (
        options.needed_by is not None
        or sum(each.part.size for each in chosen) > options.above_mib * MIB
        or not all(each.is_ndjson for each in chosen)
    )


def _require_possible(options: UploadOptions, run: str | None) -> None:
    in_batches = "--run" if run is not None else "--by batches"
    if run is not None and options.by is By.UPLOAD:
        raise click.UsageError("--run names batches; an upload goes on by itself")
    if options.needed_by is not None and (run is not None or options.by is By.BATCHES):
        raise click.UsageError(f"{options.needed_by} is for uploads, {in_batches} for batches")


def _tell_of_commit(options: UploadOptions, *, commits: bool) -> None:
    if not commits:
        chosen = options.by is By.UPLOAD or options.needed_by is not None
        instead = "" if chosen else "; --by batches would stage NDJSON"
        say(f"This goes by an upload, which makes a commit by itself{instead}.")


def _reached(work: Put, note: Note, *, run: str | None, restart: bool, replaces: bool) -> Reached:
    """Where to begin: where the same put stopped, if there was one.

    ``replaces`` says that records have ids of their own, so that putting one again harms nothing.

    Raises:
        CommandFailed: going on or beginning again could each store records twice.
    """
    fresh = Reached(run or str(uuid4()), work.parts)
    before = note.read()
    if before is None or restart or run not in {None, before.run}:
        return fresh
    there = f"{counted(before.lines, 'line')} of it are in the vault"
    if before.parts != work.parts:
        if unchanged_before(before.size_bytes, before.parts, work.parts):
            say(f"Going on behind {counted(before.lines, 'line')}; what follows has been mended.")
            # Batches may be cut in other places now, and are to have names of their own; but then
            # one that landed behind the bad line would land twice.
            named = fresh.run if replaces else before.run
            return replace(before, run=named, parts=work.parts)
        if replaces:
            say("The files have changed since this was stopped: beginning again.")
            return fresh
        raise CommandFailed(
            Exit.CONFLICT,
            f"conflict: the files have changed since this was stopped, and {there}",
            hint="--restart puts all of them again, those lines too.",
        )
    if not before.keys_live and not replaces:
        raise CommandFailed(
            Exit.CONFLICT,
            f"conflict: this was stopped more than 24 hours ago; {there}, and perhaps up to"
            f" {work.parallel} batches more",
            hint="See what is there; --restart puts all of it again.",
        )
    say(f"Going on after {counted(before.lines, 'line')} that are in the vault already.")
    return before


def _finish(work: Put, reached: Reached, lines: Iterable[bytes], note: Note | None) -> None:
    """Put the rest, commit if that is wanted, and tell."""
    done = _append(work, reached, lines, note)
    made = None
    if work.message is not None and done.checkpoint.batches:
        made = _commit(work, reached.run, work.message)
    if note is not None:
        note.remove()
    _tell(work, done, made)


def _commit(work: Put, run: str, message: str) -> "CommitReply | None":
    """A version of what is staged; ``None`` if nothing is any more, which is no failure of ours."""
    from datavault.client.errors import NothingStaged

    try:
        # The run's own key: given again after a crash, it is the same commit.
        return work.session.vault.create_commit(
            work.dataset_id, branch=work.branch, message=message, idempotency_key=f"{run}.commit"
        )
    except NothingStaged:
        return None


def _append(work: Put, reached: Reached, lines: Iterable[bytes], note: Note | None) -> "Appended":
    from datavault.client import Checkpoint
    from datavault.client.errors import BadLine, StreamStopped

    whole = sum(part.size for part in work.parts) or None
    with ProgressLine() as line:

        def on_progress(progress: "Progress") -> None:
            at = progress.checkpoint
            if note is not None:
                note.write(
                    replace(reached, batches=at.batches, lines=at.lines, size_bytes=at.size_bytes)
                )
            speed = size(int(progress.size_bytes / max(line.seconds, 0.001)))
            line.tell(
                f"{counted(progress.records, 'record')}, {size(progress.size_bytes)}, {speed}/s",
                done=at.size_bytes,
                of=whole,
            )

        if note is not None:
            note.write(reached)
        try:
            return work.session.vault.append_stream(
                work.dataset_id,
                lines,
                branch=work.branch,
                run=reached.run,
                start=Checkpoint(reached.batches, reached.lines, reached.size_bytes),
                in_flight=work.parallel,
                commit_when_full=work.message,
                on_progress=on_progress,
            )
        except BadLine as error:
            place = place_of(work.parts, error.line) if work.parts else f"line {error.line}"
            raise CommandFailed(
                Exit.USAGE,
                f"invalid: {place}: {error.detail}",
                hint=_before(error.checkpoint.lines, "mend the line and give the command again"),
            ) from None
        except StreamStopped as error:
            say(_before(error.checkpoint.lines, _how_to_go_on(reached, note)))
            raise
        except KeyboardInterrupt:
            say(f"\nWhat is in the vault stays; {_how_to_go_on(reached, note)}.")
            raise


def _before(lines: int, what_next: str) -> str:
    return f"{counted(lines, 'line')} before are in the vault; {what_next}."


def _how_to_go_on(reached: Reached, note: Note | None) -> str:
    if note is not None:
        return "give the same command again within 24 hours to go on"
    return f"send the same lines with --run {reached.run} within 24 hours to go on"


def _tell(work: Put, done: "Appended", made: "CommitReply | None") -> None:
    document = {
        "dataset": work.dataset_id,
        "branch": work.branch,
        "run": done.run,
        "records": done.records,
        "batches": done.batches,
        "lines": done.checkpoint.lines,
        "commits": [*done.commits, *([made.id] if made else [])],
    }
    lines = [f"{counted(done.records, 'record')} put into {shown(work.branch)}."]
    if made is not None:
        lines.append(commit_line(made))
    work.session.output.one(document, lines)
    if made is None and work.message is not None and done.checkpoint.batches:
        say(
            "Nothing is left to commit: somebody else has committed what was staged, or reset the"
            f' branch. "datavault log {shown(work.named)}" tells.'
        )
    elif made is None and done.records:
        on = "" if work.branch == "main" else f" -b {shown(work.branch)}"
        say(f'They are staged: "datavault commit {shown(work.named)}{on}" makes a version of them.')
