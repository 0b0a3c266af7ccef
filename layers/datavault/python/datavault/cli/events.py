"""``datavault events``: what did not get out, and what is wanted again; for operators."""

from datetime import datetime

import click

_TIME = click.DateTime(["%Y-%m-%dT%H:%M:%SZ"])
_START = click.option("--from", "start", type=_TIME, required=True, help="2026-01-31T08:00:00Z")
_END = click.option("--to", "end", type=_TIME, required=True, help="2026-01-31T09:00:00Z")


@click.group(short_help="Publish again what did not get out.")
def events() -> None:
    """Published events, for operators: with AWS credentials, not with a token.

    Whatever is sent again has the id and the sequence number it had: subscribers drop what they
    have seen. VAULT_EVENTS__BUS and VAULT_EVENTS__DEAD_LETTERS are outputs of the stateful stack.
    """


@events.command("redrive")
@click.option("--max", "letters_max", type=click.IntRange(1), default=10_000, show_default=True)
def redrive(letters_max: int) -> None:
    """Publish what could not be published, when the cause is mended.

    What still cannot be stays; the exit code is 1 then.
    """
    from datavault import wiring
    from datavault.contracts.events import write
    from datavault.services.events.recovery import redrive_events

    vault = wiring.vault()
    found = redrive_events(vault, operator=vault.operator, write=write, letters_max=letters_max)
    click.echo(f"Published: {found.done} letters.")
    if found.refused:
        click.echo(f"Not to be published yet: {found.refused} letters; see their reasons.")
    if found.unknown:
        click.echo(
            f"Forgotten by the stream: {found.unknown} letters;"
            ' use "datavault events republish" for their time.'
        )
    if found.refused or found.unknown:
        raise click.exceptions.Exit(1)


@events.command("republish")
@click.argument("workspace_id")
@_START
@_END
def republish(workspace_id: str, start: datetime, end: datetime) -> None:
    """Publish all that a workspace's ledger says of a time, at most a day, once more.

    However long ago it was: neither the stream nor the archive is needed.
    """
    from datavault import wiring
    from datavault.contracts.events import write
    from datavault.domain.ids import parse_workspace_id
    from datavault.services.events.recovery import republish_events

    vault = wiring.vault()
    published, failed = republish_events(
        vault,
        parse_workspace_id(workspace_id),
        operator=vault.operator,
        start_ms=_milliseconds(start),
        end_ms=_milliseconds(end),
        write=write,
    )
    click.echo(f"Published: {published} events. Failed: {failed}.")
    if failed:
        raise click.exceptions.Exit(1)


@events.command("replay")
@_START
@_END
@click.option(
    "--rule", "rules", multiple=True, required=True, help="A rule's ARN; may be repeated."
)
def replay(start: datetime, end: datetime, rules: tuple[str, ...]) -> None:
    """Send archived events of a time to some rules again; waits until that is done.

    By when the bus took them, which may be seconds after they happened. Ctrl-C ends the waiting
    and not the replay.
    """
    from datavault import wiring
    from datavault.services.events.recovery import await_replay, begin_replay

    vault = wiring.vault()
    name = f"datavault-{vault.clock.now_ms()}"
    begun = begin_replay(
        vault,
        operator=vault.operator,
        archive=vault.event_archive,
        name=name,
        start_ms=_milliseconds(start),
        end_ms=_milliseconds(end),
        rules=rules,
    )
    click.echo(f"Replay {name} has begun.")
    state = await_replay(vault, vault.event_archive, begun)
    click.echo(f"Replay {name}: {state.lower()}.")
    if state != "COMPLETED":
        raise click.exceptions.Exit(1)


def _milliseconds(moment: datetime) -> int:
    from datetime import UTC

    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)
