"""The figures of a version are those of the objects in the store."""

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import Corrupt, NotFound, TooLarge
from datavault.domain.ids import BranchName
from datavault.domain.papers import Mode
from datavault.domain.stats import DatasetStats, Stored
from datavault.domain.store.pack import PackKey, open_table, read_header
from datavault.services.datasets import stats
from datavault.services.ingest.stream import ingest_lines
from datavault.services.keys import open_store
from tests.support.builders import MAIN, Process, Shelf, a_body
from tests.support.chaos import ChaosVault


def counted(shelf: Shelf, ref: str = MAIN, base: str | None = None) -> DatasetStats:
    return stats.get_dataset_stats(
        Process(shelf.vault),
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=ref,
        base=base,
    )


def in_store(shelf: Shelf, kind: str) -> dict[str, int]:
    """The bytes of sealed blocks in each object of a kind, counted from the objects themselves."""
    keys = open_store(shelf.vault, shelf.dataset)
    found: dict[str, int] = {}
    for name in shelf.vault.objects.keys(""):
        if f"/{kind}/" not in name:
            continue
        pack = shelf.vault.objects.get(name)
        read, epoch, store, seed = read_header(pack[:96])
        key = PackKey(keys._dek(epoch), store, read, epoch, seed)
        table = open_table(key, pack)
        found[name] = int(table.lengths.sum())
        # Header, footer and trailer are all that is not counted.
        assert len(pack) - found[name] < 200 + 16 * len(table.lengths)
    return found


def logical(shelf: Shelf, ref: str = MAIN) -> int:
    return sum(len(body) for body in shelf.all(ref=ref).values())


def lines(first: int, last: int, tag: str = "") -> bytes:
    return b"".join(
        b'{"id":"r%06d","text":"%s"}\n' % (number, f"{tag}{number * 7919}".encode() * 20)
        for number in range(first, last)
    )


def ingest(shelf: Shelf, data: bytes, mode: Mode = Mode.UPSERT) -> str:
    return ingest_lines(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        branch=MAIN,
        chunks=[data],
        message="m",
        mode=mode,
    ).commit.id


def test_a_first_version_is_stored_in_all_that_there_is() -> None:
    shelf = Shelf.make(MemoryVault(), record_key="id")
    empty_nodes = sum(in_store(shelf, "nodes").values())
    ingest(shelf, lines(0, 3000))
    found = counted(shelf)
    assert found.records == 3000
    assert found.logical_bytes == logical(shelf)
    assert found.stored.records == sum(in_store(shelf, "packs").values())
    assert found.stored.nodes == sum(in_store(shelf, "nodes").values()) - empty_nodes
    assert (found.unique, found.shared) == (found.stored, Stored(0, 0))
    assert found.both_stored_bytes == found.stored.total + empty_nodes
    assert found.both_logical_bytes == found.logical_bytes


def test_what_two_versions_share_is_counted_for_both() -> None:
    shelf = Shelf.make(MemoryVault(), record_key="id")
    first = ingest(shelf, lines(0, 3000))
    old = in_store(shelf, "packs"), in_store(shelf, "nodes")
    ingest(shelf, lines(100, 130, "new"))
    new = in_store(shelf, "packs"), in_store(shelf, "nodes")
    found = counted(shelf)
    assert found.base == first
    assert found.logical_bytes == logical(shelf)
    assert found.both_logical_bytes == logical(shelf) + logical(shelf, first)
    added_records = sum(new[0].values()) - sum(old[0].values())
    assert found.unique.records == added_records > 0
    # A patched leaf needs its anchor, so that all of its nodes but the root may be old.
    assert 0 < found.unique.nodes <= sum(new[1].values()) - sum(old[1].values())
    assert found.shared.records == found.stored.records - found.unique.records
    # 30 records of 3000 were replaced, in one or two blocks of the old pack.
    assert found.shared.records > 0.8 * sum(old[0].values())
    assert found.both_stored_bytes <= sum(sum(objects.values()) for objects in new)
    assert found.both_stored_bytes > 0.99 * sum(sum(each.values()) for each in new)


def test_a_version_is_compared_with_any_other() -> None:
    shelf = Shelf.make(MemoryVault(), record_key="id")
    first = ingest(shelf, lines(0, 500))
    second = ingest(shelf, lines(0, 500, "other"), Mode.REPLACE)
    third = ingest(shelf, lines(0, 500), Mode.REPLACE)
    assert counted(shelf, third, second).shared.records == 0
    same = counted(shelf, third, third)
    assert (same.unique, same.shared) == (Stored(0, 0), same.stored)
    assert same.both_stored_bytes == same.stored.total
    back = counted(shelf, second, first)
    assert (back.base, back.shared.records) == (first, 0)
    root = shelf.history()[-1].id
    none = counted(shelf, root)
    assert (none.base, none.records, none.logical_bytes) == (None, 0, 0)
    assert none.stored.records == 0
    assert none.unique == none.stored
    with pytest.raises(NotFound):
        counted(shelf, MAIN, "nowhere")


def test_equal_records_are_stored_once_and_counted_each() -> None:
    shelf = Shelf.make()
    shelf.append({f"{number}": a_body("same", 3000) for number in range(50)})
    shelf.commit()
    found = counted(shelf)
    assert found.logical_bytes == 50 * 3000
    assert found.stored.records == sum(in_store(shelf, "packs").values()) < 3000


def test_what_is_staged_is_not_counted() -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("a", 6000)})
    assert counted(shelf).records == 0
    shelf.commit()
    assert counted(shelf).logical_bytes == 6000


def test_a_clone_counts_what_its_origin_does() -> None:
    from datavault.domain.ids import DatasetName
    from datavault.services.datasets.clones import clone_dataset

    shelf = Shelf.make()
    shelf.append({f"{number}": a_body(f"{number}", 900) for number in range(200)})
    shelf.commit()
    copy = clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=MAIN,
        name=DatasetName("copy"),
        request=None,
    )
    assert counted(Shelf(shelf.vault, shelf.caller, copy)) == counted(shelf)


def test_no_record_is_read() -> None:
    shelf = Shelf.make(MemoryVault(), record_key="id")
    ingest(shelf, lines(0, 20_000))
    packs = [name for name in shelf.vault.objects.keys("") if "/packs/" in name]
    for name in packs:
        shelf.vault.objects.delete(name)
    chaos = ChaosVault(shelf.vault)
    assert counted(shelf.on(chaos)).records == 20_000
    assert chaos.calls < 60


def test_sizes_that_are_missing_are_corrupt() -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("a")})
    shelf.commit()
    for name in [name for name in shelf.vault.objects.keys("") if "/sizes/" in name]:
        shelf.vault.objects.delete(name)
    with pytest.raises(Corrupt, match="sizes of pack"):
        counted(shelf)


def test_a_version_that_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("a"), "b": a_body("b")})
    shelf.commit()
    shelf.create_branch("less")
    shelf.delete("a", branch=BranchName("less"))
    shelf.commit(branch=BranchName("less"))
    monkeypatch.setattr(stats, "STATS_RECORDS_MAX", 1)
    with pytest.raises(TooLarge, match="at most 1") as refusal:
        counted(shelf)
    assert refusal.value.field == "ref"
    with pytest.raises(TooLarge) as refusal:
        counted(shelf, "less", MAIN)
    assert refusal.value.field == "base"
