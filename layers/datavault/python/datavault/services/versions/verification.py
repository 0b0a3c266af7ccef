"""Verifying a version: every node and every block of it, read from where they are stored.

Nothing is taken from a cache. Of a node its seal and its address are checked, of a block its seal,
and of every record in it the digest that the tree has for it. What does not pass is noted and
passed over: below a corrupt node nothing can be found, but all beside it is. Nothing of the
content leaves, so whoever audits may verify what they may not read.

A page ends after eight seconds or 128 MB of blocks, whatever comes first, between two pieces of at
most 16 MB. It begins on the way down to the record where the last one ended, so nodes above are
read again, and a block that two pieces share is counted in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from blake3 import blake3

from datavault.domain import keyspace
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import Dataset
from datavault.domain.digests import DIGEST_BYTES
from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.history import Commit
from datavault.domain.ids import CommitId, DatasetId
from datavault.domain.store.block import RecordBlock
from datavault.domain.store.columns import Entries, Mask
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.node import Inner, Pointer
from datavault.domain.store.nodes import Nodes
from datavault.domain.store.pack import Kind
from datavault.domain.store.places import Locators
from datavault.domain.verification import Checked, Part, Place
from datavault.ports import Vault
from datavault.services.bodies import fetch_blocks, open_block
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import find_commit_rows, open_commit_row
from datavault.services.keys import open_store
from datavault.services.nodes import StoredNodes
from datavault.services.refs import resolve

PAGE_MS_MAX = 8_000
PAGE_BYTES_MAX = 128 * 1024 * 1024
# Blocks fetched together: in memory twice, sealed and opened.
PIECE_BYTES_MAX = 16 * 1024 * 1024
PIECE_RECORDS_MAX = 1024


def verify_version(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, cursor: str | None
) -> Checked:
    """One page of the verification of the commit that ``ref`` names when the first is asked for.

    The first page also compares the commit's row with its object. What is staged is in no version.
    """
    require(caller, Action.VERIFY)
    dataset = find_dataset(vault, caller, dataset_id)
    keys = open_store(vault, dataset)
    scope = f"verify_version/{dataset_id}/{ref}"
    position = open_cursor(vault, caller, scope, cursor)
    if position is None:
        commit_id, after = resolve(vault, dataset, ref).commit, b""
    else:
        said, _, last = position.partition(" ")
        commit_id, after = CommitId(said), last.encode()
    page = _Page(vault, keys, deadline_ms=vault.clock.now_ms() + PAGE_MS_MAX)
    commit = _read_commit(page, dataset, commit_id, compare=position is None)
    following = None if commit is None else page.verify(commit.root, after)
    return Checked(
        commit_id,
        page.nodes,
        page.blocks,
        page.records,
        page.size,
        page.corrupt,
        None
        if following is None
        else seal_cursor(vault, caller, scope, f"{commit_id} {following.decode()}"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some neighbouring records of one leaf, ``last`` if its others are done."""

    rows: Entries
    last: bool


@dataclass(slots=True)
class _Page:
    """What a page has come to so far."""

    vault: Vault
    keys: StoreKeys
    deadline_ms: int
    nodes: int = 0
    blocks: int = 0
    records: int = 0
    size: int = 0
    corrupt: dict[Place, int] = field(default_factory=dict)

    def note(self, part: Part, name: str, records: int) -> None:
        """Something did not pass."""
        place = Place(part, name)
        self.corrupt[place] = self.corrupt.get(place, 0) + records

    def verify(self, root: Pointer, after: bytes) -> bytes | None:
        """Verify what comes after a record id; the one to go on from, or ``None`` at the end."""
        nodes = Nodes(StoredNodes(self.vault, self.keys), self.keys.ids.node, None)
        for done in self._walk(nodes, root, after):
            if self.size >= PAGE_BYTES_MAX or self.vault.clock.now_ms() >= self.deadline_ms:
                return done
        return None

    def _walk(self, nodes: Nodes, pointer: Pointer, after: bytes) -> Iterator[bytes]:
        """Verify a subtree; gives the id up to which all is done, each time that moves on.

        Not at its end, which is whoever's above it.
        """
        try:
            node = nodes.visit(pointer)
        except (Corrupt, NotFound):
            self.note(Part.NODE, pointer.locator.pack.id.hex(), pointer.count)
            return
        if isinstance(node, Inner):
            first = int(node.rows.ids.searchsorted(after, side="right"))
            rows = range(first, len(node.rows))
            pointers = node.pointers(rows)
            nodes.expect(pointers)
            for row, below in zip(rows, pointers, strict=True):
                yield from self._walk(nodes, below, after)
                if row < len(node.rows) - 1:
                    yield bytes(node.rows.ids[row])
        else:
            for piece in _pieces(node.rows, after):
                self._verify_piece(piece)
                if not piece.last:
                    yield bytes(piece.rows.ids[-1])
        # On the page on which its end is reached, so that it is counted once.
        self.nodes += 1

    def _verify_piece(self, piece: _Piece) -> None:
        """Read each block of some records, and of each record compare the digest."""
        rows = piece.rows
        locators = rows.locators
        order = np.lexsort((locators["slot"], locators["start"], locators["pack"]))
        ordered = locators.take(order)
        edges = [*np.flatnonzero(_first_of_block(ordered)).tolist(), len(order)]
        places = [rows.locator(int(order[edge])) for edge in edges[:-1]]
        sealed = fetch_blocks(self.vault, self.keys, Kind.RECORDS, places)
        digests = rows.values.take(order).tobytes()
        key = self.keys.ids.record
        for place, fetched, start, end in zip(places, sealed, edges[:-1], edges[1:], strict=True):
            pack = place.pack.id.hex()
            try:
                payload = open_block(self.vault, self.keys, Kind.RECORDS, place, fetched)
                block = RecordBlock.decode(payload)
                bodies = block.bodies(ordered["slot"][start:end].astype(np.int64))
            except (Corrupt, NotFound):
                self.note(Part.BLOCK, pack, end - start)
                continue
            self.blocks += 1
            self.size += len(payload)
            for row, body in enumerate(bodies, start):
                expected = digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]
                if blake3(body, key=key).digest(DIGEST_BYTES) == expected:
                    self.records += 1
                else:
                    self.note(Part.BLOCK, pack, 1)


def _read_commit(
    page: _Page, dataset: Dataset, commit_id: CommitId, *, compare: bool
) -> Commit | None:
    """The commit as its row has it, not from memory; ``None`` if that does not pass."""
    vault, keys = page.vault, page.keys
    row = find_commit_rows(vault, dataset, [commit_id]).get(commit_id)
    if row is None:
        raise NotFound(f"dataset {dataset.id} has no commit {commit_id}")
    try:
        commit = open_commit_row(keys, row).commit
        if commit.root.count != commit.counts.records:
            raise Corrupt(f"commit {commit_id} counts other records than its root")
    except Corrupt:
        page.note(Part.COMMIT, commit_id, 0)
        return None
    if compare:
        try:
            sealed = vault.objects.get(keyspace.commit_object(keys.store, commit_id))
            opened = keys.unseal(sealed, purpose="commit", context=commit_id, place=keys.store)
            Commit.decode(opened, commit_id)
        except (Corrupt, NotFound):
            page.note(Part.COMMIT, commit_id, 0)
    return commit


def _pieces(rows: Entries, after: bytes) -> Iterator[_Piece]:
    """A leaf's rows after an id, cut so that the blocks of a piece can be held at once."""
    start = int(rows.ids.searchsorted(after, side="right"))
    while start < len(rows):
        seen: set[tuple[int, int]] = set()
        size, stop = 0, start
        for pack, first, length in zip(
            rows.locators["pack"][start:].tolist(),
            rows.locators["start"][start:].tolist(),
            rows.locators["length"][start:].tolist(),
            strict=True,
        ):
            size += 0 if (pack, first) in seen else length
            seen.add((pack, first))
            if stop > start and (size > PIECE_BYTES_MAX or stop - start == PIECE_RECORDS_MAX):
                break
            stop += 1
        yield _Piece(rows.rows(start, stop), last=stop == len(rows))
        start = stop


def _first_of_block(ordered: Locators) -> Mask:
    first = np.ones(len(ordered), np.bool_)
    first[1:] = (ordered["start"][1:] != ordered["start"][:-1]) | (
        ordered["pack"][1:] != ordered["pack"][:-1]
    )
    return first
