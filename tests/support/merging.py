"""Short words for merging on a shelf."""

from collections.abc import Sequence
from dataclasses import dataclass

from datavault.domain.changes import Include
from datavault.domain.ids import BranchName, RecordId
from datavault.domain.merging import (
    Granularity,
    Histories,
    Landed,
    MergeConflict,
    Preview,
    Question,
    Resolution,
    Rules,
    Strategy,
    Take,
)
from datavault.domain.requests import Request
from datavault.domain.staging import Receipt
from datavault.services.records import changing
from datavault.services.versions import merge as merges
from datavault.services.versions import preview
from tests.support.builders import MAIN, Shelf

DEV = BranchName("dev")


@dataclass(frozen=True)
class Settling:
    """How conflicts are settled, in one word or one by one."""

    strategy: Strategy = Strategy.FAIL
    granularity: Granularity = Granularity.FIELDS
    takes: Sequence[tuple[str, Take | bytes]] = ()

    def rules(self) -> Rules:
        resolutions = [
            Resolution(RecordId(record_id), take, f"resolutions/{index}")
            for index, (record_id, take) in enumerate(self.takes)
        ]
        return Rules.of(self.strategy, self.granularity, resolutions)


PLAIN = Settling()


def write(shelf: Shelf, changes: dict[str, bytes | None], *, branch: BranchName = MAIN) -> str:
    """Commit changes to a branch; ``None`` removes. The commit."""
    put = {record_id: body for record_id, body in changes.items() if body is not None}
    if put:
        shelf.append(put, branch=branch)
    for record_id, body in changes.items():
        if body is None:
            shelf.delete(record_id, branch=branch)
    return shelf.commit(branch=branch).id


def merge(
    shelf: Shelf,
    source: str = DEV,
    target: BranchName = MAIN,
    *,
    settling: Settling = PLAIN,
    histories: Histories = Histories.RELATED,
    request: Request | None = None,
) -> Landed:
    return merges.merge_refs(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        source=source,
        target=target,
        rules=settling.rules(),
        histories=histories,
        message="",
        request=request,
    )


def revert(
    shelf: Shelf,
    commit: str,
    branch: BranchName = MAIN,
    *,
    mainline: int | None = None,
    settling: Settling = PLAIN,
    request: Request | None = None,
) -> Landed:
    return merges.revert_commit(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        commit_ref=commit,
        branch=branch,
        mainline=mainline,
        rules=settling.rules(),
        message="",
        request=request,
    )


def pick(
    shelf: Shelf,
    commit: str,
    branch: BranchName = MAIN,
    *,
    mainline: int | None = None,
    settling: Settling = PLAIN,
    request: Request | None = None,
) -> Landed:
    return merges.cherry_pick_commit(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        commit_ref=commit,
        branch=branch,
        mainline=mainline,
        rules=settling.rules(),
        message="",
        request=request,
    )


def restore(shelf: Shelf, record_id: str, ref: str, *, request: Request | None = None) -> Receipt:
    return changing.restore_record(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        record_id=RecordId(record_id),
        ref=ref,
        branch=MAIN,
        request=request,
    )


def question(
    source: str = DEV,
    target: BranchName = MAIN,
    *,
    base: str | None = None,
    granularity: Granularity = Granularity.FIELDS,
) -> Question:
    return Question(source, target, base, granularity, Histories.RELATED)


def previewed(shelf: Shelf, asked: Question) -> Preview:
    return preview.preview_merge(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, question=asked
    )


def conflicts(
    shelf: Shelf, asked: Question, *, include: Include = Include.RECORDS, limit: int = 1000
) -> list[MergeConflict]:
    """The conflicts of a merge, read page by page."""
    found: list[MergeConflict] = []
    cursor = None
    while True:
        page = preview.list_conflicts(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            question=asked,
            include=include,
            limit=limit,
            cursor=cursor,
        )
        found += page.conflicts
        cursor = page.next_cursor
        if cursor is None:
            return found
