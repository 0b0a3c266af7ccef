"""``datavault branch`` and ``datavault tag``: names for versions."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.operators import abandon_commit
from datavault.cli.output import document_of
from datavault.cli.session import (
    Session,
    dataset_argument,
    limit_option,
    message_option,
    ref_option,
    takes_vault,
)
from datavault.cli.tables import Column, counted, shown
from datavault.cli.versions import SHORT_ID_CHARS

if TYPE_CHECKING:
    from datavault.contracts.versions.branches import BranchReply, MoveReply
    from datavault.contracts.versions.tags import TagReply


@click.group(short_help="Lines of versions that move with each commit.")
def branch() -> None:
    """Branches: lines of versions that move with each commit."""


@branch.command("list")
@dataset_argument
@limit_option
@takes_vault
def list_branches(session: Session, dataset: str, limit: int | None) -> None:
    """List the branches of a dataset by name.

    \b
    Example:
      datavault branch list chats
    """
    columns: tuple[Column[BranchReply], ...] = (
        Column("BRANCH", lambda each: each.name),
        Column("COMMIT", lambda each: each.commit[:SHORT_ID_CHARS]),
        Column("PROTECTED", lambda each: each.protected),
        Column("CREATED", lambda each: each.created_at),
        Column("BY", lambda each: each.created_by),
    )
    found = session.vault.iter_branches(session.dataset_id(dataset))
    session.output.many(
        islice(found, limit), columns, document=document_of, none="There are no branches."
    )


@branch.command("create", short_help="Create a branch at a version.")
@dataset_argument
@click.argument("name")
@click.option("--start", default="main", show_default=True, help="The ref where it starts.")
@takes_vault
def create_branch(session: Session, dataset: str, name: str, start: str) -> None:
    """Create a branch at the commit that another ref names; what is staged there stays behind.

    \b
    Example:
      datavault branch create chats cleaning --start v1
    """
    _show_branch(
        session,
        session.vault.create_branch(session.dataset_id(dataset), name=name, start=start),
    )


@branch.command("delete", short_help="Delete a branch; its commits stay.")
@dataset_argument
@click.argument("name")
@click.option("--discard-staged", is_flag=True, help="Give up what is staged on it.")
@takes_vault
def delete_branch(session: Session, dataset: str, name: str, discard_staged: bool) -> None:
    """Delete a branch; its commits stay, and its reflog tells them.

    What is staged on it would be gone: then it is not deleted, unless with --discard-staged.

    \b
    Example:
      datavault branch delete chats cleaning
    """
    dataset_id = session.dataset_id(dataset)
    staged = 0 if discard_staged else session.vault.count_records(dataset_id, ref=name).staged
    if staged:
        raise CommandFailed(
            Exit.CONFLICT,
            f"conflict: {counted(staged, 'staged change')} on {shown(name)} would be lost",
            hint='"datavault commit" commits them, --discard-staged gives them up.',
        )
    session.vault.delete_branch(dataset_id, name)
    session.output.one({"deleted": name}, [f"Branch {shown(name)} is deleted."])


@branch.command("protect")
@dataset_argument
@click.argument("name")
@takes_vault
def protect_branch(session: Session, dataset: str, name: str) -> None:
    """Let a branch move by merges only: no other change, no deletion.

    \b
    Example:
      datavault branch protect chats main
    """
    changed = session.vault.update_branch(session.dataset_id(dataset), name, protected=True)
    _show_branch(session, changed)


@branch.command("unprotect")
@dataset_argument
@click.argument("name")
@takes_vault
def unprotect_branch(session: Session, dataset: str, name: str) -> None:
    """End the protection of a branch.

    \b
    Example:
      datavault branch unprotect chats main
    """
    changed = session.vault.update_branch(session.dataset_id(dataset), name, protected=False)
    _show_branch(session, changed)


@branch.command("reset")
@dataset_argument
@click.argument("name")
@click.argument("to")
@click.option("--discard-staged", is_flag=True, help="Lose what is staged; else it is refused.")
@click.option("--expected", metavar="COMMIT", help="Only if it is at this commit (a full id) now.")
@takes_vault
def reset_branch(
    session: Session, dataset: str, name: str, to: str, discard_staged: bool, expected: str | None
) -> None:
    """Move a branch to the commit that the ref TO names; "branch reflog" leads back.

    \b
    Example:
      datavault branch reset chats main v1
    """
    moved = session.vault.reset_branch(
        session.dataset_id(dataset),
        name,
        to=to,
        staged="discard" if discard_staged else "refuse",
        expected_commit=expected,
    )
    _show_branch(session, moved)


@branch.command("reflog")
@dataset_argument
@click.argument("name")
@limit_option
@takes_vault
def show_reflog(session: Session, dataset: str, name: str, limit: int | None) -> None:
    """List where a branch has been, newest first; of a deleted one too.

    \b
    Example:
      datavault branch reflog chats main -n 10
    """
    columns: tuple[Column[MoveReply], ...] = (
        Column("TIME", lambda each: each.moved_at),
        Column("FROM", lambda each: (each.source or "-")[:SHORT_ID_CHARS]),
        Column("TO", lambda each: (each.target or "-")[:SHORT_ID_CHARS]),
        Column("BY", lambda each: each.actor),
        Column("OPERATION", lambda each: each.operation),
    )
    found = session.vault.iter_reflog(session.dataset_id(dataset), name)
    session.output.many(
        islice(found, limit), columns, document=document_of, none="It has never moved."
    )


branch.add_command(abandon_commit)


@click.group(short_help="Names of versions that never move.")
def tag() -> None:
    """Tags: names of versions that never move."""


@tag.command("list")
@dataset_argument
@limit_option
@takes_vault
def list_tags(session: Session, dataset: str, limit: int | None) -> None:
    """List the tags of a dataset by name.

    \b
    Example:
      datavault tag list chats
    """
    columns: tuple[Column[TagReply], ...] = (
        Column("TAG", lambda each: each.name),
        Column("COMMIT", lambda each: each.commit[:SHORT_ID_CHARS]),
        Column("CREATED", lambda each: each.created_at),
        Column("BY", lambda each: each.created_by),
        Column("MESSAGE", lambda each: each.message.partition("\n")[0], elastic=True),
    )
    found = session.vault.iter_tags(session.dataset_id(dataset))
    session.output.many(
        islice(found, limit), columns, document=document_of, none="There are no tags."
    )


@tag.command("create")
@dataset_argument
@click.argument("name")
@ref_option
@message_option
@takes_vault
def create_tag(session: Session, dataset: str, name: str, ref: str, message: str) -> None:
    """Give a version a name that never moves.

    \b
    Example:
      datavault tag create chats v1 -m "What we trained on in May"
    """
    made = session.vault.create_tag(
        session.dataset_id(dataset), name=name, ref=ref, message=message
    )
    _show_tag(session, made)


@tag.command("show")
@dataset_argument
@click.argument("name")
@takes_vault
def show_tag(session: Session, dataset: str, name: str) -> None:
    """Show one tag.

    \b
    Example:
      datavault tag show chats v1
    """
    _show_tag(session, session.vault.get_tag(session.dataset_id(dataset), name))


def _show_branch(session: Session, found: "BranchReply") -> None:
    told = f"{shown(found.name)} is at {found.commit[:SHORT_ID_CHARS]}"
    protected = ", and takes merges only" if found.protected else ""
    session.output.one(document_of(found), [f"Branch {told}{protected}."])


def _show_tag(session: Session, found: "TagReply") -> None:
    session.output.fields(
        document_of(found),
        (
            ("tag", found.name),
            ("commit", found.commit),
            ("created", found.created_at),
            ("by", found.created_by),
            ("message", found.message or None),
        ),
    )
