"""``datavault scan``: where personal data and secrets are in files, folders or a pipe; offline."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say, write_bytes
from datavault.cli.privacy import reports
from datavault.cli.privacy.found import Examined, Reached
from datavault.cli.privacy.inputs import PIPE, Form, Input, chosen_inputs
from datavault.cli.privacy.options import (
    AllowList,
    Entities,
    jobs_option,
    require_found_by,
    tier_option,
)
from datavault.cli.privacy.pieces import BINARY, Piece, pieces_of
from datavault.cli.privacy.reports import Report, Totals
from datavault.cli.privacy.sarif import Sarif
from datavault.cli.privacy.search import Search
from datavault.cli.progress import ProgressLine
from datavault.cli.tables import counted, shown, size
from datavault.domain.formats.decoding import COMPRESSED_ENDINGS
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import Tier

if TYPE_CHECKING:
    from datavault.domain.privacy.policy import Allowed

FORMS = ("auto", "text", "jsonl", "json", "csv")


@click.command(short_help="Find personal data and secrets in files, folders or a pipe.")
@click.argument(
    "paths",
    metavar="[FILE|FOLDER|-]...",
    nargs=-1,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option("--format", "form", type=click.Choice(FORMS), default="auto", show_default=True)
@tier_option
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="The least score to report, 0 to 1. If not given, 0.5, and for names what suits each.",
)
@click.option(
    "--entities",
    type=Entities(),
    metavar="ENTITY[,...]",
    help="What to look for; all that the tier finds, if not given.",
)
@click.option(
    "--fail-on",
    type=Entities(),
    metavar="ENTITY[,...]|any",
    help="End with exit code 11 if one of these is found, with 2 if something could not be read.",
)
@click.option(
    "--output",
    "report",
    type=click.Choice([each.value for each in reports.Form]),
    help="What to write.",
)
@click.option(
    "--allow-list",
    "allowed",
    type=AllowList(),
    metavar="FILE",
    help="Values that nobody minds, each with a reason and an expiry.",
)
@click.option("--explain", "explains", is_flag=True, help="Name the rule that decided.")
@click.option("--show-values", "shows_values", is_flag=True, help="Write the values themselves.")
@jobs_option
def scan(
    paths: tuple[Path, ...],
    form: str,
    tier: str,
    threshold: float | None,
    entities: frozenset[Entity] | None,
    fail_on: frozenset[Entity] | None,
    report: str | None,
    allowed: "tuple[Allowed, ...] | None",
    explains: bool,
    shows_values: bool,
    jobs: int | None,
) -> None:
    """Find personal data and secrets, without network, token or vault.

    Names of people, places and organizations and street addresses are found by a model, which is
    sure of none: --threshold weighs what it misses against what it finds wrongly. What was looked
    for, and what not, is in the summary. No model is loaded if no name is looked for.

    Text is read as one text, JSON leaf by leaf (lines of it, or a document of up to 16 MiB), rows
    cell by cell; auto goes by the names of files, and of a pipe by its first byte. Names of
    members, and of columns in the first row, count as labels of what stands under them, and places
    are told by them (/ssn). What is compressed (gzip, zstd) or in UTF-16 is read as what it is; a
    binary file is not read, which is told. With --fail-on a scan that could not read something
    fails, too, but for binary files in folders.

    With --format jsonl a pipe is a corpus: each line {"id", "text"} is answered by one {"id",
    "spans"}, unless another --output is asked for. Values are written only with --show-values.

    \b
    Example:
      datavault scan src/ --tier patterns --fail-on SECRET
      datavault scan chats.jsonl --output sarif > chats.sarif
      datavault scan --format jsonl < texts.jsonl > spans.jsonl
    """
    if Path(PIPE) in paths and len(paths) > 1:
        raise click.UsageError("- stands alone: a pipe, or files")
    chosen, wanted = _forms(paths, form, report)
    if shows_values and wanted is reports.Form.SUMMARY:
        raise click.UsageError("--show-values is for --output json, jsonl or sarif")
    search = Search(
        Tier(tier),
        _sought(Tier(tier), entities, fail_on or frozenset()),
        threshold,
        datetime.now(UTC).date(),
        allowed or (),
        explains,
        shows_values,
    )
    failing = frozenset(each.value for each in fail_on or ())
    search.get_ready()
    totals = _Scan(search, chosen, jobs or os.process_cpu_count() or 1).run(
        paths, _report(wanted, search, failing)
    )
    if wanted is not reports.Form.SUMMARY:
        say(totals.line)
        if note := reports.names_note(search):
            say(note)
    _require_passed(totals, failing)


def _require_passed(totals: Totals, failing: frozenset[str]) -> None:
    """Fail on what was found and, if anything is ``failing``, on what could not be read."""
    hits = sum(count for (entity, _), count in totals.counts.items() if entity in failing)
    if hits:
        kinds = ", ".join(each for each in totals.by_entity if each in failing)
        raise CommandFailed(Exit.FOUND, f"found: {counted(hits, 'value')} of {kinds}")
    if failing and totals.missed:
        raise CommandFailed(
            Exit.USAGE,
            f"not read: {counted(totals.missed, 'input')}, named above",
            hint="What --fail-on names may be in there.",
        )


def _sought(
    tier: Tier, entities: frozenset[Entity] | None, fail_on: frozenset[Entity]
) -> frozenset[Entity]:
    """The entities to look for; what the caller names and nobody would find is refused."""
    everything = frozenset(Entity)
    if entities == everything:
        entities = None
    require_found_by(tier, entities or frozenset(), "--entities")
    if fail_on != everything:
        require_found_by(tier, fail_on, "--fail-on")
        if unsought := sorted(fail_on - (entities or tier.entities)):
            raise click.UsageError(f"--fail-on {', '.join(unsought)} is not among --entities")
    return entities or tier.entities


def _forms(
    paths: tuple[Path, ...], form: str, report: str | None
) -> tuple[Form | None, reports.Form]:
    """As what inputs are read, ``None`` if that is guessed, and what is written."""
    from_pipe = not paths or paths == (PIPE,)
    if form == "jsonl" and from_pipe and report in {None, reports.Form.JSONL}:
        return Form.CORPUS, reports.Form.JSONL
    return None if form == "auto" else Form(form), reports.Form(report or reports.Form.SUMMARY)


def _report(form: reports.Form, search: Search, failing: frozenset[str]) -> Report:
    match form:
        case reports.Form.SUMMARY:
            return reports.Summary(search, failing)
        case reports.Form.JSON:
            return reports.Document(search)
        case reports.Form.JSONL:
            return reports.Lines(search)
        case reports.Form.SARIF:
            return Sarif(search)


@dataclass(slots=True)
class _Scan:
    """One run over all inputs."""

    search: Search
    form: Form | None
    jobs: int

    def run(self, paths: tuple[Path, ...], report: Report) -> Totals:
        """Examine everything, in order, and tell ``report``."""
        from datavault.cli.privacy.examining import Examiner
        from datavault.cli.privacy.workers import ALONE_BYTES, ALONE_SLOW_BYTES, in_order

        totals = Totals()
        sources: dict[int, Input] = {}
        of, named = _size_of(paths), frozenset(paths)
        current, reached, has_findings = -1, Reached(), False
        alone = ALONE_SLOW_BYTES if self.search.is_slow else ALONE_BYTES
        with ProgressLine() as line:
            examined = in_order(
                Examiner(self.search),
                self._pieces(paths, sources, totals),
                jobs=self.jobs,
                alone_bytes=alone,
            )
            for piece in examined:
                if piece.input != current:
                    sources.pop(current, None)
                    current, reached, has_findings = piece.input, Reached(), False
                source = sources[current]
                _tell(source, piece, reached, report)
                if piece.counts and not has_findings:
                    has_findings = True
                    totals.files_with_findings += 1
                totals.add(piece)
                totals.unread += bool(piece.unread)
                is_passed = piece.unread == BINARY and source.path not in named
                totals.missed += bool(piece.unread) and not is_passed
                reached = reached.after(piece)
                line.tell(
                    f"{size(totals.size_bytes)}, {counted(sum(totals.counts.values()), 'finding')}",
                    done=totals.size_bytes,
                    of=of,
                )
            totals.seconds = line.seconds
        report.end(totals)
        return totals

    def _pieces(
        self, paths: tuple[Path, ...], sources: dict[int, Input], totals: Totals
    ) -> Iterator[Piece]:
        def miss(path: Path, why: str) -> None:
            totals.unread += 1
            totals.missed += 1
            say(f"{shown(click.format_filename(path))}: not read: {why}")

        for number, source in enumerate(chosen_inputs(paths, self.form, missed=miss)):
            sources[number] = source
            totals.files += 1
            yield from pieces_of(source, number)


def _size_of(paths: tuple[Path, ...]) -> int | None:
    """How much there is to read; ``None`` if nobody knows before it was read."""
    if any(not each.is_file() or each.name.lower().endswith(COMPRESSED_ENDINGS) for each in paths):
        return None
    return sum(each.stat().st_size for each in paths) or None


def _tell(source: Input, piece: Examined, reached: Reached, report: Report) -> None:
    """What a piece gives, before it is refused if it is."""
    if piece.answers:
        write_bytes(piece.answers)
    for found in piece.found:
        report.found(source, reached.located(found))
    base = reached.spot.line - 1
    if piece.refused is not None:
        raise CommandFailed(
            Exit.USAGE,
            f"invalid: {source.name}, line {base + piece.refused.line}: {piece.refused.message}",
        )
    for note in piece.notes:
        say(f"{source.name}, line {base + note.line}: {note.message}")
    if piece.unread:
        say(f"{source.name}: not read on: {piece.unread}")
