"""``datavault dataset``, ``clone`` and ``stats``."""

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from datavault.cli.output import document_of, say
from datavault.cli.session import Session, dataset_argument, limit_option, ref_option, takes_vault
from datavault.cli.tables import Column

if TYPE_CHECKING:
    from datavault.contracts.datasets import DatasetReply

type Scalar = str | bool | int | float


def _pairs(_: object, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str] | None:
    """``KEY=VALUE`` several times; ``None`` when not given at all."""
    pairs = [text.partition("=") for text in given]
    if not all(key and equals for key, equals, _ in pairs):
        raise click.BadParameter("is given as KEY=VALUE", param=option)
    return {key: value for key, _, value in pairs} or None


def _metadata(
    context: object, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, Scalar] | None:
    pairs = _pairs(context, option, given)
    return None if pairs is None else {key: _scalar(value) for key, value in pairs.items()}


def _scalar(text: str) -> Scalar:
    """``5`` and ``true`` are themselves, anything else a text; ``"5"`` in quotes is a text too."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | bool | int | float) else text


def _instant(_: object, option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("is a time like 2026-01-31T12:00:00Z", param=option) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _schema(_: object, option: click.Parameter, file: Path | None) -> dict[str, object] | None:
    """The JSON object in a file; what it may say is for the vault to judge."""
    if file is None:
        return None
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter("the file has no JSON object", param=option)
    return found


label_option = click.option(
    "-l",
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="A label; may be given several times.",
)
metadata_option = click.option(
    "--metadata",
    multiple=True,
    metavar="FIELD=VALUE",
    callback=_metadata,
    help="A metadata field: a text, a number, true or false. May be given several times.",
)
schema_option = click.option(
    "--schema",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    callback=_schema,
    help="A file with a JSON Schema (draft 2020-12) for the records.",
)
description_option = click.option("-d", "--description", help="What it is.")


@click.group()
def dataset() -> None:
    """Create, find and change datasets.

    Every command takes a dataset by its name or by its id.
    """


@dataset.command("create")
@click.argument("name")
@click.option("-k", "--record-key", help="The field of each record that holds its id.")
@schema_option
@description_option
@label_option
@metadata_option
@takes_vault
def create_dataset(
    session: Session,
    name: str,
    record_key: str | None,
    schema: dict[str, object] | None,
    description: str | None,
    labels: dict[str, str] | None,
    metadata: dict[str, Scalar] | None,
) -> None:
    """Create a dataset with keys of its own, and its branch main.

    With --record-key a record that is put again replaces the one with its id; without it, every
    record put is a new one. With --schema a record that does not match is refused.

    \b
    Example:
      datavault dataset create chats --record-key id --label team=assist --schema chat.json
    """
    made = session.vault.create_dataset(
        name=name,
        record_key=record_key,
        description=description or "",
        labels=labels,
        metadata=metadata,
        schema=schema,
    )
    _show(session, made)


@dataset.command("list")
@click.option("--prefix", help="How the name begins; upper and lower case are one.")
@click.option("-l", "--label", multiple=True, help="KEY or KEY=VALUE; all given must hold.")
@click.option("--metadata", multiple=True, help="FIELD=VALUE; all given must hold.")
@click.option("--by", "created_by", help="Who created it.")
@click.option(
    "--state",
    type=click.Choice(["active", "archived", "any"]),
    default="active",
    show_default=True,
)
@click.option("--after", metavar="TIME", callback=_instant)
@click.option("--before", metavar="TIME", callback=_instant)
@limit_option
@takes_vault
def list_datasets(
    session: Session,
    prefix: str | None,
    label: tuple[str, ...],
    metadata: tuple[str, ...],
    created_by: str | None,
    state: Literal["active", "archived", "any"],
    after: datetime | None,
    before: datetime | None,
    limit: int | None,
) -> None:
    """List or search the datasets of your workspace, oldest first.

    TIME is a date or a time in UTC, such as 2026-01-31 or 2026-01-31T12:00:00Z.

    \b
    Example:
      datavault dataset list --label team=assist --after 2026-01-31
    """
    found = session.vault.iter_datasets(
        name_prefix=prefix,
        label=label,
        metadata=metadata,
        created_by=created_by,
        state=state,
        created_after=after,
        created_before=before,
    )
    columns: tuple[Column[DatasetReply], ...] = (
        Column("NAME", lambda each: each.name),
        Column("ID", lambda each: each.id),
        Column("STATE", lambda each: each.state),
        Column("CREATED", lambda each: each.created_at),
        Column("BY", lambda each: each.created_by),
        Column("LABELS", lambda each: _joined(each.labels), elastic=True),
    )
    session.output.many(
        islice(found, limit), columns, document=document_of, none="There are no such datasets."
    )


@dataset.command("show")
@dataset_argument
@takes_vault
def show_dataset(session: Session, dataset: str) -> None:
    """Show what is known of one dataset.

    \b
    Example:
      datavault dataset show chats
    """
    _show(session, session.vault.describe_dataset(session.dataset_id(dataset)))


@dataset.command("update")
@dataset_argument
@click.option("--name", help="What it is to be called.")
@schema_option
@description_option
@label_option
@metadata_option
@click.option(
    "--if-version",
    type=click.IntRange(1),
    help='Only if it is at this version ("dataset show" tells it); else exit code 5.',
)
@takes_vault
def update_dataset(
    session: Session,
    dataset: str,
    name: str | None,
    schema: dict[str, object] | None,
    description: str | None,
    labels: dict[str, str] | None,
    metadata: dict[str, Scalar] | None,
    if_version: int | None,
) -> None:
    """Change a dataset's name, description, labels, metadata or schema.

    Labels, metadata and the schema are replaced whole by those given. A schema is for records that
    come in from then on; a file with {} takes it away.

    \b
    Example:
      datavault dataset update chats --label team=assist --label stage=clean
    """
    if all(each is None for each in (name, description, labels, metadata, schema)):
        raise click.UsageError(
            "say what is to change: --name, --description, --label, --metadata, --schema"
        )
    changed = session.vault.update_dataset(
        session.dataset_id(dataset),
        if_match="*" if if_version is None else if_version,
        name=name,
        description=description,
        labels=labels,
        metadata=metadata,
        schema=schema,
    )
    _show(session, changed)


@dataset.command("archive")
@dataset_argument
@takes_vault
def archive_dataset(session: Session, dataset: str) -> None:
    """Take no more changes to a dataset, which is read as before.

    \b
    Example:
      datavault dataset archive chats
    """
    _show(session, session.vault.archive_dataset(session.dataset_id(dataset)))


@dataset.command("restore")
@dataset_argument
@takes_vault
def restore_dataset(session: Session, dataset: str) -> None:
    """Take changes to an archived dataset again.

    \b
    Example:
      datavault dataset restore chats
    """
    _show(session, session.vault.restore_dataset(session.dataset_id(dataset)))


@click.command("clone", short_help="Start another dataset at a version of this one.")
@dataset_argument
@click.argument("name")
@ref_option
@description_option
@label_option
@metadata_option
@takes_vault
def clone_dataset(
    session: Session,
    dataset: str,
    name: str,
    ref: str,
    description: str | None,
    labels: dict[str, str] | None,
    metadata: dict[str, Scalar] | None,
) -> None:
    """Make another dataset, called NAME, that starts at a version of DATASET.

    Nothing is copied: both share what is stored. What is not said of the clone is as the origin's.

    \b
    Example:
      datavault clone chats chats-cleaned --ref v1
    """
    made = session.vault.clone_dataset(
        session.dataset_id(dataset),
        name=name,
        ref=ref,
        description=description,
        labels=labels,
        metadata=metadata,
    )
    _show(session, made)


def _show(session: Session, found: "DatasetReply") -> None:
    origin = found.origin
    session.output.fields(
        document_of(found),
        (
            ("name", found.name),
            ("id", found.id),
            ("description", found.description or None),
            ("record key", found.record_key or "none: ids are given or assigned"),
            ("labels", _joined(found.labels) or None),
            ("metadata", _joined(found.metadata) or None),
            ("schema", found.schema_hash),
            ("state", found.state),
            ("version", found.version),
            ("origin", None if origin is None else f"{origin.dataset} at {origin.commit[:12]}"),
            ("created", f"{found.created_at:%Y-%m-%d %H:%M:%SZ} by {found.created_by}"),
            ("updated", found.updated_at),
        ),
    )
    if found.state == "archived":
        say("It is archived: read as before, and no changes are taken.")


def _joined(pairs: "dict[str, str] | dict[str, str | int | float | bool]") -> str:
    return " ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in pairs.items()
    )
