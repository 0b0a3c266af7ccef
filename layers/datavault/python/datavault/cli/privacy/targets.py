"""What is to be treated, as what, and where it goes."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.privacy.inputs import PIPE, Form, Input, chosen_input, chosen_inputs
from datavault.cli.privacy.outputs import require_apart, require_folder, require_unused
from datavault.cli.privacy.treating import Job
from datavault.cli.tables import shown

FORMS = {
    "text": Form.PASSAGES,
    "jsonl": Form.RECORDS,
    "json": Form.DOCUMENT,
    "csv": Form.TABLE,
}
_BY_GUESS = {
    Form.TEXT: Form.PASSAGES,
    Form.RECORDS: Form.RECORDS,
    Form.LEAVES: Form.DOCUMENT,
    Form.ROWS: Form.TABLE,
}


def single_job(
    paths: tuple[Path, ...], form: str, output: Path | None, quarantine: Path | None
) -> Job:
    """The one input, and where it goes.

    Raises:
        UsageError: it is not one, a pipe of which nobody says what it is, or the files named are
            not as many.
    """
    if len(paths) > 1 or paths[0].is_dir():
        raise click.UsageError("several files, or a folder, go to an --output-folder")
    source = chosen_input(paths[0], FORMS.get(form))
    if source.path is None and form == "auto":
        raise click.UsageError(f"for a pipe, --format says {', '.join(FORMS)}")
    require_apart(source.path, output, quarantine)
    require_folder(output, "--output-file")
    require_folder(quarantine, "--quarantine-file")
    require_unused(quarantine)
    return Job(_as_treated(source), output)


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """The files to treat, how many things were left out, and what cannot be reached; of the two
    latter each was told."""

    jobs: list[Job]
    skipped: int
    missed: list[CommandFailed]


def folder_plan(
    paths: tuple[Path, ...],
    form: str,
    folder: Path,
    output: Path | None,
    quarantine: Path | None,
) -> FolderPlan:
    """The files named and those below the folders named, each with its place below ``folder``.

    The files of several folders are below folders of their names.

    Raises:
        UsageError: ``folder`` is not empty or lies in what is read, two files would have one
            place, or there is none.
    """
    if output is not None or PIPE in paths:
        raise click.UsageError("--output-folder is for files and folders, without --output-file")
    _require_apart(paths, folder, quarantine)
    jobs: dict[Path, Job] = {}
    skipped: list[Path] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        say(f"skipped: {shown(click.format_filename(path))}: {why}")

    missed: list[CommandFailed] = []

    def miss(path: Path, why: str) -> None:
        missed.append(CommandFailed(Exit.USAGE, f"{shown(click.format_filename(path))}: {why}"))
        say(f"not treated: {missed[-1]}")

    for path in paths:
        prefix = Path(path.resolve().name if len(paths) > 1 and path.is_dir() else "")
        for source in chosen_inputs((path,), FORMS.get(form), missed=miss, skipped=skip):
            assert source.path is not None, "a file has a path"
            name = source.path.relative_to(path) if path.is_dir() else Path(source.path.name)
            target = folder / prefix / name
            if target in jobs:
                other = jobs[target].source.name
                raise click.UsageError(f"{other} and {source.name} would be one file")
            jobs[target] = Job(_as_treated(source), target, makes_folders=True)
    if not jobs:
        raise click.UsageError("there is no file to treat")
    return FolderPlan(list(jobs.values()), len(skipped), missed)


def _require_apart(paths: tuple[Path, ...], folder: Path, quarantine: Path | None) -> None:
    if folder.exists() and os.listdir(folder):
        raise click.UsageError(f"--output-folder {click.format_filename(folder)} is not empty")
    for path in paths:
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise click.UsageError(f"--output-folder lies in {click.format_filename(path)}")
    if quarantine is not None:
        require_apart(None, quarantine)
        require_folder(quarantine, "--quarantine-file")
        require_unused(quarantine)
        own = quarantine.resolve()
        if any(own.is_relative_to(each.resolve()) for each in (folder, *paths)):
            raise click.UsageError("--quarantine-file lies neither in a folder read nor in that")


def _as_treated(source: Input) -> Input:
    """The input with the form that is treated for the one that is only looked at."""
    if not source.guessed:
        return source
    return replace(source, form=_BY_GUESS[source.form])
