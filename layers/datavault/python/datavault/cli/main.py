"""``datavault``: the command. ``exits`` has its exit codes."""

import signal
import sys

import click

from datavault.cli.branches import branch, tag
from datavault.cli.completion import completion
from datavault.cli.datasets import clone_dataset, dataset
from datavault.cli.diff import show_diff, show_status
from datavault.cli.events import events
from datavault.cli.examining import count_records, show_history, show_stats, verify
from datavault.cli.exits import Exit
from datavault.cli.jobs import job
from datavault.cli.maintenance import maintenance
from datavault.cli.merging import cherry_pick, merge, revert
from datavault.cli.operators import demo, local, workspace
from datavault.cli.privacy.anonymize import anonymize
from datavault.cli.privacy.scan import scan
from datavault.cli.put import put
from datavault.cli.quarantine import quarantine
from datavault.cli.records import get_records, list_records, remove_records
from datavault.cli.root import Root, Section
from datavault.cli.settings import setting_options, settings
from datavault.cli.signing_in import login, token
from datavault.cli.versions import create_commit, show, show_log


@click.group(
    cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="datavault")
@setting_options
def cli() -> None:
    """Sealed, deduplicated, versioned storage for the data of language models.

    \b
    A first session:
      datavault login                                    where the vault is, and your token
      datavault dataset create chats --record-key id
      datavault put chats may.ndjson --commit -m "May"
      datavault log chats

    Users' commands act with a token: from "login", or DATAVAULT_ENDPOINT and DATAVAULT_TOKEN in
    the environment. Operators' commands act with AWS credentials.
    """


cli.take(
    (
        Section("Signing in", (login, token)),
        Section("Datasets", (dataset, clone_dataset, show_stats)),
        Section(
            "Records",
            (put, get_records, list_records, remove_records, count_records, show_history),
        ),
        Section(
            "Versions",
            (
                show_status,
                create_commit,
                show_log,
                show,
                show_diff,
                merge,
                revert,
                cherry_pick,
                branch,
                tag,
                verify,
            ),
        ),
        Section("Personal data, offline", (scan, anonymize)),
        Section("Jobs", (job, quarantine)),
        Section("On this machine", (local, demo, completion)),
        Section("Operators, with AWS credentials", (workspace, events, maintenance, settings)),
    )
)


def main() -> None:
    """Run the command.

    A command that is terminated ends what it started, as one that is interrupted does.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.TERMINATED))
    cli()
