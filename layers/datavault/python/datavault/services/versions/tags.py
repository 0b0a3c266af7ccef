"""Tags: create, get, list. A tag never moves, and there is no way to delete one."""

from datavault.domain import keyspace, ledger, tags
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import Dataset, still_active
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.ids import BranchName, DatasetId, TagName
from datavault.domain.pages import Page
from datavault.domain.requests import Request
from datavault.domain.rows import Row, Table
from datavault.domain.store.keys import StoreKeys
from datavault.domain.tags import Tag
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset, find_writable_dataset
from datavault.services.keys import open_store
from datavault.services.refs import resolve


def create_tag(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: TagName,
    ref: str,
    message: str,
    request: Request | None,
) -> Tag:
    """Name the commit that ``ref`` names now, for good; what is staged there is not in it.

    Raises:
        Conflict: there is a tag or a branch of that name.
    """
    require(caller, Action.CREATE_TAG)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    keys = open_store(vault, dataset)
    tag_key = keyspace.tag(dataset.workspace, dataset.id, name)
    branch_key = keyspace.branch(dataset.workspace, dataset.id, BranchName(name))
    for token in attempts(vault, "the dataset"):
        taken = vault.catalog.get_many([tag_key, branch_key])
        # After the name: if this very request has taken it, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return _find_tag(vault, keys, dataset, TagName(before))
        if taken:
            kind = "tag" if tag_key in taken else "branch"
            raise Conflict(f"there is a {kind} of this name already", field="name")
        now_ms = vault.clock.now_ms()
        commit = resolve(vault, dataset, ref).commit
        tag = Tag(name, commit, message, now_ms, caller.subject)
        sealed = keys.seal(message.encode(), purpose="tag message", context=name, place=dataset.id)
        changes = [
            still_active(dataset, token),
            *tags.create(dataset.workspace, dataset.id, tag, sealed),
            *remember(vault, caller, request, name, now_ms),
            ledger.entry(
                caller,
                Action.CREATE_TAG,
                "create_tag",
                dataset.id,
                now_ms,
                tag=name,
                commit=commit,
            ),
        ]
        if attempt(vault, changes, token):
            return tag
    raise AssertionError("attempts ends by raising")


def get_tag(vault: Vault, *, caller: Caller, dataset_id: DatasetId, name: TagName) -> Tag:
    """One tag."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    return _find_tag(vault, open_store(vault, dataset), dataset, name)


def list_tags(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, limit: int, cursor: str | None
) -> Page[Tag]:
    """The dataset's tags, by name."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    keys = open_store(vault, dataset)
    scope = f"list_tags/{dataset_id}"
    page = vault.catalog.page(
        Table.CATALOG,
        keyspace.dataset(dataset.workspace, dataset.id).partition,
        prefix=keyspace.TAG_PREFIX,
        after=open_cursor(vault, caller, scope, cursor),
        limit=limit,
    )
    last = page.rows[-1].key.sort if page.more else None
    return Page(
        tuple(_open(keys, dataset, row) for row in page.rows),
        seal_cursor(vault, caller, scope, last),
    )


def _find_tag(vault: Vault, keys: StoreKeys, dataset: Dataset, name: TagName) -> Tag:
    row = vault.catalog.get(keyspace.tag(dataset.workspace, dataset.id, name))
    if row is None:
        raise NotFound(f"dataset {dataset.id} has no tag of this name", field="tag")
    return _open(keys, dataset, row)


def _open(keys: StoreKeys, dataset: Dataset, row: Row) -> Tag:
    message = keys.unseal(
        row.binary("message"), purpose="tag message", context=row.text("name"), place=dataset.id
    )
    return Tag.of(row, message.decode())
