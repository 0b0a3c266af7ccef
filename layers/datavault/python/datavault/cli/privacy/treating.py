"""Inputs treated one behind the other, each to an output that appears whole or not at all."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.privacy.contents import Wrapper
from datavault.cli.privacy.inputs import Form, Input
from datavault.cli.privacy.outputs import Aside
from datavault.cli.privacy.pieces import Piece, pieces_of
from datavault.cli.privacy.reports import json_text
from datavault.cli.progress import ProgressLine
from datavault.cli.tables import counted, shown, size

if TYPE_CHECKING:
    from datavault.cli.privacy.anonymizing import Harmless, Held, Treater
    from datavault.cli.privacy.readings import Reading

# From the best to the worst, as ``domain.privacy.strategy.Verdict`` has them.
VERDICTS = ("anonymised", "pseudonymised", "personal", "quarantine")
_THINGS = {
    Form.RECORDS: "record",
    Form.TABLE: "row",
    Form.DOCUMENT: "document",
    Form.PASSAGES: "passage",
}


@dataclass(frozen=True, slots=True)
class Job:
    """An input, and the file for what becomes of it; ``None`` for stdout.

    The folders of the target are made if ``makes_folders``.
    """

    source: Input
    target: Path | None
    makes_folders: bool = False


class Binary(Exception):
    """An input that is no text."""


@dataclass(slots=True)
class Tally:
    """What was done so far."""

    size_bytes: int = 0
    remainders: int = 0
    things: Counter[Form] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    treated: Counter[tuple[str, str]] = field(default_factory=Counter)
    tables: int = 0
    unmet: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)

    def add_reading(self, reading: "Reading") -> None:
        """Count a table."""
        self.tables += 1
        self.unmet.update(reading.unmet)

    def add(self, done: "Harmless") -> None:
        """Count a piece."""
        self.size_bytes += done.size
        self.remainders += done.remainders
        self.things[done.form] += sum(done.verdicts.values())
        self.verdicts.update(done.verdicts)
        self.treated.update(done.treated)
        self.met.update(done.met)

    def add_all(self, other: "Tally") -> None:
        """Count what another counted."""
        self.size_bytes += other.size_bytes
        self.remainders += other.remainders
        self.things.update(other.things)
        self.verdicts.update(other.verdicts)
        self.treated.update(other.treated)
        self.tables += other.tables
        self.unmet.update(other.unmet)
        self.met.update(other.met)

    def told(self, seconds: float, fields: Iterable[str]) -> list[str]:
        """What it came to, of a policy whose ``fields`` have these pointers."""
        things = ", ".join(
            counted(count, _THINGS[form]) for form, count in self.things.items() if count
        )
        verdicts = ", ".join(f"{self.verdicts[each]:,} {each}" for each in VERDICTS)
        speed = self.size_bytes / max(seconds, 0.001) / 1e6
        treated = ", ".join(
            f"{entity} {strategy} {count:,}"
            for (entity, strategy), count in sorted(self.treated.items())
        )
        whole = f"{size(self.size_bytes)} at {speed:.1f} MB/s"
        return [
            f"{things or 'nothing to treat'}: {verdicts}; {whole}",
            f"treated: {treated or 'nothing'}",
            f"still found in the output: {counted(self.remainders, 'value')}",
            *(
                f"warning: field {shown(pointer)} matches no column of {count:,} of"
                f" {counted(self.tables, 'table')}"
                for pointer, count in sorted(self.unmet.items())
            ),
            *(
                f"warning: field {shown(pointer)} treats nothing in {records}"
                for pointer in fields
                if (records := self._records) and self._is_idle(pointer)
            ),
        ]

    @property
    def _records(self) -> str:
        """How many things were read that have members, in words."""
        return " and ".join(
            counted(self.things[form], _THINGS[form])
            for form in (Form.RECORDS, Form.DOCUMENT)
            if self.things[form]
        )

    def _is_idle(self, pointer: str) -> bool:
        """Whether a field is of no member, nor of a column where there are tables."""
        return pointer not in self.met and self.unmet[pointer] == self.tables


@dataclass(slots=True)
class Run:
    """Jobs in their order, on several processes as far as they are large enough.

    ``tally`` counts what has come out.
    """

    jobs: Sequence[Job]
    treater: "Treater"
    workers: int
    quarantine: Aside | None
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    _given_up: int = -1
    _is_quarantine_kept: bool = False

    def outcomes(self) -> Generator[tuple[Job, CommandFailed | Binary | None]]:
        """Treat each job, and tell how that went; one that is refused leaves no output."""
        from datavault.cli.privacy.workers import ALONE_BYTES, ALONE_SLOW_BYTES, in_order

        alone = ALONE_SLOW_BYTES if self.treater.search.is_slow else ALONE_BYTES
        with ProgressLine() as line:
            done = in_order(self.treater, self._pieces(), jobs=self.workers, alone_bytes=alone)
            for number, pieces in groupby(done, key=attrgetter("input")):
                outcome: CommandFailed | Binary | None = None
                try:
                    self._treat(self.jobs[number], pieces, line)
                except (CommandFailed, Binary) as refused:
                    outcome = refused
                    self._given_up = number
                except OSError as error:
                    outcome = _unwritten(self.jobs[number], error)
                    self._given_up = number
                self.seconds = line.seconds
                yield self.jobs[number], outcome

    def keep_quarantine(self) -> None:
        """Have what is to be looked at under its name, if it is not there yet."""
        if self.quarantine is not None and not self._is_quarantine_kept:
            self.quarantine.keep()
            self._is_quarantine_kept = True

    def _pieces(self) -> Iterator[Piece]:
        """One of each job at least, and no more of one that was refused."""
        for number, job in enumerate(self.jobs):
            is_empty = True
            for piece in pieces_of(job.source, number):
                if self._given_up == number:
                    break
                is_empty = False
                yield piece
            if is_empty:
                yield Piece(number, job.source.form, job.source.guessed, b"", 0, 0)

    def _treat(self, job: Job, pieces: Iterable["Harmless"], line: ProgressLine) -> None:
        """Write what becomes of each piece, in order."""
        line_at, own, kept = 0, Tally(), 0
        of = sum(each.source.size for each in self.jobs) or None
        if job.makes_folders and job.target is not None:
            job.target.parent.mkdir(parents=True, exist_ok=True)
        with Aside(job.target) as output:
            wrapper: Wrapper | None = None
            for done in pieces:
                self._require_taken(job, done, line_at)
                if wrapper is None:
                    wrapper = Wrapper(done.wrapping, output)
                    if done.reading is not None:
                        own.add_reading(done.reading)
                        for told in done.reading.told(job.source.name):
                            say(told)
                wrapper.write(done.output)
                kept += len(done.output.strip())
                for held in done.held:
                    if self.quarantine is not None:
                        self.quarantine.write(_held_line(job, held, line_at + held.line))
                line_at += done.lines
                own.add(done)
                reached = self.tally.size_bytes + own.size_bytes
                line.tell(size(reached), done=reached, of=of)
            if wrapper is not None:
                wrapper.end()
            if job is self.jobs[-1]:
                # First what is held back: with the output there, nobody would look for it.
                self.keep_quarantine()
            if own.verdicts["quarantine"] and not kept:
                raise _all_held(job, own)
            output.keep()
        self.tally.add_all(own)

    def _require_taken(self, job: Job, done: "Harmless", line_at: int) -> None:
        """Refuse what cannot be read, or is to be looked at and there is no place to put it."""
        if done.is_binary:
            raise Binary
        if done.refused is not None:
            self._refuse(Exit.USAGE, job, line_at + done.refused.line, done.refused.message)
        if done.held and self.quarantine is None:
            first = done.held[0]
            reasons = " and ".join(first.reasons)
            if first.is_record:
                reasons = f"to be looked at: {reasons}"
            self._refuse(
                Exit.HELD if first.is_record else Exit.USAGE,
                job,
                line_at + first.line,
                reasons,
                hint="--quarantine-file takes such records.",
            )

    @staticmethod
    def _refuse(exit_code: Exit, job: Job, line: int, why: str, *, hint: str = "") -> NoReturn:
        kind = "quarantine" if exit_code is Exit.HELD else "invalid"
        raise CommandFailed(exit_code, f"{kind}: {job.source.name}, line {line}: {why}", hint=hint)


def _unwritten(job: Job, error: OSError) -> CommandFailed:
    """That the target cannot be written; who reads stdout no more is told by ``error`` itself."""
    if job.target is None:
        raise error
    why = error.strerror or type(error).__name__
    return CommandFailed(
        Exit.FAILED, f"{job.source.name}: {click.format_filename(job.target)} not written: {why}"
    )


def _all_held(job: Job, own: Tally) -> CommandFailed:
    """That all of an input is in quarantine: an empty output would pass for what is left of it."""
    (form,) = own.things
    things = counted(own.verdicts["quarantine"], _THINGS[form])
    return CommandFailed(
        Exit.HELD, f"quarantine: {job.source.name}: nothing but {things} to be looked at"
    )


def _held_line(job: Job, held: "Held", line: int) -> bytes:
    """A record that is to be looked at, already treated, and why; JSON in a line.

    Of what is no record the output is ``null``: it is in the input.
    """
    remainders = [
        {
            "entity": each.entity,
            "pointer": each.pointer,
            "part": each.part,
            "start": each.start,
            "end": each.end,
            "score": each.score,
        }
        for each in held.remainders
    ]
    document = {
        "path": job.source.name,
        "line": line,
        "reasons": held.reasons,
        "remainders": remainders,
        "output": held.output.decode() if held.is_record else None,
    }
    return json_text(document) + b"\n"
