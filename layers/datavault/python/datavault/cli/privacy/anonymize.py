"""``datavault anonymize``: a file or a pipe made harmless by a policy; offline."""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.privacy.inputs import Form, Input, chosen_inputs
from datavault.cli.privacy.keys import VARIABLE, privacy_keys
from datavault.cli.privacy.options import jobs_option, tier_option
from datavault.cli.privacy.outputs import Aside, require_apart
from datavault.cli.privacy.pieces import pieces_of
from datavault.cli.privacy.reports import json_text, names_note
from datavault.cli.privacy.search import Search
from datavault.cli.progress import ProgressLine
from datavault.cli.tables import counted, size
from datavault.domain.errors import VaultError
from datavault.domain.privacy.tiers import Tier

if TYPE_CHECKING:
    from datavault.cli.privacy.anonymizing import Harmless, Held, PolicySource, Treater
    from datavault.domain.privacy.policy import Policy

HERE = "local"
# From the best to the worst, as ``domain.privacy.strategy.Verdict`` has them.
_VERDICTS = ("anonymised", "pseudonymised", "personal", "quarantine")
# Endings of files that are one JSON text.
_DOCUMENTS = frozenset({".json", ".geojson", ".har", ".ipynb"})
_FORMS = {"text": Form.PASSAGES, "jsonl": Form.RECORDS}


@dataclass(slots=True)
class _Run:
    """One input, treated from its beginning to its end."""

    source: Input
    treater: "Treater"
    jobs: int
    size_bytes: int = 0
    remainders: int = 0
    seconds: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)
    treated: Counter[tuple[str, str]] = field(default_factory=Counter)

    def treat(self, output: Aside, quarantine: Aside | None) -> None:
        """Write what becomes of each piece, in order.

        Raises:
            CommandFailed: something cannot be read, or is to be looked at and there is no place
                to put it.
        """
        from datavault.cli.privacy.workers import ALONE_BYTES, ALONE_SLOW_BYTES, in_order

        line_at = 0
        alone = ALONE_SLOW_BYTES if self.treater.search.is_slow else ALONE_BYTES
        with ProgressLine() as line:
            pieces = pieces_of(self.source, 0)
            for done in in_order(self.treater, pieces, jobs=self.jobs, alone_bytes=alone):
                if done.refused is not None:
                    self._fail(Exit.USAGE, line_at + done.refused.line, done.refused.message)
                if done.held and quarantine is None:
                    first = done.held[0]
                    reasons = " and ".join(first.reasons)
                    if not first.is_record:
                        self._fail(Exit.USAGE, line_at + first.line, reasons)
                    self._fail(Exit.HELD, line_at + first.line, f"to be looked at: {reasons}")
                output.write(done.output)
                for held in done.held:
                    if quarantine is not None:
                        quarantine.write(_held_line(held, line_at + held.line))
                line_at += done.lines
                self._add(done)
                line.tell(size(self.size_bytes), done=self.size_bytes, of=self.source.size or None)
            self.seconds = line.seconds

    def told(self, policy_hash: str) -> list[str]:
        """What it came to."""
        things = "record" if self.source.form is Form.RECORDS else "passage"
        verdicts = ", ".join(f"{self.verdicts[each]:,} {each}" for each in _VERDICTS)
        speed = self.size_bytes / max(self.seconds, 0.001) / 1e6
        treated = ", ".join(
            f"{entity} {strategy} {count:,}"
            for (entity, strategy), count in sorted(self.treated.items())
        )
        whole = f"{size(self.size_bytes)} at {speed:.1f} MB/s"
        return [
            f"{counted(self.verdicts.total(), things)}: {verdicts}; {whole}",
            f"treated: {treated or 'nothing'}",
            f"still found in the output: {counted(self.remainders, 'value')}",
            f"policy {policy_hash}",
            *filter(None, [names_note(self.treater.search)]),
        ]

    def _add(self, done: "Harmless") -> None:
        self.size_bytes += done.size
        self.remainders += done.remainders
        self.verdicts.update(done.verdicts)
        self.treated.update(done.treated)

    def _fail(self, exit_code: Exit, line: int, why: str) -> NoReturn:
        kind = "quarantine" if exit_code is Exit.HELD else "invalid"
        is_taken = exit_code is Exit.HELD or self.source.form is Form.RECORDS
        hint = "--quarantine-file takes such records." if is_taken else ""
        raise CommandFailed(exit_code, f"{kind}: {self.source.name}, line {line}: {why}", hint=hint)


def _held_line(held: "Held", line: int) -> bytes:
    """A record that is to be looked at, already treated, and why; JSON in a line.

    Of a line that is no record the output is ``null``: it is in the input.
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
        "line": line,
        "reasons": held.reasons,
        "remainders": remainders,
        "output": held.output.decode() if held.is_record else None,
    }
    return json_text(document) + b"\n"


@click.command(short_help="Make a file or a pipe harmless, by a policy.")
@click.argument(
    "path",
    metavar="FILE|-",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option(
    "--policy",
    "named",
    required=True,
    metavar="NAME|FILE",
    help="A preset, or a policy in TOML or, with that ending, JSON.",
)
@click.option("--format", "form", type=click.Choice(["auto", *_FORMS]), default="auto")
@tier_option
@click.option(
    "--without-names",
    is_flag=True,
    help="With --tier patterns: leave names as they are, though the policy would treat them.",
)
@click.option(
    "--output-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to; stdout if not given. It appears when all of it is there.",
)
@click.option(
    "--quarantine-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where records go that somebody has to look at. Without it they end the run.",
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Has the key, 64 hexadecimal digits; else {VARIABLE} in the environment.",
)
@click.option("--store", default=HERE, show_default=True, help="Where tokens are at home.")
@click.option("--scope", default=HERE, show_default=True, help="Where a value has one stand-in.")
@click.option(
    "--on",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day for ages and expiries, instead of today (UTC).",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="The least score that is found, 0 to 1. If not given, 0.5, and for names what suits each.",
)
@jobs_option
def anonymize(
    path: Path,
    named: str,
    form: str,
    tier: str,
    without_names: bool,
    output_file: Path | None,
    quarantine_file: Path | None,
    key_file: Path | None,
    store: str,
    scope: str,
    on: datetime | None,
    threshold: float | None,
    jobs: int | None,
) -> None:
    """Make a file or a pipe harmless by a policy, without network, token or vault.

    Names of people, places and organizations and street addresses are found by a model, which
    misses some. --tier patterns does not look for them: with it, a policy that would treat them is
    refused, unless --without-names says that they may stay. Fields and phrases that the policy
    itself names are always treated.

    JSON lines are treated leaf by leaf, and all that is not changed stays byte for byte; a text is
    treated in passages of up to 256 KiB. Tables and JSON documents over several lines are refused.
    A number (PERSON_1) is one person's throughout a record or a text, for which one process reads
    the text. The same input, policy, key, store, scope and day give the same bytes. How many
    records are anonymised, pseudonymised or in quarantine, and what is still found in the output,
    is told on stderr.

    Presets are gdpr, hipaa_safe_harbor, pci_dss, ccpa and llm_training.

    \b
    Example:
      datavault anonymize chats.jsonl --policy llm_training --key-file key --output-file clean.jsonl
    """
    from datavault.cli.privacy.anonymizing import Treater
    from datavault.domain.privacy.keys import Setting

    source = _source(path, form)
    require_apart(source.path, output_file, quarantine_file)
    day = on.date() if on is not None else datetime.now(UTC).date()
    treater = Treater(
        Search(Tier(tier), Tier(tier).entities, threshold, day),
        _policy_source(named),
        privacy_keys(key_file),
        Setting(store, scope, day),
    )
    policy = _checked(treater)
    if not without_names:
        _require_looked_for(policy, treater.search)
    elif treater.search.tier is not Tier.PATTERNS:
        raise click.UsageError(f"--without-names goes with --tier {Tier.PATTERNS}")
    run = _run(source, treater, policy, jobs or os.process_cpu_count() or 1)
    with Aside(output_file) as output, Aside(quarantine_file) as quarantine:
        run.treat(output, quarantine if quarantine_file else None)
        if quarantine_file is not None:
            quarantine.keep()
        output.keep()
    for line in run.told(policy.hash):
        say(line)


def _run(source: Input, treater: "Treater", policy: "Policy", jobs: int) -> _Run:
    """The run, made ready; one that numbers who is in a text reads it in one process."""
    from datavault.domain.privacy.conversation import Conversation

    treater.search.get_ready()
    if source.form is Form.PASSAGES and policy.numbers:
        return _Run(source, replace(treater, conversation=Conversation()), 1)
    return _Run(source, treater, jobs)


def _source(path: Path, form: str) -> Input:
    """The input, as it is to be read; never by a guess, so that nothing is half treated."""
    (source,) = chosen_inputs((path,), _FORMS.get(form))
    if form != "auto":
        return source
    if source.path is None:
        raise click.UsageError("for a pipe, --format says text or jsonl")
    if source.form is Form.ROWS:
        raise click.UsageError("tables are not anonymized: make JSON lines, or say --format text")
    if source.path.suffix.lower() in _DOCUMENTS:
        raise click.UsageError(
            "a JSON document is not anonymized, as a text it would be JSON no more: make JSON"
            " lines, or, if it is one line, say --format jsonl"
        )
    chosen = Form.RECORDS if source.form is Form.RECORDS else Form.PASSAGES
    return Input(source.path, chosen, guessed=False, size=source.size)


def _policy_source(named: str) -> "PolicySource":
    from datavault.cli.privacy.anonymizing import PolicySource
    from datavault.domain.privacy.policy_text import POLICY_BYTES_MAX
    from datavault.domain.privacy.presets import PRESETS

    if named in PRESETS:
        return PolicySource(named)
    path = Path(named)
    if not path.is_file():
        raise click.UsageError(f"--policy is a file, or one of {', '.join(PRESETS)}")
    with path.open("rb") as file:
        return PolicySource(named, file.read(POLICY_BYTES_MAX + 1))


def _checked(treater: "Treater") -> "Policy":
    """The policy; what is wrong with it or with the keys is told before anything is read."""
    try:
        treater.anonymizer()
        return treater.policy.policy()
    except VaultError as error:
        where = f" ({error.field})" if error.field else ""
        told = f"invalid: {error}{where}"
    raise CommandFailed(
        Exit.USAGE,
        told,
        hint=f"A key comes from --key-file or {VARIABLE}." if "key" in told else "",
    )


def _require_looked_for(policy: "Policy", search: Search) -> None:
    """Refuse a policy that would treat what the tier does not look for: it would seem treated."""
    left = [each for each in search.not_looked_for if policy.treats(each)]
    if left:
        raise CommandFailed(
            Exit.USAGE,
            f"invalid: the policy treats {', '.join(left)}, which --tier {search.tier} does not"
            " look for",
            hint=f"--tier {Tier.FAST} looks for names; --without-names leaves them as they are.",
        )
