"""``datavault maintenance``: read-only mode, for operators."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datavault.domain.ids import WorkspaceId

_WORKSPACE = click.option(
    "--workspace", "workspace_id", help="Of this workspace alone; without it, the whole stage."
)


@click.group(short_help="Refuse changes for a while, with a reason.")
def maintenance() -> None:
    """Read-only mode, for operators: with AWS credentials, not with a token.

    While it is on, whatever would change something is answered "read only" with your reason,
    and reads go on. The ledger keeps who turned it on and off.
    """


@maintenance.command("on")
@click.option("--reason", required=True, help="What callers are told; one line, no secrets.")
@_WORKSPACE
def turn_on(reason: str, workspace_id: str | None) -> None:
    """Refuse changes, and tell callers why.

    Functions notice within 5 seconds, and those under way may take their time to end: the last
    line says after how many seconds nothing changes any more.
    """
    from datavault import wiring
    from datavault.contracts.operations import OPERATIONS
    from datavault.services.maintenance import HELD_MS, set_read_only

    vault, of = wiring.vault(), _workspace(workspace_id)
    set_read_only(vault, operator=vault.operator, workspace=of, reason=reason)
    longest_s = max(row.timeout_s for row in OPERATIONS if row.changes_something)
    click.echo(f"Read-only. In {HELD_MS // 1000 + longest_s} seconds nothing changes any more.")


@maintenance.command("off")
@_WORKSPACE
def turn_off(workspace_id: str | None) -> None:
    """Take changes again; functions notice within 5 seconds."""
    from datavault import wiring
    from datavault.services.maintenance import clear_read_only

    vault = wiring.vault()
    clear_read_only(vault, operator=vault.operator, workspace=_workspace(workspace_id))
    click.echo("Changes are taken again.")


@maintenance.command("status")
@_WORKSPACE
def show_status(workspace_id: str | None) -> None:
    """Say whether it is on, since when and why. Exit code 0 in either case."""
    from datetime import UTC, datetime

    from datavault import wiring
    from datavault.services.maintenance import find_read_only

    mode = find_read_only(wiring.vault(), _workspace(workspace_id))
    if mode is None:
        click.echo("Changes are taken.")
        return
    since = datetime.fromtimestamp(mode.since_ms / 1000, UTC)
    click.echo(f"Read-only since {since:%Y-%m-%dT%H:%M:%SZ}: {mode.reason}")


def _workspace(text: str | None) -> "WorkspaceId | None":
    from datavault.domain.ids import parse_workspace_id

    return None if text is None else parse_workspace_id(text)
