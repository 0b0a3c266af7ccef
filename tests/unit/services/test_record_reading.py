"""Batches of records, counts, and the past of a record."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid
from datavault.domain.past import Kind
from datavault.services.records import past, reading
from tests.support.builders import Process, Shelf, a_body, incompressible
from tests.support.recording import RangesVault, RecordingVault


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("1"), "b": a_body("b", 9000), "c": a_body("c"), "ü/…": a_body("ü")})
    made.commit()
    made.append({"a": a_body("2"), "s": a_body("s"), "l": a_body("l", 9000)})
    made.delete("c")
    return made


def test_a_batch_is_what_was_asked_in_that_order(shelf: Shelf) -> None:
    batch = shelf.batch_get("l", "never", "b", "c", "a", "s", "ü/…")
    found = [(record.id, record.body, record.staged) for record in batch.found]
    assert found == [
        ("l", a_body("l", 9000), True),
        ("b", a_body("b", 9000), False),
        ("a", a_body("2"), True),
        ("s", a_body("s"), True),
        ("ü/…", a_body("ü"), False),
    ]
    assert (batch.missing, batch.remaining) == (("never", "c"), ())
    assert [record.etag for record in batch.found] == [
        shelf.etag(record.id) for record in batch.found
    ]
    at_commit = shelf.batch_get("a", "c", "s", ref=shelf.history()[0].id)
    assert [record.body for record in at_commit.found] == [a_body("1"), a_body("c")]
    assert at_commit.missing == ("s",)


def test_a_batch_that_does_not_fit_says_what_is_left(shelf: Shelf) -> None:
    size = reading.PAGE_BYTES_MAX // 4
    names = [f"n{number}" for number in range(6)]
    for name in names:
        shelf.append({name: a_body(name, size)})
    asked, got = [*names[:3], "never", *names[3:]], []
    while asked:
        batch = shelf.batch_get(*asked)
        assert sum(len(record.body) for record in batch.found) <= reading.PAGE_BYTES_MAX
        got += [record.id for record in batch.found]
        asked = [*batch.remaining]
    assert got == names


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_what_is_staged_is_what_a_commit_would_do(shelf: Shelf, limit: int) -> None:
    shelf.append({"never": a_body("never"), "b": a_body("b", 9000)})
    shelf.delete("never")
    kinds = {"a": "changed", "b": "changed", "c": "removed", "l": "added", "s": "added"}
    assert shelf.staged(limit=limit) == kinds
    before = shelf.all(ref=shelf.history()[0].id)
    commit = shelf.commit()
    after = shelf.all(ref=commit.id)
    assert {each for each in kinds if kinds[each] == "added"} == after.keys() - before.keys()
    assert {each for each in kinds if kinds[each] == "removed"} == before.keys() - after.keys()
    assert shelf.staged(limit=limit) == {}


def test_a_batch_asks_for_each_id_once_and_for_some(shelf: Shelf) -> None:
    with pytest.raises(Invalid) as refusal:
        shelf.batch_get("a", "b", "a")
    assert refusal.value.field == "ids/2"
    with pytest.raises(Invalid):
        shelf.batch_get()
    with pytest.raises(Invalid):
        shelf.batch_get(*(f"{number}" for number in range(101)))


def test_a_batch_reads_each_block_once() -> None:
    made = Shelf.make()
    made.append({f"r{number:03d}": a_body(f"{number}") for number in range(100)})
    made.commit()
    counting = RangesVault(made.vault)
    batch = made.on(counting).batch_get(*(f"r{number:03d}" for number in range(100)))
    assert len(batch.found) == 100
    # How many nodes the tree has depends on the store's key.
    assert len([key for key, *_ in counting.ranges if "/packs/" in key]) == 1


def test_staged_records_are_read_a_block_at_a_time() -> None:
    made = Shelf.make()
    bodies = {f"r{number:03d}": a_body(f"{number}", 4500) for number in range(600)}
    made.append(bodies)
    counting = RangesVault(made.vault)
    assert made.on(counting).all() == bodies
    blocks = len(set(counting.ranges))
    assert blocks < 60
    assert len(counting.ranges) < 1.2 * blocks, "what ends one portion may begin the next"
    assert counting.calls < 10


@pytest.mark.parametrize("committed", [True, False])
def test_a_page_fetches_not_much_more_than_it_holds(committed: bool) -> None:
    made = Shelf.make()
    bodies = {f"r{number:02d}": incompressible(number, 1024 * 1024) for number in range(24)}
    for record_id, body in bodies.items():
        made.append({record_id: body})
    if committed:
        made.commit()
    counting = RangesVault(made.vault)
    page = reading.list_records(
        counting,
        caller=made.caller,
        dataset_id=made.dataset.id,
        ref="main",
        limit=1000,
        cursor=None,
    )
    assert [record.body for record in page.items] == [*bodies.values()][: len(page.items)]
    assert page.next_cursor is not None
    assert sum(length for _, _, length in counting.ranges) < 2 * reading.PAGE_BYTES_MAX
    assert made.all() == bodies


def test_a_count_is_that_of_the_list(shelf: Shelf) -> None:
    assert shelf.count() == len(shelf.all()) == 5
    assert shelf.count(ref=shelf.history()[0].id) == 4
    assert shelf.count(ref=shelf.history()[1].id) == 0
    shelf.commit()
    assert shelf.count() == 5


def test_a_commits_count_reads_no_object(shelf: Shelf) -> None:
    commit = shelf.history()[0].id
    recording = RecordingVault(shelf.vault)
    assert shelf.on(recording).count(ref=commit) == 4
    assert not [grant for grant in recording.used if grant.startswith("objects")]


KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 2)),
        st.tuples(st.just("delete"), KEYS, st.just(0)),
        st.tuples(st.just("commit"), st.just(""), st.just(0)),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(deadline=timedelta(seconds=20), max_examples=40)
def test_count_batch_and_past_are_those_of_a_model(steps: list[tuple[str, str, int]]) -> None:
    made = Shelf.make()
    now: dict[str, bytes] = {}
    committed: dict[str, bytes] = {}
    events: dict[str, list[tuple[str, Kind]]] = {key: [] for key in "abcd"}
    staged = False
    for step, key, number in [*steps, ("commit", "", 0)]:
        if step == "put":
            now[key] = a_body(f"{key}{number}")
            made.append({key: now[key]})
            staged = True
        elif step == "delete" and key in now:
            made.delete(key)
            del now[key]
            staged = True
        elif step == "commit" and staged:
            commit = made.commit()
            for each in "abcd":
                before, after = committed.get(each), now.get(each)
                if before != after:
                    kind = (
                        Kind.ADDED
                        if before is None
                        else Kind.REMOVED
                        if after is None
                        else Kind.CHANGED
                    )
                    events[each].insert(0, (commit.id, kind))
            committed, staged = dict(now), False
        assert made.count() == len(now)
    batch = made.batch_get(*"abcd")
    assert {record.id: record.body for record in batch.found} == now
    assert {*batch.missing} == {*"abcd"} - now.keys()
    for key in "abcd":
        assert [(event.commit.id, event.kind) for event in made.past(key)] == events[key]
        assert made.past(key, limit=1) == made.past(key)


def test_the_past_tells_the_etag_that_a_commit_left(shelf: Shelf) -> None:
    shelf.commit()
    second, first = shelf.past("a")
    assert (first.kind, second.kind) == (Kind.ADDED, Kind.CHANGED)
    assert second.etag == shelf.etag("a")
    assert first.etag == shelf.etag("a", ref=first.commit.id)
    removed, _ = shelf.past("c")
    assert (removed.kind, removed.etag) == (Kind.REMOVED, None)
    assert shelf.past("never") == []


def test_a_page_of_the_past_looks_at_so_many_commits_only(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "COMMITS_OF_PAGE_MAX", 3)
    for number in range(8):
        shelf.append({"other": a_body(f"{number}")})
        shelf.commit()
    page = past.list_record_history(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref="main",
        record_id="b",  # type: ignore[arg-type]
        limit=10,
        cursor=None,
    )
    assert (page.items, page.next_cursor is None) == ((), False)
    assert [event.kind for event in shelf.past("b")] == [Kind.ADDED]


def test_a_commit_elsewhere_in_a_large_tree_costs_one_node_for_each_level_above() -> None:
    made = Shelf.make()
    for start in range(0, 6000, 1000):
        made.append({f"k{number:05d}": a_body("x") for number in range(start, start + 1000)})
    made.commit()
    for number in range(5):
        made.append({"k05999": a_body(f"{number}")})
        made.commit()
    process = Process(made.vault)
    assert len(made.on(process).past("k00000")) == 1
    reads: list[str] = []
    ranged = made.vault.objects.get_range

    class Counted:
        def __getattr__(self, name: str) -> object:
            return getattr(made.vault.objects, name)

        def get_range(self, key: str, start: int, length: int) -> bytes:
            reads.append(key)
            return ranged(key, start, length)

    process.forget()
    process.objects = Counted()  # type: ignore[assignment]
    made.on(process).past("k00000")
    # Seven roots, and for the commit that added it the way down to its leaf.
    assert len(reads) <= 7 + 2
