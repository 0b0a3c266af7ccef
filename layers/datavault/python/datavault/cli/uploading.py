"""``datavault put`` of what is large or no NDJSON: an upload, straight to S3, and its job.

An upload becomes one commit, or none; nothing of it is staged. What is put below the bound is
staged at once, in batches (``datavault.cli.put``).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.jobs import tell_refused, waited
from datavault.cli.output import document_of, say
from datavault.cli.progress import ProgressLine
from datavault.cli.resumption import Begun, Note
from datavault.cli.session import Session
from datavault.cli.sources import Chosen
from datavault.cli.tables import counted, shown, size
from datavault.cli.versions import commit_line

if TYPE_CHECKING:
    from datavault.client import UploadProgress
    from datavault.client.uploads.parts import Wanted
    from datavault.contracts.jobs import JobReply

_OPTIONS = "datavault.upload"
MIB = 2**20
# What is staged on a branch may be 128 MiB: half of that goes in batches and is seen at once.
UPLOAD_ABOVE_MIB = 64
# Names and sizes are a request's body, of which Lambda takes 6 MB.
NAMES_BYTES_MAX = 5 * 2**20
FILES_MAX = 20_000


class By(StrEnum):
    """How records go in."""

    AUTO = "auto"
    BATCHES = "batches"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What is said of an upload on the command line; ``None`` or nothing where it is not said."""

    by: By = By.AUTO
    above_mib: int = UPLOAD_ABOVE_MIB
    part_mib: int | None = None
    format: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    mode: str | None = None
    max_bad_records: int | None = None
    max_bad_fraction: float | None = None
    min_records: int | None = None
    max_records: int | None = None
    no_wait: bool = False

    @property
    def needed_by(self) -> str | None:
        """The first option given that only an upload can do."""
        given = {
            "--part-mib": self.part_mib is not None,
            "--format": self.format is not None,
            "--column": bool(self.columns),
            "--mode": self.mode is not None,
            "--max-bad-records": self.max_bad_records is not None,
            "--max-bad-fraction": self.max_bad_fraction is not None,
            "--min-records": self.min_records is not None,
            "--max-records": self.max_records is not None,
            "--no-wait": self.no_wait,
        }
        return next((name for name, is_given in given.items() if is_given), None)

    def wanted(self, branch: str, message: str, name: str) -> "Wanted":
        """As the client takes it."""
        found: Any = {
            "branch": branch,
            "message": message,
            "name": name,
            "part_bytes": None if self.part_mib is None else self.part_mib * MIB,
            "format": self.format,
            "columns": dict(self.columns) or None,
            "mode": (self.mode or "upsert").replace("-", "_"),
            "max_bad_records": self.max_bad_records,
            "max_bad_fraction": self.max_bad_fraction,
            "min_records": self.min_records,
            "max_records": self.max_records,
        }
        wanted: Wanted = found
        return wanted


def upload_options[F: Callable[..., Any]](command: F) -> F:
    """The options of uploads, kept for ``chosen_upload``."""
    for option in reversed(_options()):
        command = option(command)
    return command


def chosen_upload() -> UploadOptions:
    """What the options of this command say."""
    given = dict(click.get_current_context().meta.get(_OPTIONS, {}))
    return UploadOptions(**{**given, "by": By(given.get("by", By.AUTO))})


@dataclass(frozen=True, slots=True)
class Uploading:
    """One upload: where to and how."""

    session: Session
    named: str
    dataset_id: str
    branch: str
    message: str
    parallel: int
    options: UploadOptions

    def files(self, chosen: tuple[Chosen, ...], note: Note, *, restart: bool) -> None:
        """Upload files as one commit; go on where the same upload stopped."""
        from datavault.client import LocalFile

        _require_few(chosen)
        name = chosen[0].name if len(chosen) == 1 else ""
        wanted = self.options.wanted(self.branch, self.message, name)
        parts = tuple(each.part for each in chosen)
        wishes = sha256(json.dumps(wanted).encode()).hexdigest()
        begun = self._begun(note, Begun("", parts, wishes), restart=restart)
        files = [LocalFile(each.name, each.part.path, each.part.size) for each in chosen]

        def tell(progress: "UploadProgress") -> None:
            if progress.parts == 0:
                note.write_upload(Begun(progress.upload_id, parts, wishes))

        with _Told(tell) as told:
            asked = self.session.vault.upload_files(
                self.dataset_id,
                files,
                upload_id=begun,
                in_flight=self.parallel,
                on_progress=told,
                **wanted,
            )
        note.remove_upload()
        self._finish(asked)

    def pipe(self, stream: BinaryIO, head: bytes) -> None:
        """Upload what is piped in, behind ``head``; stopped, nothing of it stays."""
        wanted = self.options.wanted(self.branch, self.message, "")
        upload: list[str] = []
        with _Told(lambda progress: upload.append(progress.upload_id), is_pipe=True) as told:
            try:
                asked = self.session.vault.upload_stream(
                    self.dataset_id,
                    stream,
                    head=head,
                    in_flight=self.parallel,
                    on_progress=told,
                    **wanted,
                )
            except BaseException:
                if upload:
                    self.session.vault.abort_upload(upload[-1])
                raise
        self._finish(asked)

    def _begun(self, note: Note, now: Begun, *, restart: bool) -> str | None:
        """The upload to go on with. One that is of no use any more is aborted."""
        from datavault.client.errors import VaultApiError

        before = note.read_upload()
        if before is None or not before.lives:
            return None
        if (before.parts, before.wishes) == (now.parts, now.wishes) and not restart:
            try:
                found = self.session.vault.get_upload(before.upload)
            except VaultApiError:
                return None
            if found.state in {"open", "completing", "completed"}:
                say("Going on with the upload that was stopped.")
                return before.upload
            return None
        if not restart:
            say("The files or options have changed since this was stopped: uploading anew.")
        try:
            self.session.vault.abort_upload(before.upload)
        except VaultApiError:
            return None  # It expires by itself, or its job goes on.
        return None

    def _finish(self, asked: "JobReply") -> None:
        """Wait for the commit, unless nobody wants to, and tell."""
        if self.options.no_wait:
            line = f'Job {asked.id} takes it in: "datavault job wait {asked.id}" waits for it.'
            self.session.output.one(document_of(asked), [line])
            return
        done = waited(self.session, asked.id)
        lines = [f"{counted(done.progress.records, 'record')} put into {shown(self.branch)}."]
        if done.commit is not None:
            lines.append(commit_line(self.session.vault.get_commit(self.dataset_id, done.commit)))
        self.session.output.one(document_of(done), lines)
        tell_refused(done)


def _options() -> tuple[Callable[[Any], Any], ...]:
    formats = ("ndjson", "json_array", "csv", "tsv", "text_lines", "text_paragraphs", "parquet")
    modes = ("upsert", "replace", "append-only")
    above = "DATAVAULT_UPLOAD_ABOVE_MIB"
    return (
        _option(
            "by",
            "--by",
            click.Choice([each.value for each in By]),
            "How it goes in; auto: by size and content.",
        ),
        _option(
            "above_mib",
            "--upload-above",
            click.IntRange(0, 1024),
            f"Upload what is larger, in MiB; {UPLOAD_ABOVE_MIB} unless {above} says otherwise.",
            envvar=above,
        ),
        _option("part_mib", "--part-mib", click.IntRange(5, 5120), "MiB of an upload's part."),
        _option(
            "format", "--format", click.Choice(formats), "What the files are; else by content."
        ),
        _option(
            "columns",
            "--column",
            _Column(),
            "A table's column: string, integer, number, boolean or json.",
            multiple=True,
        ),
        _option(
            "mode",
            "--mode",
            click.Choice(modes),
            "Of the branch's records the upload replaces those of the same id, all, or none.",
        ),
        _option("max_bad_records", "--max-bad-records", click.IntRange(0), "So many may be bad."),
        _option(
            "max_bad_fraction",
            "--max-bad-fraction",
            click.FloatRange(0, 1),
            "This part of all may.",
        ),
        _option(
            "min_records",
            "--min-records",
            click.IntRange(0),
            "Fewer records fail the upload's job.",
        ),
        _option("max_records", "--max-records", click.IntRange(0), "More records fail it."),
        _option("no_wait", "--no-wait", None, "Do not wait for the upload's commit.", is_flag=True),
    )


def _option(
    name: str,
    declared: str,
    kind: click.ParamType[Any] | None,
    text: str,
    **more: Any,  # noqa: ANN401
) -> Callable[[Any], Any]:
    """An option that is kept under ``name`` if it was given."""

    def keep(context: click.Context, _: object, value: object) -> None:
        if value is not None:
            context.meta.setdefault(_OPTIONS, {})[name] = value

    return click.option(
        declared, name, type=kind, help=text, expose_value=False, callback=keep, **more
    )


class _Column(click.ParamType[tuple[str, str]]):
    name = "NAME=KIND"
    kinds = frozenset({"string", "integer", "number", "boolean", "json"})

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, separator, kind = str(value).rpartition("=")
        if not separator or kind not in self.kinds:
            self.fail(f"NAME=KIND, of {', '.join(sorted(self.kinds))}", param, ctx)
        return name, kind


class _Told:
    """Shows how far an upload is, and says how to go on when it is interrupted."""

    def __init__(
        self, also: "Callable[[UploadProgress], object]", *, is_pipe: bool = False
    ) -> None:
        self._also = also
        self._is_pipe = is_pipe
        self._line = ProgressLine()

    def __enter__(self) -> "_Told":
        self._line.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:  # noqa: ANN401
        from datavault.client.errors import UploadMismatch, UploadStopped

        self._line.__exit__(kind, *error)
        if kind is None or not issubclass(kind, KeyboardInterrupt | UploadStopped):
            return
        if self._is_pipe:
            say("\nNothing of it stays: send all of it again.")
        elif not issubclass(kind, UploadMismatch):
            say(
                "\nWhat has arrived stays for 24 hours; give the same command again to go on, or"
                " with --restart to begin anew."
            )

    def __call__(self, progress: "UploadProgress") -> None:
        self._also(progress)
        done = progress.there + progress.sent
        speed = size(int(progress.sent / max(self._line.seconds, 0.001)))
        self._line.tell(f"uploading: {size(done)}, {speed}/s", done=done, of=progress.size)


def _require_few(chosen: tuple[Chosen, ...]) -> None:
    if len(chosen) > FILES_MAX:
        raise CommandFailed(
            Exit.USAGE,
            f"too large: files: {len(chosen):,}; one upload takes {FILES_MAX:,} at the most",
            hint="Put some of them, then the others; or put them into the landing bucket under a"
            " manifest.",
        )
    names = sum(len(each.name.encode(errors="replace")) + 30 for each in chosen)
    if names > NAMES_BYTES_MAX:
        raise CommandFailed(
            Exit.USAGE,
            f"too large: files: their names and sizes are {names:,} bytes, and one upload takes"
            f" {NAMES_BYTES_MAX:,} at the most",
        )
