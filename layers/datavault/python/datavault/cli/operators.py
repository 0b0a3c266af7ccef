"""Operators' commands: with AWS credentials, on the vault itself; and the vault on one machine."""

import errno
from pathlib import Path

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say


@click.command(short_help="See the main job done on real data.")
def demo() -> None:
    """Do the main job on real data, in a local cloud that is gone afterwards.

    Needs a checkout of the project: the cloud runs what its CDK app synthesizes.
    """
    from datavault.local.demo import run_demo

    run_demo(click.echo)


@click.command(short_help="Keep a vault running until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), default=4566, show_default=True)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder; without it, all is gone when the cloud stops.",
)
def local(port: int, state: Path | None) -> None:
    """Keep a vault running on this machine until Ctrl-C.

    Prints where the API and its documentation are, a token, and a first request to try.
    """
    from datavault.local.serve import serve

    try:
        serve(click.echo, port=port, state=state, doing=say)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise CommandFailed(
            Exit.FAILED, error.strerror or "", hint="--port takes another one."
        ) from None


@click.group(short_help="Make workspaces and limit their requests.")
def workspace() -> None:
    """Workspaces, for operators: with AWS credentials, not with a token."""


@workspace.command("create")
@click.argument("name")
def create_workspace(name: str) -> None:
    """Make a workspace called NAME: its KMS key, and its entry in the catalog.

    Prints the workspace's id, which tokens carry in their claim "workspace". Which vault it is
    for, the environment says: AWS credentials, AWS_REGION, VAULT_STAGE; from the outputs of the
    stateful stack VAULT_TABLES__CATALOG, VAULT_TABLES__STAGING and VAULT_TABLES__LEDGER; and from
    those of the API's stack VAULT_USAGE__API (ApiId) and VAULT_USAGE__PLAN (UsagePlan).

    If this is interrupted after the id is printed, "workspace limit" goes on.
    """
    import os

    from datavault import wiring
    from datavault.services.workspaces import admit_workspace
    from datavault.services.workspaces import create_workspace as create

    if not os.environ.get("VAULT_STAGE"):
        raise ValueError("VAULT_STAGE is not set: a key of the wrong stage no function may use")
    vault = wiring.vault()
    plans = vault.usage_plans  # Before anything is made: a setting may be missing.
    operator = vault.operator
    made = create(vault, operator=operator, name=name, stage=vault.settings.stage)
    click.echo(made.id)
    admit_workspace(vault, operator=operator, plans=plans, workspace=made.id, limits=None)


@workspace.command("limit")
@click.argument("workspace_id")
@click.option("--rate", type=click.IntRange(1), help="Requests a second.")
@click.option("--burst", type=click.IntRange(1), help="Requests at once; given with --rate.")
@click.option("--per-day", type=click.IntRange(1), help="Requests a day; unlimited without.")
def limit_workspace(
    workspace_id: str, rate: int | None, burst: int | None, per_day: int | None
) -> None:
    """Let the API take a workspace's requests, within limits of its own.

    Without --rate and --burst the limits of the stage hold. May be repeated. Beyond a limit the
    API answers "throttled" with Retry-After. API Gateway counts as well as it can: take the
    limits for a fence between workspaces, not for accounting.
    """
    from datavault import wiring
    from datavault.domain.ids import parse_workspace_id
    from datavault.domain.usage import UsageLimits
    from datavault.services.workspaces import admit_workspace

    if (rate is None) != (burst is None) or (rate is None and per_day is not None):
        raise click.UsageError("--rate and --burst go together, and --per-day with them")
    limits = None if rate is None or burst is None else UsageLimits(rate, burst, per_day)
    known = parse_workspace_id(workspace_id)
    vault = wiring.vault()
    admit_workspace(
        vault,
        operator=vault.operator,
        plans=vault.usage_plans,
        workspace=known,
        limits=limits,
    )
    click.echo("The stage's limits hold." if limits is None else "Limits of its own hold.")


@click.command("abandon-commit", short_help="Give up a pending commit (operators only).")
@click.argument("workspace_id")
@click.argument("dataset_id")
@click.argument("name")
@click.confirmation_option(prompt="The changes this commit was to make will be lost. Go on?")
def abandon_commit(workspace_id: str, dataset_id: str, name: str) -> None:
    """Give up the commit that is pending on branch NAME (operators: AWS credentials).

    What it was to commit is lost. Only for a branch on which every commit ends in "corrupt",
    because something staged cannot be read any more. The ledger keeps who did it.
    """
    from datavault import wiring
    from datavault.domain.access import Caller, Role
    from datavault.domain.ids import parse_branch_name, parse_dataset_id, parse_workspace_id
    from datavault.services.datasets import find_dataset
    from datavault.services.refs import abandon, open_work

    vault = wiring.vault()
    workspace = parse_workspace_id(workspace_id)
    operator = vault.operator
    caller = Caller(operator.identity, workspace, frozenset({Role.ADMIN}), operator.correlation_id)
    dataset = find_dataset(vault, caller, parse_dataset_id(dataset_id))
    abandon(open_work(vault, dataset, parse_branch_name(name)), operator)
    click.echo(f"The pending commit of {name} is abandoned.")
