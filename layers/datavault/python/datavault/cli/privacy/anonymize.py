"""``datavault anonymize``: files, folders or a pipe made harmless by a policy; offline."""

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say
from datavault.cli.privacy.inputs import Form
from datavault.cli.privacy.keys import VARIABLE, privacy_keys
from datavault.cli.privacy.options import Header, jobs_option, tier_option
from datavault.cli.privacy.outputs import Aside
from datavault.cli.privacy.reports import names_note
from datavault.cli.privacy.search import Search
from datavault.cli.privacy.targets import FORMS, FolderPlan, folder_plan, single_job
from datavault.cli.privacy.treating import Binary, Job, Run
from datavault.cli.tables import counted
from datavault.domain.errors import VaultError
from datavault.domain.privacy.tiers import Tier

if TYPE_CHECKING:
    from datavault.cli.privacy.anonymizing import PolicySource, Treater
    from datavault.domain.privacy.policy import Policy

HERE = "local"
_HELP = """\
Make files, folders or a pipe harmless by a policy, without network, token or vault.

Names of people, places and organizations and street addresses are found by a model, which
misses some. --tier patterns does not look for them: with it, a policy that would treat them is
refused, unless --without-names says that they may stay. Fields and phrases that the policy
itself names are always treated.

\b
What is read how, and what stays byte for byte unless it is changed:
  jsonl  .jsonl .ndjson          each line a record, leaf by leaf
  json   .json .geojson .har ... one JSON text over any lines, leaf by leaf, up to 16 MiB
  csv    .csv .tsv .tab          each row a record, cell by cell; a field of a policy is
                                 /column by the names in the first row, else /0, /1 ...
  text   anything else           passages of up to 256 KiB

Each may be compressed (gzip, zstd) or in UTF-16, and comes out as it came in. In records and
rows, names of members and columns count as labels: what stands under "ssn" is looked at as one.
A number (PERSON_1) is one person's throughout a record, a row or a text, for which one process
reads the text. The same input, policy, key, store, scope and day give the same bytes. What was
treated, what is in quarantine and what is still found in the output is told on stderr.

With --output-folder each file appears whole or not at all. Binary files, links and folders of
versions are skipped and named; a file that cannot be treated is named, the others go on, and
the exit code is 2, or 12 if files only have records that are to be looked at. An input that goes
into quarantine as a whole has no output and ends with 12, too.

Presets are gdpr, hipaa_safe_harbor, pci_dss, ccpa and llm_training.

\b
Example:
  openssl rand -hex 32 > key; chmod 600 key
  datavault anonymize chats.jsonl --policy llm_training --key-file key --output-file clean.jsonl
  datavault anonymize people.csv --policy gdpr --key-file key --output-file people.safe.csv
  datavault anonymize exports/ --policy ccpa --key-file key --output-folder safe/
  zcat log.gz | datavault anonymize - --format text --policy hipaa_safe_harbor
"""


@click.command(short_help="Make files, folders or a pipe harmless, by a policy.", help=_HELP)
@click.argument(
    "paths",
    metavar="FILE|FOLDER|-...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--policy",
    "named",
    required=True,
    metavar="NAME|FILE",
    help="A preset, or a policy in TOML or, with that ending, JSON.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", *FORMS]),
    default="auto",
    show_default=True,
    help="How the input is read; auto goes by the names of files. A pipe needs one.",
)
@click.option(
    "--header",
    type=click.Choice([each.value for each in Header]),
    default=Header.AUTO.value,
    show_default=True,
    help="Whether the first row of a table has its columns' names; auto goes by what is in it.",
)
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
    "--output-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where several files or those of folders go, under the same names; absent or empty.",
)
@click.option(
    "--quarantine-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where records go that are to be looked at; absent or empty. Without it they end the run.",
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
    paths: tuple[Path, ...],
    named: str,
    form: str,
    header: str,
    tier: str,
    without_names: bool,
    output_file: Path | None,
    output_folder: Path | None,
    quarantine_file: Path | None,
    key_file: Path | None,
    store: str,
    scope: str,
    on: datetime | None,
    threshold: float | None,
    jobs: int | None,
) -> None:
    """Treat what the command line says, as ``_HELP`` tells."""
    from datavault.cli.privacy.anonymizing import Treater
    from datavault.domain.privacy.keys import Setting

    if output_folder is None:
        plan = FolderPlan([single_job(paths, form, output_file, quarantine_file)], 0, [])
    else:
        plan = folder_plan(paths, form, output_folder, output_file, quarantine_file)
    day = on.date() if on is not None else datetime.now(UTC).date()
    treater = Treater(
        Search(Tier(tier), Tier(tier).entities, threshold, day),
        _policy_source(named),
        privacy_keys(key_file),
        Setting(store, scope, day),
        Header(header),
    )
    policy = _checked(treater)
    if not without_names:
        _require_looked_for(policy, treater.search)
    elif treater.search.tier is not Tier.PATTERNS:
        raise click.UsageError(f"--without-names goes with --tier {Tier.PATTERNS}")
    treater.search.get_ready()
    with Aside(quarantine_file) as quarantine:
        held = quarantine if quarantine_file is not None else None
        run = _run(plan.jobs, treater, policy, held, jobs or os.process_cpu_count() or 1)
        refused = _outcomes(run, output_folder, plan)
        run.keep_quarantine()
    for line in run.tally.told(run.seconds, (each.pointer.text for each in policy.fields)):
        say(line)
    say(f"policy {policy.hash}")
    if note := names_note(treater.search):
        say(note)
    if refused:
        raise _of_several(refused)


def _run(
    planned: list[Job], treater: "Treater", policy: "Policy", held: Aside | None, workers: int
) -> Run:
    """The run; one that numbers who is in a text reads it in one process."""
    from datavault.cli.privacy.anonymizing import Conversations

    if policy.numbers and any(job.source.form is Form.PASSAGES for job in planned):
        return Run(planned, replace(treater, conversations=Conversations()), 1, held)
    return Run(planned, treater, workers, held)


def _outcomes(run: Run, folder: Path | None, plan: FolderPlan) -> list[CommandFailed]:
    """Treat all of it; of a folder, tell how each file went that did not go well.

    Raises:
        CommandFailed: the one input is refused.
    """
    refused, skipped = list(plan.missed), plan.skipped
    done = 0
    with closing(run.outcomes()) as outcomes:
        for job, outcome in outcomes:
            match outcome:
                case None:
                    done += 1
                case Binary() if folder is None:
                    raise CommandFailed(
                        Exit.USAGE,
                        f"invalid: {job.source.name}: binary",
                        hint=f"--format {_named(job.source.form)} reads it all the same.",
                    )
                case Binary():
                    skipped += 1
                    say(f"skipped: {job.source.name}: binary")
                case CommandFailed():
                    if folder is None:
                        raise outcome
                    refused.append(outcome)
                    say(f"not treated: {outcome}")
    if folder is not None:
        told = f"{counted(done, 'file')} in {click.format_filename(folder)}"
        say(f"{told}, {len(refused)} not treated, {skipped} skipped")
    return refused


def _named(form: Form) -> str:
    """What ``--format`` calls a form: that of the file, whose columns or members a text has not."""
    return next(name for name, each in FORMS.items() if each is form)


def _of_several(refused: list[CommandFailed]) -> CommandFailed:
    """One failure for all: of usage, unless all are records to be looked at."""
    codes = {each.exit_code for each in refused}
    return CommandFailed(
        Exit.HELD if codes == {Exit.HELD} else Exit.USAGE,
        f"not treated: {counted(len(refused), 'input')}, named above",
        hint=next((each.hint for each in refused if each.hint), ""),
    )


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
