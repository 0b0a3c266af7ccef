"""``datavault merge``, ``cherry-pick`` and ``revert``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from datavault.cli.conflicts import (
    Version,
    conflict_document,
    conflict_lines,
    resolutions_of,
    resolve_option,
)
from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import document_of
from datavault.cli.session import (
    Session,
    branch_option,
    dataset_argument,
    message_option,
    takes_vault,
)
from datavault.cli.tables import counted, shown
from datavault.cli.versions import commit_line, commit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.contracts.versions.commits import CommitReply
    from datavault.contracts.versions.merges import ConflictReply, MergeReply, PreviewReply

type Strategy = Literal["fail", "ours", "theirs"]
type Granularity = Literal["fields", "records"]
type Resolved = Sequence[tuple[str, Version | bytes]]

# Each conflict brings three records along.
PAGE_CONFLICTS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """Which conflicts are meant: those of merging ``source`` into ``target``.

    ``base`` is there for a cherry-pick or a revert, which compare with a version of their own.
    """

    dataset_id: str
    source: str
    target: str
    granularity: Granularity
    base: str | None = None
    histories: Literal["related", "any"] = "related"


strategy_option = click.option(
    "--strategy",
    type=click.Choice(["fail", "ours", "theirs"]),
    default="fail",
    show_default=True,
    help="What settles conflicts that --resolve does not: nothing, or a side.",
)
granularity_option = click.option(
    "--by",
    "granularity",
    type=click.Choice(["fields", "records"]),
    default="fields",
    show_default=True,
    help="Whether a record both sides changed conflicts only where fields do, or always.",
)
mainline_option = click.option(
    "--mainline",
    type=click.IntRange(1, 16),
    help="Of a merge commit: which of its parents to compare with, from 1.",
)


@click.command("merge", short_help="Merge a ref into a branch.")
@dataset_argument
@click.argument("source")
@click.option(
    "--into", "target", default="main", show_default=True, help="The branch that is moved."
)
@strategy_option
@resolve_option
@granularity_option
@click.option("--preview", is_flag=True, help="Only say what it would come to.")
@click.option("--conflicts", "only_conflicts", is_flag=True, help="Only list the conflicts.")
@click.option("--unrelated", is_flag=True, help="Merge histories without a common ancestor too.")
@message_option
@takes_vault
def merge(
    session: Session,
    dataset: str,
    source: str,
    target: str,
    strategy: Strategy,
    resolved: Resolved,
    granularity: Granularity,
    preview: bool,
    only_conflicts: bool,
    unrelated: bool,
    message: str,
) -> None:
    """Merge what SOURCE (a branch, tag or commit) has committed into a branch.

    What one side alone changed is taken, field by field. Where both changed the same in different
    ways nothing is merged: the conflicts are listed and the exit code is 5. Then give the command
    again with a decision for each, or a strategy for all.

    \b
    Example:
      datavault merge chats cleaning --preview
      datavault merge chats cleaning --resolve chat-0002=theirs --resolve chat-0007=@mended.json
      datavault merge chats cleaning --into review --strategy ours
    """
    histories: Literal["related", "any"] = "any" if unrelated else "related"
    question = Question(
        session.dataset_id(dataset), source, target, granularity, histories=histories
    )
    if preview or only_conflicts:
        _look(session, question, told=preview)
        return
    reply = _settled(
        session,
        question,
        resolved,
        lambda: session.vault.merge_refs(
            question.dataset_id,
            source=source,
            target=target,
            strategy=strategy,
            granularity=granularity,
            resolutions=resolutions_of(resolved),
            histories=histories,
            message=message,
        ),
    )
    _tell(session, reply, f"Merged {shown(source)} into {shown(target)}.")


@click.command("cherry-pick", short_help="Make what a commit changed on another branch too.")
@dataset_argument
@click.argument("commit")
@branch_option
@mainline_option
@strategy_option
@resolve_option
@granularity_option
@message_option
@takes_vault
def cherry_pick(
    session: Session,
    dataset: str,
    commit: str,
    branch: str,
    mainline: int | None,
    strategy: Strategy,
    resolved: Resolved,
    granularity: Granularity,
    message: str,
) -> None:
    """Make on a branch, as a new commit, what COMMIT (an id, a branch or a tag) changed elsewhere.

    Conflicts are listed and settled as by "merge".

    \b
    Example:
      datavault cherry-pick chats 5f0c1e9ab3d2 --branch release
    """
    dataset_id = session.dataset_id(dataset)
    named, made = commit, commit_of(session, dataset_id, commit)
    commit, before = made.id, _parent(made, named, mainline)
    reply = _settled(
        session,
        Question(dataset_id, commit, branch, granularity, base=before),
        resolved,
        lambda: session.vault.cherry_pick_commit(
            dataset_id,
            commit=commit,
            branch=branch,
            mainline=mainline,
            strategy=strategy,
            granularity=granularity,
            resolutions=resolutions_of(resolved),
            message=message,
        ),
    )
    _tell(session, reply, f"Made the changes of {shown(named)} on {shown(branch)}.")


@click.command("revert", short_help="Undo what a commit changed, as a new commit.")
@dataset_argument
@click.argument("commit")
@branch_option
@mainline_option
@strategy_option
@resolve_option
@granularity_option
@message_option
@takes_vault
def revert(
    session: Session,
    dataset: str,
    commit: str,
    branch: str,
    mainline: int | None,
    strategy: Strategy,
    resolved: Resolved,
    granularity: Granularity,
    message: str,
) -> None:
    """Undo on a branch, as a new commit, what COMMIT (an id, a branch or a tag) changed.

    What has been changed again since conflicts, and is listed and settled as by "merge": ours is
    how it is now, theirs how it was before COMMIT.

    \b
    Example:
      datavault revert chats 5f0c1e9ab3d2
    """
    dataset_id = session.dataset_id(dataset)
    named, made = commit, commit_of(session, dataset_id, commit)
    commit, before = made.id, _parent(made, named, mainline)
    reply = _settled(
        session,
        Question(dataset_id, before or commit, branch, granularity, base=commit),
        resolved,
        lambda: session.vault.revert_commit(
            dataset_id,
            commit=commit,
            branch=branch,
            mainline=mainline,
            strategy=strategy,
            granularity=granularity,
            resolutions=resolutions_of(resolved),
            message=message,
        ),
    )
    _tell(session, reply, f"Undid {shown(named)} on {shown(branch)}.")


def _parent(commit: "CommitReply", named: str, mainline: int | None) -> str | None:
    """The version that a commit is compared with; ``None`` where the vault will say why not."""
    parents = commit.parents
    if mainline is None and len(parents) > 1:
        raise CommandFailed(
            Exit.USAGE,
            f"invalid: {shown(named)} is a merge of {len(parents)} versions",
            hint="--mainline 1 compares it with the first of them: the branch that it was made on.",
        )
    at = (mainline or 1) - 1
    return parents[at] if at < len(parents) else None


def _settled(
    session: Session, question: Question, resolved: Resolved, merge: "Callable[[], MergeReply]"
) -> "MergeReply":
    """Merge; when there are conflicts left to decide, list them and fail with the exit code."""
    from datavault.client.errors import Conflict

    try:
        return merge()
    except Conflict:
        decided = {record_id for record_id, _ in resolved}
        left = (each for each in _conflicts(session, question) if each.id not in decided)
        count = _write(session, left)
        if not count:
            raise  # Not for conflicts: the branch moved, say.
    raise CommandFailed(
        Exit.CONFLICT,
        f"conflict: {counted(count, 'record')} to decide; nothing was merged",
        hint="Give the command again with --resolve ID=ours, theirs, base, delete or @FILE for"
        " each,\nor with --strategy ours or theirs for all.",
    )


def _look(session: Session, question: Question, *, told: bool) -> None:
    if told:
        found = session.vault.preview_merge(
            question.dataset_id,
            source=question.source,
            target=question.target,
            granularity=question.granularity,
            histories=question.histories,
        )
        session.output.one(document_of(found), _preview_lines(found, question))
        if not session.output.is_table:
            return
    _write(session, _conflicts(session, question))


def _conflicts(session: Session, question: Question) -> "Iterator[ConflictReply]":
    return session.vault.iter_conflicts(
        question.dataset_id,
        source=question.source,
        target=question.target,
        base=question.base,
        granularity=question.granularity,
        histories=question.histories,
        include="records",
        page_size=PAGE_CONFLICTS,
    )


def _write(session: Session, conflicts: "Iterator[ConflictReply]") -> int:
    """Write them as they come; how many there were."""
    count = 0

    def numbered() -> "Iterator[ConflictReply]":
        nonlocal count
        for each in conflicts:
            count += 1
            yield each

    if session.output.is_table:
        for conflict in numbered():
            for line in conflict_lines(conflict):
                click.echo(line)
    else:
        session.output.documents(map(conflict_document, numbered()))
    return count


def _preview_lines(found: "PreviewReply", question: Question) -> "Iterator[str]":
    source, target = shown(question.source), shown(question.target)
    conflicts = sum(found.conflicts.values())
    match found.outcome:
        case "unchanged":
            yield f"{target} has all of {source} already."
        case "fast_forwarded":
            yield f"{target} would go forward to {source}: {found.theirs[:12]}."
        case _:
            yield (
                f"Merging {source} into {target} would change {counted(found.changes, 'record')}"
                f" and meet {counted(conflicts, 'conflict')}."
            )


def _tell(session: Session, reply: "MergeReply", done: str) -> None:
    told = {
        "unchanged": "Nothing to do: all of it is there already.",
        "fast_forwarded": f"{done} It only had to move forward.",
        "committed": done,
    }[reply.outcome]
    document = {**document_of(reply), "commit": document_of(reply.commit)}
    session.output.one(document, [told, commit_line(reply.commit)])
