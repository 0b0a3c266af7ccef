"""Merging branches: what a model on dicts says, whichever way the commits came about."""

import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.access import Caller, Role
from datavault.domain.changes import Include
from datavault.domain.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from datavault.domain.ids import BranchName
from datavault.domain.merging import (
    ConflictKind,
    ConflictPage,
    Granularity,
    Histories,
    Outcome,
    Question,
    Strategy,
    Take,
)
from datavault.domain.rows import Table
from datavault.services.versions import preview, three_way
from tests.simulation.model import ledger_of, rows_of
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request, incompressible
from tests.support.chaos import AtCall, ChaosVault, Fault
from tests.support.merging import (
    DEV,
    Settling,
    conflicts,
    merge,
    previewed,
    question,
    write,
)

IDS = st.sampled_from(["a", "b", "c", "\u00e9", "e/f"])
FIELDS = st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3), max_size=3)
BODIES = FIELDS.map(lambda fields: json.dumps(fields).encode())
CONTENT = st.dictionaries(IDS, BODIES, max_size=5)
type Content = dict[str, bytes]


def diverged(base: Content, ours: Content, theirs: Content) -> Shelf:
    """main holds ``ours`` and dev ``theirs``; both come from ``base``."""
    shelf = Shelf.make(MemoryVault())
    write(shelf, {"always": a_body("always"), **base})
    shelf.create_branch("dev")
    for branch, side in ((MAIN, ours), (DEV, theirs)):
        changes: dict[str, bytes | None] = dict.fromkeys(base.keys() - side.keys())
        changes |= {each: body for each, body in side.items() if base.get(each) != body}
        if changes:
            write(shelf, changes, branch=branch)
    return shelf


def content(shelf: Shelf, ref: str = MAIN) -> Content:
    held = shelf.all(ref=ref)
    held.pop("always")
    return held


def model(
    base: Content, ours: Content, theirs: Content, granularity: Granularity
) -> tuple[dict[str, dict[str, int]], dict[str, ConflictKind]]:
    """What merging dicts gives, as values, and the records that conflict."""
    merged: dict[str, dict[str, int]] = {}
    found: dict[str, ConflictKind] = {}
    for each in base.keys() | ours.keys() | theirs.keys():
        old, mine, other = base.get(each), ours.get(each), theirs.get(each)
        chosen: dict[str, int] | None
        if mine == other or old == other:
            chosen = None if mine is None else json.loads(mine)
        elif old == mine:
            chosen = None if other is None else json.loads(other)
        elif mine is None or other is None:
            found[each], chosen = ConflictKind.EDIT_DELETE, None
        elif old is None:
            found[each], chosen = ConflictKind.ADD_ADD, None
        else:
            fields = _fields(*(json.loads(text) for text in (old, mine, other)))
            if fields is None or granularity is Granularity.RECORDS:
                found[each] = ConflictKind.EDIT_EDIT
            chosen = fields
        if chosen is not None:
            merged[each] = chosen
    return merged, found


def _fields(
    base: dict[str, int], ours: dict[str, int], theirs: dict[str, int]
) -> dict[str, int] | None:
    merged = {}
    for name in base | ours | theirs:
        old, mine, other = base.get(name), ours.get(name), theirs.get(name)
        if old != mine != other != old:
            return None
        value = other if old == mine else mine
        if value is not None:
            merged[name] = value
    return merged


@settings(max_examples=120, deadline=None)
@given(base=CONTENT, ours=CONTENT, theirs=CONTENT, granularity=st.sampled_from(Granularity))
def test_a_merge_is_that_of_the_dicts(
    base: Content, ours: Content, theirs: Content, granularity: Granularity
) -> None:
    shelf = diverged(base, ours, theirs)
    expected, disputed = model(base, ours, theirs, granularity)
    asked = question(granularity=granularity)
    listed = conflicts(shelf, asked, limit=2)
    settling = Settling(granularity=granularity)
    if ours != base and theirs not in (base, ours):
        assert {each.id: each.kind for each in listed} == disputed
        for each in listed:
            texts = [None if side is None else side.body for side in (each.ours, each.theirs)]
            assert texts == [ours.get(each.id), theirs.get(each.id)]
            assert each.fields
        assert sum(previewed(shelf, asked).conflicts.values()) == len(disputed)
    if disputed:
        before = shelf.history()
        with pytest.raises(Conflict, match=f"{len(disputed)} records conflict"):
            merge(shelf, settling=settling)
        assert shelf.history() == before
        assert content(shelf) == ours
        return
    changes = previewed(shelf, asked).changes
    landed = merge(shelf, settling=settling)
    assert {each: json.loads(body) for each, body in content(shelf).items()} == expected
    assert content(shelf, DEV) == theirs
    if landed.outcome is Outcome.COMMITTED:
        counts = landed.commit.counts
        assert changes == counts.added + counts.changed + counts.removed
    assert merge(shelf).outcome is Outcome.UNCHANGED


@settings(max_examples=60, deadline=None)
@given(base=CONTENT, ours=CONTENT, theirs=CONTENT)
def test_what_merges_without_a_conflict_merges_to_the_same_either_way(
    base: Content, ours: Content, theirs: Content
) -> None:
    if model(base, ours, theirs, Granularity.FIELDS)[1]:
        return
    shelf = diverged(base, ours, theirs)
    shelf.create_branch("copy")
    merge(shelf, DEV, MAIN)
    merge(shelf, "copy", DEV)
    assert content(shelf, MAIN) == content(shelf, DEV)
    main, dev = shelf.history()[0], shelf.history(ref=DEV)[0]
    assert main.root.address == dev.root.address


@settings(max_examples=60, deadline=None)
@given(
    base=CONTENT,
    ours=CONTENT,
    theirs=CONTENT,
    strategy=st.sampled_from([Strategy.OURS, Strategy.THEIRS]),
)
def test_a_strategy_settles_every_conflict_by_one_side(
    base: Content, ours: Content, theirs: Content, strategy: Strategy
) -> None:
    shelf = diverged(base, ours, theirs)
    expected, disputed = model(base, ours, theirs, Granularity.RECORDS)
    merge(shelf, settling=Settling(strategy, Granularity.RECORDS))
    side = ours if strategy is Strategy.OURS else theirs
    for each in disputed:
        expected.pop(each, None)
        if each in side:
            expected[each] = json.loads(side[each])
    assert {each: json.loads(body) for each, body in content(shelf).items()} == expected


@settings(max_examples=25, deadline=None)
@given(base=CONTENT, side=CONTENT, granularity=st.sampled_from(Granularity))
def test_what_both_sides_made_the_same_is_that(
    base: Content, side: Content, granularity: Granularity
) -> None:
    shelf = diverged(base, side, side)
    merge(shelf, settling=Settling(granularity=granularity))
    assert content(shelf) == side


@settings(max_examples=25, deadline=None)
@given(base=CONTENT, ours=CONTENT, theirs=CONTENT, is_ours=st.sets(IDS))
def test_edits_of_different_records_never_conflict(
    base: Content, ours: Content, theirs: Content, is_ours: set[str]
) -> None:
    """Each side has its own ids as it likes, and the other's as they were."""
    sides = [
        {each: body for each, body in side.items() if (each in is_ours) == own}
        | {each: body for each, body in base.items() if (each in is_ours) != own}
        for side, own in ((ours, True), (theirs, False))
    ]
    shelf = diverged(base, *sides)
    merge(shelf, settling=Settling(granularity=Granularity.RECORDS))
    assert content(shelf) == {
        each: body
        for own, side in enumerate((theirs, ours))
        for each, body in side.items()
        if (each in is_ours) == bool(own)
    }


def test_a_branch_merged_into_itself_stays() -> None:
    shelf = diverged({"a": a_body("a")}, {"a": a_body("b")}, {})
    landed = merge(shelf, MAIN, MAIN)
    assert landed.outcome is Outcome.UNCHANGED
    assert landed.commit == shelf.history()[0]


def test_a_branch_with_nothing_of_its_own_is_moved_to_the_sources_commit() -> None:
    shelf = diverged({}, {}, {"a": a_body("a")})
    landed = merge(shelf)
    assert landed.outcome is Outcome.FAST_FORWARDED
    assert shelf.history() == shelf.history(ref=DEV)
    assert ("merge_refs", 1) in [(name, count) for (name, _, _), count in ledger(shelf)]


def ledger(shelf: Shelf) -> list[tuple[tuple[str, object, object], int]]:
    return list(ledger_of(shelf.vault.catalog).items())


def test_a_merge_commit_names_the_branch_first_and_then_the_source() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    ours, theirs = shelf.history()[0].id, shelf.history(ref=DEV)[0].id
    landed = merge(shelf)
    assert landed.commit.parents == (ours, theirs)
    assert landed.commit.message == "Merge dev into main"
    assert (landed.commit.counts.added, landed.commit.counts.records) == (1, 3)


def test_each_conflict_is_settled_as_it_is_asked_for() -> None:
    base = {each: a_body(f"base {each}") for each in "bdortx"}
    ours: dict[str, bytes] = {each: a_body(f"ours {each}") for each in "bdort"}
    theirs = {each: a_body(f"theirs {each}") for each in "bdortx"}
    shelf = diverged(base, ours, theirs)
    text = b'{"n": 1.50}'
    takes: list[tuple[str, Take | bytes]] = [
        ("b", Take.BASE),
        ("d", Take.DELETE),
        ("o", Take.OURS),
        ("r", Take.THEIRS),
        ("t", text),
    ]
    with pytest.raises(Conflict, match=r"1 records conflict \(1 edit_delete\)"):
        merge(shelf, settling=Settling(takes=takes))
    merge(shelf, settling=Settling(takes=[*takes, ("x", Take.THEIRS)]))
    assert content(shelf) == {
        "b": base["b"],
        "o": ours["o"],
        "r": theirs["r"],
        "t": text,
        "x": theirs["x"],
    }


@pytest.mark.parametrize("fast", [True, False])
def test_a_resolution_of_what_is_in_no_conflict_is_refused(fast: bool) -> None:
    ours = {} if fast else {"b": a_body("b")}
    shelf = diverged({}, ours, {"a": a_body("a")})
    with pytest.raises(Invalid) as refused:
        merge(shelf, settling=Settling(takes=[("a", Take.OURS)]))
    assert refused.value.field == "resolutions/0"
    assert content(shelf) == ours


def test_a_conflict_says_how_to_list_it() -> None:
    shelf = diverged({}, {"a": a_body("1")}, {"a": a_body("2")})
    theirs = shelf.history(ref=DEV)[0].id
    with pytest.raises(Conflict, match=f"list_conflicts with source={theirs}&target=main"):
        merge(shelf)
    (only,) = conflicts(shelf, question(theirs))
    assert (only.id, only.kind, only.fields) == ("a", ConflictKind.ADD_ADD, ("",))


def test_what_is_staged_stays_staged_on_top() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    shelf.append({"b": a_body("staged")})
    landed = merge(shelf)
    assert shelf.get("b") == a_body("staged")
    assert shelf.get("b", ref=landed.commit.id) == a_body("b")
    assert shelf.commit().counts.changed == 1


def test_bodies_that_a_side_has_are_not_stored_again() -> None:
    shelf = diverged({}, {"a": a_body("a", 9000)}, {"b": a_body("b", 9000)})
    packs = packs_of(shelf)
    merge(shelf)
    assert packs_of(shelf) == packs


def test_a_merge_stores_no_body_after_its_first_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(three_way, "_BODIES_BYTES", 1)
    base = {f"r{number:02d}": b'{"a":1,"b":1,"n":%d}' % number for number in range(20)}
    ours = {each: body.replace(b'"a":1', b'"a":2') for each, body in base.items()}
    theirs = {each: body.replace(b'"b":1', b'"b":2') for each, body in base.items()}
    theirs["r00"] = base["r00"].replace(b'"a":1', b'"a":3')
    shelf = diverged(base, ours, theirs)
    packs = packs_of(shelf)
    with pytest.raises(Conflict, match="1 records conflict"):
        merge(shelf)
    assert packs_of(shelf) == packs


def packs_of(shelf: Shelf) -> list[str]:
    return [key for key in shelf.vault.objects.keys("") if "/packs/" in key]


def test_of_two_merges_at_once_one_is_refused_and_told_the_new_head() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    shelf.create_branch("third", start=shelf.history()[1].id)
    write(shelf, {"c": a_body("c")}, branch=BranchName("third"))
    twin = shelf.on(Process(shelf.vault))
    seen: list[str] = []

    def at_the_write(port: str, method: str) -> Fault:
        return Fault.INTERLEAVE if method == "write" and not seen else Fault.NONE

    def meanwhile() -> None:
        seen.append(merge(twin, "third").commit.id)

    with pytest.raises(Conflict) as refused:
        merge(shelf.on(ChaosVault(shelf.vault, at_the_write, meanwhile)))
    assert seen[0] in str(refused.value)
    assert shelf.history()[0].id == seen[0]
    assert merge(shelf).outcome is Outcome.COMMITTED
    assert set(content(shelf)) == {"a", "b", "c"}


@pytest.mark.parametrize("unchanged", [True, False])
def test_a_branch_that_moved_away_and_back_is_a_conflict_at_once(unchanged: bool) -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    tip, before = shelf.history()[0].id, shelf.history()[1].id
    twin = shelf.on(Process(shelf.vault))
    writes: list[str] = []

    def at_the_write(port: str, method: str) -> Fault:
        if method == "write":
            writes.append(port)
            return Fault.INTERLEAVE if len(writes) == 1 else Fault.NONE
        return Fault.NONE

    def meanwhile() -> None:
        twin.reset(before)
        twin.reset(tip)

    chaos = ChaosVault(shelf.vault, at_the_write, meanwhile)
    source = before if unchanged else DEV
    with pytest.raises(Conflict, match=f"is at commit {tip}: try again"):
        merge(shelf.on(chaos), source, request=a_request("one"))
    assert len(writes) == 1
    assert shelf.history()[0].id == tip


def test_a_repeated_request_gets_the_same_commit_wherever_the_branch_is() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    first = merge(shelf, request=a_request("one"))
    write(shelf, {"later": a_body("later")})
    assert merge(shelf, request=a_request("one")) == first
    with pytest.raises(Conflict, match="idempotency"):
        merge(shelf, request=a_request("one", body=b"other"))
    again = merge(shelf, request=a_request("two"))
    assert again.outcome is Outcome.UNCHANGED
    assert merge(shelf, request=a_request("two")) == again


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
def test_a_merge_without_a_key_may_be_made_again_after_any_lost_answer(fault: Fault) -> None:
    calls = 40
    for call in range(calls):
        shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
        with suppress(Unavailable):
            merge(shelf.on(ChaosVault(shelf.vault, AtCall(call, fault))))
        merge(shelf)
        assert content(shelf) == {"a": a_body("a"), "b": a_body("b")}
        merges = [row for row in rows_of(shelf.vault.catalog, Table.LEDGER) if is_merge(row)]
        assert len(merges) == 1


def is_merge(row: object) -> bool:
    return "merge_refs" in str(row)


def criss_crossed(first: Content, second: Content) -> Shelf:
    """main and dev have each merged the other's commit; two best common ancestors."""
    shelf = diverged({"r": b'{"n":0}', "s": b'{"n":0}'}, first, second)
    main, dev = shelf.history()[0].id, shelf.history(ref=DEV)[0].id
    prefer = Settling(strategy=Strategy.OURS)
    merge(shelf, dev, MAIN, settling=prefer)
    merge(shelf, main, DEV, settling=prefer)
    assert len(previewed(shelf, question()).bases) == 2
    return shelf


def test_a_criss_cross_is_merged_on_the_merge_of_both_ancestors() -> None:
    shelf = criss_crossed({"r": b'{"n":1}', "s": b'{"n":0}'}, {"r": b'{"n":0}', "s": b'{"n":2}'})
    write(shelf, {"r": b'{"n":9}'}, branch=DEV)
    write(shelf, {"s": b'{"n":8}'})
    # With either ancestor alone as base, one of the two would conflict.
    assert conflicts(shelf, question()) == []
    merge(shelf)
    assert content(shelf) == {"r": b'{"n":9}', "s": b'{"n":8}'}


def test_what_the_ancestors_of_a_criss_cross_disagree_on_is_never_guessed() -> None:
    shelf = criss_crossed({"r": b'{"n":1}', "s": b'{"n":0}'}, {"r": b'{"n":2}', "s": b'{"n":0}'})
    # main kept 1 and dev kept 2: with one ancestor as base, the other side would win in silence.
    (only,) = conflicts(shelf, question())
    assert (only.id, only.kind, only.base) == ("r", ConflictKind.EDIT_EDIT, None)
    with pytest.raises(Invalid, match="no base to take"):
        merge(shelf, settling=Settling(takes=[("r", Take.BASE)]))
    merge(shelf, settling=Settling(takes=[("r", Take.THEIRS)]))
    assert content(shelf)["r"] == b'{"n":2}'


def test_pages_of_conflicts_end_at_some_ids_and_some_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "PAGE_IDS_MAX", 2)
    monkeypatch.setattr(preview, "PAGE_BYTES_MAX", 300)
    monkeypatch.setattr(preview, "_SLICE_IDS", 1)
    ids = [f"{number:04d}" for number in range(20)]
    bodies = [{each: a_body(f"{side}{each}", 60) for each in ids} for side in "bot"]
    shelf = diverged(*bodies)
    assert [each.id for each in conflicts(shelf, question())] == ids


def test_conflicts_hold_no_more_texts_than_are_looked_at_together() -> None:
    """24 records of 1 MB that three versions have: 72 MB of texts, and 24 MB merged."""
    ids = [f"{number:02d}" for number in range(24)]
    bodies = [
        {each: incompressible(100 * side + int(each), 1_000_000) for each in ids}
        for side in range(3)
    ]
    shelf = Shelf.make()
    for number, branch in ((0, MAIN), (1, DEV), (2, MAIN)):
        for each in ids:
            shelf.append({each: bodies[number][each]}, branch=branch)
        shelf.commit(branch=branch)
        if not number:
            shelf.create_branch("dev")
    conflicts(shelf, question(), include=Include.ETAGS, limit=1)
    tracemalloc.start()
    try:
        found = conflicts(shelf, question(), include=Include.ETAGS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(each.id, each.fields) for each in found] == [(each, ("/t",)) for each in ids]
    assert peak < 20_000_000


def asked(shelf: Shelf, what: Question, cursor: str | None) -> ConflictPage:
    return preview.list_conflicts(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        question=what,
        include=Include.RECORDS,
        limit=1,
        cursor=cursor,
    )


def test_all_pages_of_conflicts_have_the_base_of_the_first() -> None:
    bodies = [{each: a_body(f"{side}{each}") for each in "ab"} for side in "bot"]
    shelf = diverged(*bodies)
    base = shelf.history()[1].id
    shelf.create_branch("base", start=base)
    what = question(base="base")
    first = asked(shelf, what, None)
    write(shelf, {"b": bodies[2]["b"]}, branch=BranchName("base"))
    second = asked(shelf, what, first.next_cursor)
    assert (first.bases, second.bases) == ((base,), (base,))
    assert [each.id for each in second.conflicts] == ["b"]
    assert second.next_cursor is None


def test_a_cursor_of_conflicts_is_good_for_the_same_question_only() -> None:
    shelf = diverged(*({each: a_body(f"{side}{each}") for each in "ab"} for side in "bot"))
    what = question()
    cursor = asked(shelf, what, None).next_cursor
    for other in (
        replace(what, granularity=Granularity.RECORDS),
        replace(what, histories=Histories.ANY),
    ):
        with pytest.raises(Invalid, match="cursor"):
            asked(shelf, other, cursor)
    assert len(asked(shelf, what, cursor).conflicts) == 1


def test_a_source_that_is_not_there_and_a_caller_who_may_not() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    with pytest.raises(NotFound):
        merge(shelf, "nowhere")
    reader = Caller("rea", shelf.caller.workspace, frozenset({Role.READER}), "c")
    reading = Shelf(shelf.vault, reader, shelf.dataset)
    assert previewed(reading, question()).conflicts == {}
    with pytest.raises(Denied):
        merge(reading)
