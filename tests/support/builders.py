"""Builders: whatever a test needs and does not care about."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from unittest import mock

from datavault.adapters.memory.vault import COMMITS_MAX, KEYS_MAX, NODES_BYTES_MAX, MemoryVault
from datavault.domain.access import Caller, Operator, Role
from datavault.domain.cache import BoundedCache
from datavault.domain.changes import Compared, Include, RecordChange
from datavault.domain.datasets import Dataset
from datavault.domain.expectations import Version
from datavault.domain.history import Commit, Kept
from datavault.domain.ids import (
    BranchName,
    CommitId,
    DatasetName,
    RecordId,
    RequestId,
    TagName,
)
from datavault.domain.past import Event
from datavault.domain.reflog import Move
from datavault.domain.refs import Branch
from datavault.domain.requests import Request
from datavault.domain.schema_bounds import parse_record_schema
from datavault.domain.staging import NewRecord, Receipt, RecordBatch
from datavault.domain.store.nodes import NodeCache
from datavault.domain.tags import Tag
from datavault.domain.verification import Checked
from datavault.event_ports import Bus, DeadLetters
from datavault.ports import Columnar, Landing, Vault, Workflows
from datavault.schema_ports import Schemas
from datavault.services import datasets, workspaces
from datavault.services.records import changing, past, reading
from datavault.services.versions import branches, commits, diff, resets, tags, verification

MAIN = BranchName("main")
OPERATOR = Operator("arn:aws:iam::123456789012:user/operator", "operator-command")
NOTHING_EXPECTED: Mapping[str, Version] = {}


class Process:
    """A vault as another process sees it: the same ports, and caches of its own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.catalog = vault.catalog
        self.objects = vault.objects
        self.keyring = vault.keyring
        self.clock = vault.clock
        self.tokens = vault.tokens
        self.keys: BoundedCache[str, object] = BoundedCache(KEYS_MAX)
        self.nodes: NodeCache = BoundedCache(NODES_BYTES_MAX)
        self.commits: BoundedCache[str, Kept] = BoundedCache(COMMITS_MAX)

    # Asked for only when used: a vault need not be told of what its tests do not touch.
    @cached_property
    def workflows(self) -> Workflows:
        return self._vault.workflows

    @cached_property
    def landing(self) -> Landing:
        return self._vault.landing

    @cached_property
    def columnar(self) -> Columnar:
        return self._vault.columnar

    @cached_property
    def schemas(self) -> Schemas:
        return self._vault.schemas

    @cached_property
    def bus(self) -> Bus:
        return self._vault.bus

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return self._vault.dead_letters

    def forget(self) -> None:
        """What a restart does to the caches."""
        self.keys.clear()
        self.nodes.clear()
        self.commits.clear()


def a_caller(vault: Vault, *, subject: str = "alice", role: Role = Role.ADMIN) -> Caller:
    """Somebody with a role in a workspace of their own."""
    workspace = workspaces.create_workspace(vault, operator=OPERATOR, name="acme", stage="local")
    return Caller(subject, workspace.id, frozenset({role}), "correlation")


def a_dataset(
    vault: Vault,
    caller: Caller,
    *,
    name: str = "corpus",
    record_key: str | None = None,
    schema: Mapping[str, object] | None = None,
) -> Dataset:
    """An empty dataset."""
    return datasets.create_dataset(
        vault,
        caller=caller,
        name=DatasetName(name),
        description="",
        labels=(),
        record_key=record_key,
        request=None,
        schema=None if schema is None else parse_record_schema(schema),
    )


def a_request(name: str, *, body: bytes = b"body") -> Request:
    """An idempotent request."""
    return Request(RequestId(name), body.ljust(32, b"."))


def a_body(text: str, size: int = 0) -> bytes:
    """A record's JSON text that differs with ``text`` and has at least ``size`` bytes."""
    return b'{"t":"%s"}' % text.encode().ljust(size - 8, b"x")


def incompressible(seed: int, size: int) -> bytes:
    """A record's JSON text of ``size`` bytes that compression makes half as long, and no less."""
    return b'{"t":"%s"}' % random.Random(seed).randbytes(size // 2 - 4).hex().encode()


def new_records(bodies: Iterable[tuple[str, bytes]]) -> list[NewRecord]:
    """Records as an append takes them."""
    return [
        NewRecord(body, record_id, f"records/{index}")
        for index, (record_id, body) in enumerate(bodies)
    ]


@dataclass(frozen=True)
class Shelf:
    """A dataset and somebody who may do everything with it: short words for the services."""

    vault: Vault
    caller: Caller
    dataset: Dataset

    @classmethod
    def make(
        cls,
        vault: Vault | None = None,
        *,
        record_key: str | None = None,
        schema: Mapping[str, object] | None = None,
    ) -> "Shelf":
        """In a new workspace of ``vault``, or of a new one in memory."""
        made = vault or MemoryVault()
        caller = a_caller(made)
        return cls(made, caller, a_dataset(made, caller, record_key=record_key, schema=schema))

    def on(self, vault: Vault) -> "Shelf":
        """The same through another vault on the same ports."""
        return Shelf(vault, self.caller, self.dataset)

    def append(
        self,
        bodies: dict[str, bytes],
        *,
        branch: BranchName = MAIN,
        expected: Mapping[str, Version] = NOTHING_EXPECTED,
        request: Request | None = None,
    ) -> Receipt:
        return changing.append_records(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            branch=branch,
            records=[
                replace(record, expected=expected.get(record.id or ""))
                for record in new_records(bodies.items())
            ],
            request=request,
        )

    def delete(
        self,
        record_id: str,
        *,
        branch: BranchName = MAIN,
        expected: Version | None = None,
        request: Request | None = None,
    ) -> None:
        changing.delete_record(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            branch=branch,
            record_id=RecordId(record_id),
            expected=expected,
            request=request,
        )

    def commit(
        self,
        message: str = "message",
        *,
        branch: BranchName = MAIN,
        request: Request | None = None,
    ) -> Commit:
        return commits.create_commit(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            branch=branch,
            message=message,
            request=request,
        )

    def get(self, record_id: str, *, ref: str = MAIN) -> bytes:
        return reading.get_record(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            ref=ref,
            record_id=RecordId(record_id),
        ).body

    def etag(self, record_id: str, *, ref: str = MAIN) -> str:
        return reading.get_record(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            ref=ref,
            record_id=RecordId(record_id),
        ).etag

    def batch_get(self, *ids: str, ref: str = MAIN) -> RecordBatch:
        return reading.batch_get_records(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            ref=ref,
            ids=[RecordId(each) for each in ids],
        )

    def count(self, *, ref: str = MAIN) -> int:
        return reading.count_records(
            self.vault, caller=self.caller, dataset_id=self.dataset.id, ref=ref
        ).records

    def past(self, record_id: str, *, ref: str = MAIN, limit: int = 1000) -> list[Event]:
        """What commits did to a record, newest first, read page by page."""
        found: list[Event] = []
        cursor = None
        while True:
            page = past.list_record_history(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                ref=ref,
                record_id=RecordId(record_id),
                limit=limit,
                cursor=cursor,
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def all(self, *, ref: str = MAIN, limit: int = 1000) -> dict[str, bytes]:
        """Every record of a ref, read page by page; in order, and none twice."""
        found: list[tuple[str, bytes]] = []
        cursor = None
        while True:
            page = reading.list_records(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                ref=ref,
                limit=limit,
                cursor=cursor,
            )
            found += [(item.id, item.body) for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        ids = [record_id.encode() for record_id, _ in found]
        assert ids == sorted(set(ids)), "ids out of order or twice"
        return dict(found)

    def history(self, *, ref: str = MAIN, limit: int = 1000) -> list[Commit]:
        """The commits of a ref, newest first, read page by page."""
        found: list[Commit] = []
        cursor = None
        while True:
            page = commits.list_commits(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                ref=ref,
                limit=limit,
                cursor=cursor,
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def create_branch(
        self, name: str, *, start: str = MAIN, request: Request | None = None
    ) -> None:
        branches.create_branch(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            name=BranchName(name),
            start=start,
            request=request,
        )

    def protect(
        self,
        name: str = MAIN,
        protection: branches.Protection = branches.Protection.ON,
        *,
        request: Request | None = None,
    ) -> Branch:
        return branches.update_branch(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            name=BranchName(name),
            protection=protection,
            request=request,
        )

    def reset(
        self,
        to: str,
        *,
        branch: BranchName = MAIN,
        staged: resets.Staged = resets.Staged.REFUSE,
        expected: CommitId | None = None,
        request: Request | None = None,
    ) -> Branch:
        return resets.reset_branch(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            name=branch,
            to=to,
            staged=staged,
            expected=expected,
            request=request,
        )

    def reflog(self, name: str = MAIN, *, limit: int = 1000) -> list[Move]:
        """Where a branch has been, newest first, read page by page."""
        found: list[Move] = []
        cursor = None
        while True:
            page = resets.list_reflog(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                name=BranchName(name),
                limit=limit,
                cursor=cursor,
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def staged(self, *, branch: str = MAIN, limit: int = 1000) -> dict[str, str]:
        """What committing a branch would do to which records, read page by page."""
        found: dict[str, str] = {}
        cursor = None
        while True:
            page = reading.list_staged(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                branch=BranchName(branch),
                limit=limit,
                cursor=cursor,
            )
            found |= page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def diff(
        self,
        base: str,
        target: str,
        *,
        include: Include = Include.RECORDS,
        limit: int = 1000,
    ) -> list[RecordChange]:
        """What differs between two refs, read page by page."""
        found: list[RecordChange] = []
        cursor = None
        while True:
            page = self.diff_page(base, target, include=include, limit=limit, cursor=cursor)
            found += page.changes
            cursor = page.next_cursor
            if cursor is None:
                return found

    def create_tag(
        self, name: str, *, ref: str = MAIN, message: str = "", request: Request | None = None
    ) -> Tag:
        return tags.create_tag(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            name=TagName(name),
            ref=ref,
            message=message,
            request=request,
        )

    def tags(self, *, limit: int = 1000) -> list[Tag]:
        """All tags by name, read page by page."""
        found: list[Tag] = []
        cursor = None
        while True:
            page = tags.list_tags(
                self.vault,
                caller=self.caller,
                dataset_id=self.dataset.id,
                limit=limit,
                cursor=cursor,
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def diff_page(
        self,
        base: str,
        target: str,
        *,
        include: Include = Include.ETAGS,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Compared:
        return diff.diff_refs(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            base=base,
            target=target,
            include=include,
            limit=limit,
            cursor=cursor,
        )

    def verify(self, *, ref: str = MAIN) -> list[Checked]:
        """Every page of a verification."""
        pages: list[Checked] = []
        while not pages or pages[-1].next_cursor is not None:
            pages.append(
                verification.verify_version(
                    self.vault,
                    caller=self.caller,
                    dataset_id=self.dataset.id,
                    ref=ref,
                    cursor=pages[-1].next_cursor if pages else None,
                )
            )
        return pages

    def delete_branch(self, name: str, *, request: Request | None = None) -> None:
        branches.delete_branch(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            name=BranchName(name),
            request=request,
        )


@contextmanager
def seeded(seed: int) -> Iterator[random.Random]:
    """Make everything that is drawn a function of ``seed``: keys, nonces, ids, shards.

    Without this a failing seed could not be run again. The one patch in these tests.
    """
    chance = random.Random(seed)
    draw: Callable[[int], bytes] = random.Random(f"urandom {seed}").randbytes
    with mock.patch("os.urandom", draw):
        yield chance
