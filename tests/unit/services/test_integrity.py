"""What is stored is what was stored, or ``Corrupt``: never other data, never another error."""

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.adapters.memory.objects import MemoryObjects
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.datasets import DEFAULT_BRANCH
from datavault.domain.errors import Corrupt
from datavault.domain.history import Commit
from datavault.domain.ids import BranchName, CommitId
from datavault.domain.rows import Attributes, Put, Row, Table
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import HEADER_BYTES, Kind, open_table, read_header
from datavault.domain.store.places import PackRef
from datavault.services.blocks import FOLDERS, object_key, reseal_pack
from datavault.services.keys import open_store
from tests.simulation.model import Content, rows_of
from tests.support.builders import Process, Shelf, a_body, a_caller, a_dataset, incompressible

KINDS = list(Kind)
EXHAUSTIVE_BYTES_MAX = 4096
SAMPLED_BITS = 600


class Store:
    """A dataset whose every kind of object exists, and hands to tamper with them."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        shelf.append({"a": a_body("a"), "b": a_body("b", 4100), "c": a_body("c")})
        self.commit = shelf.commit()
        self.committed = {"a": a_body("a"), "b": a_body("b", 4100), "c": a_body("c")}
        shelf.append({"s": a_body("s", 4200)})
        self.visible = {**self.committed, "s": a_body("s", 4200)}
        self.keys = open_store(shelf.vault, shelf.dataset)

    @property
    def objects(self) -> MemoryObjects:
        found = self.shelf.vault.objects
        assert isinstance(found, MemoryObjects)
        return found

    def names(self, kind: Kind) -> list[str]:
        store = self.shelf.dataset.store
        return [key for key in self.objects.keys("") if f"/{store}/{FOLDERS[kind]}/" in key]

    def newest(self, kind: Kind) -> str:
        """The object of that kind which reads depend on."""
        used = {self.commit.root.locator.pack.id} if kind is Kind.NODES else None
        names = self.names(kind)
        if used is not None:
            return next(name for name in names if _id_of(name) in used)
        return names[0] if kind is Kind.RECORDS else self._staged_pack()

    def _staged_pack(self) -> str:
        """The pack of the open generation: of two, the one without which it cannot be read."""
        for name in self.names(Kind.STAGED):
            held = self.objects._objects.pop(name)
            try:
                self.shelf.on(Process(self.shelf.vault)).get("s")
            except Corrupt:
                return name
            finally:
                self.objects._objects[name] = held
        raise AssertionError("no staged pack is needed")

    def open_whole(self, kind: Kind, pack: bytes, name: str) -> int:
        """Open everything in a pack by its own name; the number of blocks."""
        claimed, epoch, store, seed = read_header(pack[:HEADER_BYTES])
        if claimed is not kind or store != self.keys.store:
            raise Corrupt("a pack of another kind or store")
        ref = PackRef(_id_of(name), epoch, seed)
        key = self.keys.pack(ref, kind)
        table = open_table(key, pack)
        for start, length in zip(table.starts.tolist(), table.lengths.tolist(), strict=True):
            key.open_block(pack[start : start + length])
        return len(table.starts)

    def ref_of(self, name: str) -> PackRef:
        """The pack of that name, as its header has it."""
        _, epoch, _, seed = read_header(self.objects.get(name)[:HEADER_BYTES])
        return PackRef(_id_of(name), epoch, seed)

    def read_all(self) -> tuple[Content, Content]:
        """Everything, through the services, by a process that remembers nothing."""
        fresh = self.shelf.on(Process(self.shelf.vault))
        return fresh.all(), fresh.all(ref=self.commit.id)

    def put(self, name: str, content: bytes) -> None:
        """Tamper."""
        self.objects.delete(name)
        self.objects.put(name, [content])


def _id_of(name: str) -> bytes:
    return bytes.fromhex(name.split("/")[-1])


@pytest.fixture
def store() -> Store:
    return Store(Shelf.make())


def bits_of(content: bytes) -> Iterator[int]:
    count = 8 * len(content)
    if len(content) <= EXHAUSTIVE_BYTES_MAX:
        return iter(range(count))
    return iter(random.Random(len(content)).sample(range(count), SAMPLED_BITS))


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_flipped_bit_of_a_pack_opens(store: Store, kind: Kind) -> None:
    name = store.newest(kind)
    pack = store.objects.get(name)
    assert store.open_whole(kind, pack, name) >= 1
    for bit in bits_of(pack):
        with pytest.raises(Corrupt):
            store.open_whole(kind, flipped(pack, bit), name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_flipped_bit_of_a_block_is_read_as_data(store: Store, kind: Kind) -> None:
    """Through the services: a block that was flipped is ``Corrupt``, the rest is right."""
    name = store.newest(kind)
    pack = store.objects.get(name)
    expected = (store.visible, store.committed)
    refused = 0
    chance = random.Random(1)
    for bit in chance.sample(range(8 * len(pack)), 250):
        store.put(name, flipped(pack, bit))
        try:
            assert store.read_all() == expected
        except Corrupt:
            refused += 1
    store.put(name, pack)
    assert store.read_all() == expected
    assert refused > 60


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_truncated_pack_opens(store: Store, kind: Kind) -> None:
    name = store.newest(kind)
    pack = store.objects.get(name)
    for size in range(len(pack)):
        with pytest.raises(Corrupt):
            store.open_whole(kind, pack[:size], name)
    for more in (pack + b"\0", b"\0" + pack, pack + pack):
        with pytest.raises(Corrupt):
            store.open_whole(kind, more, name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_truncated_object_is_corrupt_or_its_blocks_are_whole(store: Store, kind: Kind) -> None:
    name = store.newest(kind)
    pack = store.objects.get(name)
    chance = random.Random(2)
    for size in [0, 1, 96, *chance.sample(range(len(pack)), 40)]:
        store.put(name, pack[:size])
        try:
            assert store.read_all() == (store.visible, store.committed)
        except Corrupt:
            continue
        assert size > len(pack) // 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_missing_object_is_corrupt(store: Store, kind: Kind) -> None:
    store.objects.delete(store.newest(kind))
    with pytest.raises(Corrupt):
        store.read_all()


def test_exchanged_packs_are_corrupt(store: Store) -> None:
    """Every two packs of a store under each other's names, whatever their kinds."""
    store.shelf.append({"a": a_body("a2"), "d": a_body("d", 6000)})
    names = [name for kind in KINDS for name in store.names(kind)]
    content = {name: store.objects.get(name) for name in names}
    for first in names:
        for second in names:
            if first == second:
                continue
            kind = _kind_of(first)
            with pytest.raises(Corrupt):
                store.open_whole(kind, content[second], first)
    used = [store.newest(kind) for kind in KINDS]
    for first in used:
        for second in names:
            if first != second:
                store.put(first, content[second])
                with pytest.raises(Corrupt):
                    store.read_all()
                store.put(first, content[first])


def test_exchanged_blocks_of_a_pack_are_corrupt() -> None:
    """Each opens by its own number; at the other's place it is not taken for it, nor moved on."""
    shelf = Shelf.make()
    shelf.append({f"r{number:02d}": incompressible(number, 66_000) for number in range(40)})
    store = Store(shelf)
    name = store.newest(Kind.RECORDS)
    pack = store.objects.get(name)
    table = open_table(store.keys.pack(store.ref_of(name), Kind.RECORDS), pack)
    spans = zip(table.starts.tolist(), table.lengths.tolist(), strict=True)
    blocks = [pack[start : start + length] for start, length in spans]
    first, second = next(
        (one, other)
        for one, other in combinations(range(len(blocks)), 2)
        if len(blocks[one]) == len(blocks[other])
    )
    blocks[first], blocks[second] = blocks[second], blocks[first]
    footer = pack[HEADER_BYTES + sum(map(len, blocks)) :]
    store.put(name, b"".join([pack[:HEADER_BYTES], *blocks, footer]))
    with pytest.raises(Corrupt):
        shelf.on(Process(shelf.vault)).all()
    with pytest.raises(Corrupt, match=f"block {second} .* is where {first} should be"):
        reseal_pack(shelf.vault, store.keys, Kind.RECORDS, store.ref_of(name))


def test_an_older_pack_in_place_of_a_newer_is_corrupt(store: Store) -> None:
    """A replayed version: the pack of the first commit under the name of the second's."""
    first = {kind: store.newest(kind) for kind in (Kind.RECORDS, Kind.NODES)}
    old = {kind: store.objects.get(name) for kind, name in first.items()}
    store.shelf.append({"a": a_body("changed")})
    commit = store.shelf.commit("second")
    for kind, name in first.items():
        newer = [other for other in store.names(kind) if other != name]
        for other in newer:
            content = store.objects.get(other)
            store.put(other, old[kind])
            with pytest.raises(Corrupt):
                store.open_whole(kind, old[kind], other)
            if kind is Kind.NODES and bytes.fromhex(other[-32:]) == commit.root.locator.pack.id:
                with pytest.raises(Corrupt):
                    store.shelf.on(Process(store.shelf.vault)).all(ref=commit.id)
            store.put(other, content)


def test_objects_of_another_store_are_corrupt_under_the_names_of_this_one() -> None:
    vault = MemoryVault()
    caller = a_caller(vault)
    here = Store(Shelf(vault, caller, a_dataset(vault, caller, name="here")))
    there = Store(Shelf(vault, caller, a_dataset(vault, caller, name="there")))
    for kind in KINDS:
        name = here.newest(kind)
        content = here.objects.get(name)
        here.put(name, there.objects.get(there.newest(kind)))
        with pytest.raises(Corrupt):
            here.read_all()
        here.put(name, content)
    assert here.read_all() == (here.visible, here.committed)


# Commit objects and sealed rows.


def test_no_flipped_bit_of_a_commit_object_opens(store: Store) -> None:
    name = keyspace.commit_object(store.keys.store, store.commit.id)
    sealed = store.objects.get(name)
    assert _open_commit(store.keys, sealed, store.commit.id) == store.commit
    for bit in bits_of(sealed):
        with pytest.raises(Corrupt):
            _open_commit(store.keys, flipped(sealed, bit), store.commit.id)
    for size in range(len(sealed)):
        with pytest.raises(Corrupt):
            _open_commit(store.keys, sealed[:size], store.commit.id)


def test_a_commit_object_under_another_name_is_corrupt(store: Store) -> None:
    (parent,) = store.commit.parents
    sealed = store.objects.get(keyspace.commit_object(store.keys.store, parent))
    with pytest.raises(Corrupt):
        _open_commit(store.keys, sealed, store.commit.id)


def test_no_flipped_bit_of_a_row_is_read_as_data(store: Store) -> None:
    """Every sealed attribute there is, each bit of it, read through the services."""
    sealed = [row for row in _all_rows(store.shelf.vault) if "sealed" in row.attributes]
    assert {row.key.partition.split("/")[0] for row in sealed} == {"staged", "batches", "commits"}
    chance = random.Random(3)
    refused = 0
    for row in sealed:
        content = row.binary("sealed")
        for bit in chance.sample(range(8 * len(content)), 60):
            _tamper(store.shelf.vault, row, flipped(content, bit))
            try:
                assert store.read_all() == (store.visible, store.committed)
                # A row of a committed generation is not read any more, and neither is a parent.
                assert _is_history(store, row)
            except Corrupt:
                refused += 1
        _tamper(store.shelf.vault, row, content)
    assert refused >= 3 * 60


def test_sealed_rows_do_not_open_in_each_others_places() -> None:
    """Records, generations, branches, datasets, workspaces: any two rows exchanged."""
    vault = MemoryVault()
    caller = a_caller(vault)
    shelves = [Shelf(vault, caller, a_dataset(vault, caller, name=name)) for name in "ab"]
    other = a_caller(vault, subject="bob")
    shelves.append(Shelf(vault, other, a_dataset(vault, other, name="one")))
    for shelf in shelves:
        shelf.append({"a": a_body("1"), "b": a_body("2")})
        shelf.commit()
        shelf.append({"a": a_body("3"), "c": a_body("4")})
        shelf.create_branch("dev")
        shelf.append({"a": a_body("5")}, branch=BranchName("dev"))
    owner = {row.key: shelf for row in _all_rows(vault) for shelf in shelves if _is_of(shelf, row)}
    rows = [row for row in _all_rows(vault) if "sealed" in row.attributes]
    assert len(rows) == 30
    exchanged = 0
    for target in rows:
        for source in rows:
            if source.key == target.key:
                continue
            kept = target.binary("sealed")
            moved = Row(target.key, {**target.attributes, "sealed": source.binary("sealed")})
            with pytest.raises(Corrupt):
                _open_row(owner[target.key], moved)
            _open_row(owner[target.key], Row(target.key, {**target.attributes, "sealed": kept}))
            exchanged += 1
    assert exchanged == 30 * 29


def test_wrapped_keys_do_not_unwrap_in_each_others_places() -> None:
    vault = MemoryVault()
    caller = a_caller(vault)
    here = Shelf(vault, caller, a_dataset(vault, caller, name="here"))
    there = Shelf(vault, caller, a_dataset(vault, caller, name="there"))
    stranger = a_caller(vault, subject="bob")
    away = Shelf(vault, stranger, a_dataset(vault, stranger, name="here"))
    rows = {
        shelf.dataset.store: [row for row in _all_rows(vault) if _is_key_of(shelf, row)]
        for shelf in (here, there, away)
    }
    assert [len(found) for found in rows.values()] == [2, 2, 2]
    every = [row for found in rows.values() for row in found]
    for target in rows[here.dataset.store]:
        for source in every:
            if source.key == target.key:
                continue
            vault.catalog.put_many(
                [Put(target.key, {**target.attributes, "wrapped": source.binary("wrapped")})]
            )
            with pytest.raises(Corrupt):
                open_store(Process(vault), here.dataset)
            # With the other one's KEK beside it, it is no better.
            taken = {**target.attributes, "wrapped": source.binary("wrapped")}
            vault.catalog.put_many([Put(target.key, {**taken, "kek": source.text("kek")})])
            with pytest.raises(Corrupt):
                open_store(Process(vault), here.dataset)
        vault.catalog.put_many([Put(target.key, target.attributes)])
    assert open_store(Process(vault), here.dataset).store == here.dataset.store


@pytest.mark.parametrize("purpose", ["id", "dek"])
def test_a_store_without_one_of_its_keys_is_corrupt(store: Store, purpose: str) -> None:
    key = keyspace.store_key(
        store.shelf.dataset.workspace, store.keys.store, purpose, 0 if purpose == "id" else 1
    )
    store.shelf.vault.catalog.delete_many([key])
    with pytest.raises(Corrupt):
        store.read_all()


@pytest.mark.parametrize("which", [0, 1])
def test_a_staged_row_that_is_gone_is_missed(store: Store, which: int) -> None:
    """Its batch lists it: neither a read nor a commit falls back to what was before."""
    store.shelf.append({"s": a_body("newer")})
    rows = [
        row
        for row in rows_of(store.shelf.vault.catalog, Table.STAGING)
        if row.key.partition.startswith("staged/") and row.key.partition.split("/")[2] == "1"
    ]
    assert len(rows) == 2
    rows.sort(key=lambda row: row.key.sort)
    store.shelf.vault.catalog.delete_many([rows[which].key])
    if which == 1:
        with pytest.raises(Corrupt):
            store.read_all()
    with pytest.raises(Corrupt):
        store.shelf.commit()


# Moved packs.


@pytest.mark.parametrize("kind", [Kind.RECORDS, Kind.NODES], ids=lambda kind: kind.name)
def test_a_moved_pack_is_found_by_the_directory(store: Store, kind: Kind) -> None:
    name = store.newest(kind)
    ref = _ref_of(store, name, kind)
    target = reseal_pack(store.shelf.vault, store.keys, kind, ref)
    assert target.id != ref.id
    assert store.read_all() == (store.visible, store.committed)
    store.objects.delete(name)
    assert store.read_all() == (store.visible, store.committed)
    # And what is built on it later is right.
    store.shelf.append({"a": a_body("later")})
    later = store.shelf.commit("later")
    expected = {**store.visible, "a": a_body("later")}
    assert store.shelf.on(Process(store.shelf.vault)).all(ref=later.id) == dict(
        sorted(expected.items())
    )


@pytest.mark.parametrize("kind", [Kind.RECORDS, Kind.NODES], ids=lambda kind: kind.name)
def test_every_pack_can_be_moved(kind: Kind) -> None:
    """Many blocks, several commits, all packs moved and their old objects deleted."""
    shelf = Shelf.make()
    content: Content = {}
    for number in range(3):
        bodies = {f"r{at:04d}": a_body(f"{number} {at}", 900) for at in range(number, 600, 3)}
        shelf.append(bodies)
        content |= bodies
        shelf.commit(f"{number}")
    keys = open_store(shelf.vault, shelf.dataset)
    folder = FOLDERS[kind]
    for name in list(shelf.vault.objects.keys("")):
        if f"/{folder}/" in name:
            claimed, epoch, _, seed = read_header(shelf.vault.objects.get(name)[:HEADER_BYTES])
            assert claimed is kind
            ref = PackRef(_id_of(name), epoch, seed)
            reseal_pack(shelf.vault, keys, kind, ref)
            shelf.vault.objects.delete(name)
    fresh = shelf.on(Process(shelf.vault))
    assert fresh.all() == dict(sorted(content.items()))
    assert fresh.get("r0300") == content["r0300"]


@pytest.fixture(scope="module")
def wide() -> tuple[Shelf, Content]:
    """A tree of several leaves, which are fetched a few at a time."""
    shelf = Shelf.make()
    content: Content = {}
    for batch in range(9):
        bodies = {f"r{batch}{number:04d}": a_body(f"{number}") for number in range(1000)}
        shelf.append(bodies)
        content |= bodies
    shelf.commit()
    shelf.append({"r00007": a_body("changed")})
    shelf.commit("second")
    return shelf, {**content, "r00007": a_body("changed")}


def test_leaves_fetched_together_are_looked_for_where_they_are(wide: tuple[Shelf, Content]) -> None:
    """A stale hint, flipped bytes and a moved pack, each met by the fetch ahead."""
    shelf, content = wide
    keys = open_store(shelf.vault, shelf.dataset)
    objects = shelf.vault.objects
    assert shelf.on(Process(shelf.vault)).all() == content
    names = [name for name in objects.keys("") if "/nodes/" in name]
    packs = {name: objects.get(name) for name in names}
    for name, pack in packs.items():
        _, epoch, _, seed = read_header(pack[:HEADER_BYTES])
        ref = PackRef(_id_of(name), epoch, seed)
        reseal_pack(shelf.vault, keys, Kind.NODES, ref)
    for spoiled in (None, b""):
        for name, pack in packs.items():
            objects.delete(name)
            if spoiled is not None:
                objects.put(name, [bytes(len(pack))])
    assert shelf.on(Process(shelf.vault)).all() == content
    for name in names:
        objects.delete(name)
    fresh = shelf.on(Process(shelf.vault))
    assert fresh.all() == content
    shelf.append({f"r{batch}0500": a_body("edited") for batch in range(9)})
    assert fresh.commit("third").counts.changed == 9
    for name, pack in packs.items():
        objects.put(name, [pack])


def test_leaves_fetched_together_and_flipped_are_corrupt(wide: tuple[Shelf, Content]) -> None:
    shelf, _ = wide
    vault = shelf.vault
    assert isinstance(vault.objects, MemoryObjects)
    rows = [row for row in _all_rows(vault) if row.key.partition.startswith("packs/")]
    kept = dict(vault.objects._objects)
    vault.catalog.delete_many([row.key for row in rows])
    refused = 0
    for name in [name for name in kept if "/nodes/" in name]:
        pack = kept[name]
        vault.objects._objects[name] = pack[:96] + bytes(len(pack) - 96)
        try:
            shelf.on(Process(vault)).all()
        except Corrupt:
            refused += 1
        vault.objects._objects[name] = pack
    vault.catalog.put_many([Put(row.key, row.attributes) for row in rows])
    assert refused >= 1


@pytest.mark.parametrize("kind", [Kind.RECORDS, Kind.NODES], ids=lambda kind: kind.name)
def test_a_wrong_directory_entry_is_corrupt_and_not_data(store: Store, kind: Kind) -> None:
    name = store.newest(kind)
    ref = _ref_of(store, name, kind)
    reseal_pack(store.shelf.vault, store.keys, kind, ref)
    store.objects.delete(name)
    vault = store.shelf.vault
    key = keyspace.moved_pack(store.keys.store, ref.id)
    right = vault.catalog.get(key)
    assert right is not None
    others = [_ref_of(store, each, kind) for each in store.names(kind)]
    wrong: list[Attributes] = [
        *_entries_of(others),
        {"pack": bytes(16)},
        {"pack": b""},
        {"epoch": 2},
        {"epoch": -1},
        {"epoch": 2**40},
        {"seed": bytes(32)},
        {"seed": b""},
        {"footer_start": 0},
        {"footer_start": -1},
        {"footer_start": 10**12},
        {"footer_length": 0},
        {"footer_length": 7},
        {"footer_length": 9},
        {"footer_length": -1},
        {"footer_length": 10**12},
    ]
    for attributes in wrong:
        vault.catalog.put_many([Put(key, {**right.attributes, **attributes})])
        if vault.catalog.get(key) == right:
            continue
        with pytest.raises(Corrupt):
            store.read_all()
    vault.catalog.put_many([Put(key, right.attributes)])
    assert store.read_all() == (store.visible, store.committed)


def test_a_directory_entry_to_another_real_pack_is_corrupt(store: Store) -> None:
    """The entry of one pack leads to the copy of another, all of it authentic."""
    store.shelf.append({"a": a_body("changed"), "z": a_body("z")})
    store.shelf.commit("second")
    vault = store.shelf.vault
    for kind in (Kind.RECORDS, Kind.NODES):
        names = store.names(kind)
        rows: list[Row] = []
        for name in names:
            ref = _ref_of(store, name, kind)
            reseal_pack(vault, store.keys, kind, ref)
            row = vault.catalog.get(keyspace.moved_pack(store.keys.store, ref.id))
            assert row is not None
            rows.append(row)
            store.objects.delete(name)
        fresh = store.shelf.on(Process(vault))
        assert fresh.all(ref=store.commit.id) == store.committed
        for here, there in zip(rows, rows[1:] + rows[:1], strict=True):
            vault.catalog.put_many([Put(here.key, there.attributes)])
        with pytest.raises(Corrupt):
            store.shelf.on(Process(vault)).all(ref=store.commit.id)
        vault.catalog.put_many([Put(row.key, row.attributes) for row in rows])


def test_a_wrong_trail_is_corrupt_and_not_another_history(store: Store) -> None:
    store.shelf.append({"a": a_body("2")})
    store.shelf.commit("second")
    expected = store.shelf.history()
    vault = store.shelf.vault
    key = keyspace.commit(
        store.shelf.dataset.workspace, store.shelf.dataset.id, store.shelf.history(limit=1)[0].id
    )
    row = vault.catalog.get(key)
    assert row is not None
    for trail in (bytes(32), row.binary("trail")[::-1], row.binary("trail")[32:] + bytes(32)):
        vault.catalog.put_many([Put(key, {**row.attributes, "trail": trail})])
        with pytest.raises(Corrupt):
            store.shelf.on(Process(vault)).history()
    vault.catalog.put_many([Put(key, {**row.attributes, "trail": b""})])
    assert store.shelf.on(Process(vault)).history() == expected


def _open_commit(keys: StoreKeys, sealed: bytes, commit_id: CommitId) -> Commit:
    opened = keys.unseal(sealed, purpose="commit", context=commit_id, place=keys.store)
    return Commit.decode(opened, commit_id)


def _open_row(shelf: Shelf, row: Row) -> None:
    """Open a sealed row where it stands, as the services do."""
    from datavault.domain.ids import BranchId
    from datavault.services import staging
    from datavault.services.history import open_commit_row

    keys = open_store(shelf.vault, shelf.dataset)
    kind, *rest = row.key.partition.split("/")
    if kind == "commits":
        open_commit_row(keys, row)
        return
    branch, generation = BranchId(rest[0]), int(rest[1])
    work = staging.Work(shelf.vault, keys, shelf.dataset, branch, DEFAULT_BRANCH)
    if kind == "staged":
        staging.open_change(work, generation, row)
    else:
        keys.unseal(
            row.binary("sealed"),
            purpose="batch",
            context=f"{branch}/{generation}",
            place=staging.place_of(work, row.key),
        )


def _ref_of(store: Store, name: str, kind: Kind) -> PackRef:
    claimed, epoch, _, seed = read_header(store.objects.get(name)[:HEADER_BYTES])
    assert claimed is kind
    ref = PackRef(_id_of(name), epoch, seed)
    assert name == object_key(store.keys.store, kind, ref.id)
    return ref


def _entries_of(packs: list[PackRef]) -> Iterator[Attributes]:
    for pack in packs:
        yield {"pack": pack.id, "epoch": pack.epoch, "seed": pack.seed}


def _kind_of(name: str) -> Kind:
    return next(kind for kind, folder in FOLDERS.items() if f"/{folder}/" in name)


def _all_rows(vault: object) -> list[Row]:
    catalog = vault.catalog  # type: ignore[attr-defined]
    assert isinstance(catalog, MemoryCatalog)
    return [row for table in Table for row in rows_of(catalog, table)]


def _tamper(vault: object, row: Row, sealed: bytes) -> None:
    vault.catalog.put_many([Put(row.key, {**row.attributes, "sealed": sealed})])  # type: ignore[attr-defined]


def _is_history(store: Store, row: Row) -> bool:
    kind, *rest = row.key.partition.split("/")
    if kind == "commits":
        return row.key.sort != store.commit.id
    return rest[1] == "0"


def _is_key_of(shelf: Shelf, row: Row) -> bool:
    return row.key.partition == f"store/{shelf.dataset.workspace}/{shelf.dataset.store}"


def _is_of(shelf: Shelf, row: Row) -> bool:

    from datavault.services.versions import branches

    if shelf.dataset.id in row.key.partition:
        return True
    found = branches.list_branches(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, limit=9, cursor=None
    ).items
    return any(branch.id in row.key.partition for branch in found)
