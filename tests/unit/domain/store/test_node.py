import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Corrupt
from datavault.domain.store.columns import CHILD, DIGEST, Children, Entries, replaced
from datavault.domain.store.encoding import Source, read_packs, write_packs
from datavault.domain.store.node import (
    Inner,
    Leaf,
    Node,
    Pointer,
    address_of,
    decode,
    encode,
    may_differ,
)
from datavault.domain.store.patch import Patch, decode_patch, encode_patch
from datavault.domain.store.places import Locator as Place
from datavault.domain.store.places import PackRef, locator_columns, rows_replaced

from .builders import KEYS, Model, as_model, entries, pack_ref

GOLDEN = Path(__file__).parents[3] / "golden"
KEY = KEYS.node

RECORD_IDS = st.binary(min_size=1, max_size=512).filter(lambda record_id: 0 not in record_id)
U32 = st.integers(0, 2**32 - 1)
PLACES = st.builds(Place, st.integers(0, 3).map(pack_ref), U32, U32, U32)
RECORDS = st.dictionaries(
    RECORD_IDS, st.tuples(st.binary(min_size=16, max_size=16), PLACES), max_size=20
)


def _places(*, pack: bytes, runs: tuple[int, ...]) -> bytes:
    """Places of two rows in blocks at 0 of length 0, with runs of these many rows."""
    planes = bytes(runs) + bytes(3 * len(runs))
    return struct.pack("<I", len(runs)) + pack + planes + bytes(8 * len(runs)) + bytes(8)


type Records = dict[bytes, tuple[bytes, Place]]


@given(records=RECORDS)
def test_a_leaf_comes_back_as_it_was(records: Records) -> None:
    leaf = Leaf.of(_rows(records))
    back = decode(encode(leaf))
    assert isinstance(back, Leaf)
    assert _records(back.rows) == records
    assert back.identity == leaf.identity
    assert list(_records(back.rows)) == sorted(records)


@given(
    children=st.dictionaries(
        RECORD_IDS,
        st.builds(
            Pointer,
            address=st.binary(min_size=32, max_size=32),
            level=st.just(0),
            count=st.integers(0, 2**56),
            locator=PLACES,
            anchor=st.none() | PLACES,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_an_inner_node_comes_back_as_it_was(children: dict[bytes, Pointer]) -> None:
    node = Inner.of(1, _children(children))
    back = decode(encode(node))
    assert isinstance(back, Inner)
    pointers = [back.pointer(row) for row in range(len(back.rows))]
    assert dict(zip(back.rows.ids.tolist(), pointers, strict=True)) == children
    assert (back.identity, back.level) == (node.identity, 1)
    assert back.count == sum(pointer.count for pointer in children.values())


@given(before=RECORDS, after=RECORDS, data=st.data())
def test_a_patch_makes_of_its_anchor_the_leaf_it_was_made_for(
    before: Records, after: Records, data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(before)))) if before else set[bytes]()
    moved = data.draw(st.sets(st.sampled_from(sorted(before)))) if before else set[bytes]()
    after |= {record_id: before[record_id] for record_id in kept}
    after |= {record_id: (before[record_id][0], Place(pack_ref(9), 1, 2, 3)) for record_id in moved}
    patch = Patch.between(_rows(before), _rows(after))
    stored = decode_patch(encode_patch(patch))
    assert _records(stored.applied(_rows(before))) == after
    assert len(stored) == len(patch) <= len(before) + len(after)


# Few digests and places, so that what was replaced is often as it was again.
ENTRIES = st.tuples(
    st.sampled_from([bytes(16), bytes([1]) * 16]),
    st.builds(Place, st.integers(0, 1).map(pack_ref), st.just(0), st.just(0), st.integers(0, 1)),
)


@given(data=st.data(), count=st.integers(1, 12))
def test_leaves_of_one_anchor_differ_in_what_their_patches_replace(
    data: st.DataObject, count: int
) -> None:
    ids = [b"%02d" % number for number in range(count)]
    edits = st.dictionaries(st.sampled_from(ids), ENTRIES)
    before = {record_id: data.draw(ENTRIES) for record_id in ids}
    anchor = Leaf.of(_rows(before))
    contents = [before | data.draw(edits) for _ in range(2)]
    one, other = (anchor.patched(Patch.between(anchor.rows, _rows(each))) for each in contents)
    rows = may_differ(one, other)
    assert rows is not None
    first, second = contents
    differ = {row for row, each in enumerate(ids) if first[each] != second[each]}
    assert differ <= set(rows.tolist())
    patch = Patch.replacing(anchor.rows, other.rows, rows)
    assert encode_patch(patch) == encode_patch(Patch.between(anchor.rows, other.rows))


@given(data=st.data(), count=st.integers(1, 12))
def test_a_leaf_patched_and_replaced_in_again_and_again_is_patched_as_if_at_once(
    data: st.DataObject, count: int
) -> None:
    ids = [b"%02d" % number for number in range(count)]
    edits = st.dictionaries(st.sampled_from(ids), ENTRIES, min_size=1)
    before = {record_id: data.draw(ENTRIES) for record_id in ids}
    anchor = decode(encode(Leaf.of(_rows(before))))
    assert isinstance(anchor, Leaf)
    leaf = anchor
    for edit in data.draw(st.lists(edits, min_size=1, max_size=3)):
        some = _rows(edit)
        at = anchor.rows.ids.searchsorted(some.ids)
        rows = replaced(leaf.rows, at, some)
        touched = rows_replaced(anchor.rows.stored, rows.stored)
        assert touched is not None
        patch = Patch.replacing(anchor.rows, rows, touched)
        before |= edit
        assert _records(rows) == before
        assert encode_patch(patch) == encode_patch(Patch.between(anchor.rows, rows))
        leaf = anchor.patched(decode_patch(encode_patch(patch)))
        assert _records(leaf.rows) == before


def test_leaves_of_the_same_ids_have_each_its_own_address_under_each_key() -> None:
    anchor = Leaf.of(entries({b"a": 1, b"b": 1}))
    for digest in (2, 3):
        after = entries({b"a": 1, b"b": digest})
        leaf = anchor.patched(Patch.between(anchor.rows, after))
        for key in (KEY, bytes(32), KEY):
            assert address_of(leaf, key) == address_of(Leaf.of(after), key)
            assert address_of(anchor.changed(leaf.rows), key) == address_of(leaf, key)
    assert address_of(anchor, KEY) != address_of(anchor, bytes(32))


def test_leaves_of_other_anchors_or_ids_may_differ_anywhere() -> None:
    rows = entries({b"a": 1, b"b": 1})
    anchor = Leaf.of(rows)
    same = anchor.patched(Patch.between(rows, entries({b"a": 2, b"b": 1})))
    longer = anchor.patched(Patch.between(rows, entries({b"a": 1, b"b": 1, b"c": 1})))
    found = may_differ(anchor, same)
    assert found is not None
    assert found.tolist() == [0]
    assert may_differ(anchor, longer) is None
    assert may_differ(same, longer) is None
    assert may_differ(Leaf.of(rows), same) is None


@pytest.mark.parametrize("after", [{b"a": 1, b"b": 2}, {b"a": 1, b"c": 3}, {b"b": 1}, {}])
def test_a_patched_leaf_has_the_identity_that_its_rows_have(after: Model) -> None:
    anchor = Leaf.of(entries({b"a": 1, b"b": 1}))
    patch = decode_patch(encode_patch(Patch.between(anchor.rows, entries(after))))
    for anchored in (anchor, decode(encode(anchor))):
        assert isinstance(anchored, Leaf)
        leaf = anchored.patched(patch)
        assert bytes(leaf.identity) == Leaf.of(entries(after)).identity
        assert as_model([leaf.rows]) == after


def test_a_patch_holds_only_what_differs() -> None:
    before = entries({b"%d" % number: 1 for number in range(10)}, pack=1)
    after = {b"%d" % number: 1 for number in range(9)} | {b"3": 2, b"33": 3}
    columns = entries(after, pack=1)
    rows = Entries(columns.ids, columns.values, columns.locators, before.packs)
    rows.locators["slot"] = [0, 1, 2, 33, 34, 4, 5, 6, 7, 8]
    patch = Patch.between(before, rows)
    assert (patch.removed.tolist(), patch.at.tolist()) == ([9], [3, 4])
    assert as_model([patch.put]) == {b"3": 2, b"33": 3}


def test_a_patch_is_refused_for_an_anchor_of_another_size() -> None:
    anchor = entries({b"a": 1, b"b": 1})
    patch = Patch.between(anchor, entries({b"a": 2, b"b": 1}))
    with pytest.raises(Corrupt, match="anchor"):
        patch.applied(entries({b"a": 1}))


def test_a_patch_that_puts_ids_out_of_order_into_an_anchor_is_refused() -> None:
    patch = Patch.between(entries({b"a": 1, b"c": 1}), entries({b"a": 1, b"b": 2, b"c": 1}))
    with pytest.raises(Corrupt, match="order"):
        patch.applied(entries({b"x": 1, b"y": 1}))


def test_places_are_not_part_of_the_identity_and_everything_else_is() -> None:
    model: Model = {b"a": 1, b"b": 2}
    address = _address(entries(model, pack=1))
    assert _address(entries(model, pack=2)) == address
    assert _address(entries(model | {b"b": 3})) != address
    assert _address(entries({b"a": 1, b"c": 2})) != address
    assert _address(entries({b"a": 1})) != address
    assert _address(entries({b"ab": 1, b"c": 1})) != _address(entries({b"a": 1, b"bc": 1}))


def test_nodes_of_two_levels_never_have_one_identity() -> None:
    rows = _children({b"a": Pointer(b"x" * 32, 1, 5, Place(pack_ref(1), 0, 0, 0))})
    assert Inner.of(1, rows).identity != Inner.of(2, rows).identity


@pytest.mark.parametrize("name", ["node_leaf_v1", "node_inner_v1"])
def test_stored_nodes_of_version_1_are_read_and_written_as_ever(name: str) -> None:
    stored = (GOLDEN / f"{name}.bin").read_bytes()
    node = golden_nodes()[name]
    assert encode(node) == stored
    assert address_of(decode(stored), KEY) == address_of(node, KEY)
    assert address_of(node, b"g" * 32).hex() == GOLDEN_ADDRESSES[name]


def test_stored_patches_of_version_1_are_read_and_written_as_ever() -> None:
    stored = (GOLDEN / "node_patch_v1.bin").read_bytes()
    assert encode_patch(golden_patch()) == stored
    leaf, anchor = golden_nodes()["node_leaf_v1"], golden_anchor()
    assert isinstance(leaf, Leaf)
    assert _records(decode_patch(stored).applied(anchor)) == _records(leaf.rows)


def test_a_reader_written_from_the_description_alone_agrees() -> None:
    stored = (GOLDEN / "node_leaf_v1.bin").read_bytes()
    leaf = golden_nodes()["node_leaf_v1"]
    assert isinstance(leaf, Leaf)
    assert _read_leaf_slowly(stored) == _records(leaf.rows)


def test_every_flipped_bit_of_a_node_is_refused_or_changes_places_only() -> None:
    # The block that holds the node authenticates its places; the address need not.
    for node in golden_nodes().values():
        address, stored = address_of(node, KEY), encode(node)
        refused = 0
        for changed in _flipped(stored):
            back = _decoded(changed)
            if back is None or address_of(back, KEY) != address:
                refused += 1
            else:
                assert back.identity == node.identity
                assert [back.rows.locator(row).pack for row in range(len(back.rows))]
        assert refused >= 8 * (len(node.identity) + 4)


def test_every_flipped_bit_of_a_patch_is_refused_or_changes_places_only() -> None:
    anchor, address = golden_anchor(), _address(golden_anchor_applied())
    for changed in _flipped(encode_patch(golden_patch())):
        try:
            rows = decode_patch(changed).applied(anchor)
        except Corrupt:
            continue
        if _address(rows) == address:
            assert as_model([rows]) == as_model([golden_anchor_applied()])


def test_bytes_cut_short_or_with_more_after_them_are_refused() -> None:
    payloads = [encode(node) for node in golden_nodes().values()]
    for payload in payloads:
        for size in range(len(payload)):
            assert _decoded(payload[:size]) is None
        assert _decoded(payload + b"\0") is None
    patch = encode_patch(golden_patch())
    for part in [*(patch[:size] for size in range(len(patch))), patch + b"\0"]:
        with pytest.raises(Corrupt):
            decode_patch(part)


@given(
    name=st.sampled_from(["node_leaf_v1", "node_inner_v1"]),
    edits=st.lists(st.tuples(st.integers(4, 2000), st.integers(0, 255)), max_size=6),
)
def test_damaged_bytes_never_fail_in_another_way(name: str, edits: list[tuple[int, int]]) -> None:
    for payload in (encode(golden_nodes()[name]), encode_patch(golden_patch())):
        damaged = bytearray(payload)
        for at, value in edits:
            damaged[at % len(damaged)] = value
        _decoded(bytes(damaged))
        try:
            decode_patch(bytes(damaged)).applied(golden_anchor())
        except Corrupt:
            continue


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ([b"b", b"a"], "ascend"),
        ([b"a", b"a"], "ascend"),
        ([b"a", b"b\0"], "NUL"),
        ([b"a\0b", b"b"], "NUL"),
        ([b"", b"b"], "have 1 to"),
        ([b"a", b"b" * 513], "have 1 to"),
    ],
)
def test_ids_that_cannot_be_are_refused(ids: list[bytes], why: str) -> None:
    head = b"LVN\x01" + struct.pack("<BI", 0, len(ids))
    lengths = b"".join(struct.pack("<H", len(record_id)) for record_id in ids)
    places = b"\0\0" + struct.pack("<I", 0)
    with pytest.raises(Corrupt, match=why):
        decode(head + lengths + b"".join(ids) + bytes(16 * len(ids)) + places)


@pytest.mark.parametrize(
    ("packs", "places"),
    [
        (1, _places(pack=b"\1\0", runs=(1, 1))),
        (1, _places(pack=b"\0\0", runs=(0, 1, 1))),
        (1, _places(pack=b"\0\0", runs=(1,))),
        (0, _places(pack=b"\0\0", runs=(1, 1))),
    ],
    ids=["in no pack listed", "more runs than rows", "too few rows", "no pack at all"],
)
def test_places_that_cannot_be_are_refused(packs: int, places: bytes) -> None:
    table = struct.pack("<H", packs) + bytes(52 * packs)
    ids = struct.pack("<HH", 1, 1) + b"ab"
    with pytest.raises(Corrupt, match="place"):
        decode(b"LVN\x01" + struct.pack("<BI", 0, 2) + ids + bytes(32) + table + places)


def test_a_child_is_a_patch_or_not_and_nothing_else() -> None:
    node = golden_nodes()["node_inner_v1"]
    stored = encode(node)
    flags = slice(-23, -21)  # Before the places of one anchor, 4 + 1 + 4 * 4 bytes.
    assert stored[flags] == b"\0\1"
    with pytest.raises(Corrupt, match="patch"):
        decode(stored[:-23] + b"\0\2" + stored[-21:])


def test_a_patch_that_replaces_a_row_past_the_end_is_refused() -> None:
    put = entries({b"c": 1})
    rows = np.array([2])
    patch = Patch(2, rows[:0], rows, np.array([False]), put)
    with pytest.raises(Corrupt, match="range"):
        decode_patch(encode_patch(patch))


def test_a_patch_that_replaces_a_row_twice_is_refused() -> None:
    put = Entries.concat([entries({b"b": 1}), entries({b"b": 2})])
    rows = np.array([1, 1])
    patch = Patch(3, rows[:0], rows, np.array([False, False]), put)
    with pytest.raises(Corrupt, match="order"):
        decode_patch(encode_patch(patch))


@pytest.mark.parametrize(("level", "size"), [(0, 4097), (33, 1), (1, 0), (0, 2**32 - 1)])
def test_a_node_of_impossible_level_or_size_is_refused(level: int, size: int) -> None:
    with pytest.raises(Corrupt, match="level"):
        decode(b"LVN\x01" + struct.pack("<BI", level, size) + bytes(1000))


def test_another_version_is_refused() -> None:
    for payload in (b"LVN\x02" + bytes(100), b"", b"LVP\x01"):
        with pytest.raises(Corrupt, match="LVN of version 1"):
            decode(payload)


@given(locator=PLACES, anchor=st.none() | PLACES, count=st.integers(0, 2**64 - 1))
def test_a_pointer_comes_back_as_it_was(locator: Place, anchor: Place | None, count: int) -> None:
    pointer = Pointer(b"a" * 32, 0, count, locator, anchor)
    assert Pointer.from_bytes(pointer.to_bytes()) == pointer
    assert len(pointer.to_bytes()) == (110 if anchor is None else 174)


def test_a_pointer_cut_short_or_of_another_kind_is_refused() -> None:
    place = Place(pack_ref(1), 1, 2, 3)
    encoded = Pointer(b"a" * 32, 0, 7, place, place).to_bytes()
    wrong = [encoded[:size] for size in range(len(encoded))]
    wrong += [encoded + b"\0", b"LVT\x02" + encoded[4:], b"LVT\x01\x01" + encoded[5:]]
    for changed in wrong:
        with pytest.raises(Corrupt):
            Pointer.from_bytes(changed)


def golden_anchor() -> Entries:
    model = {f"record-{number:02}".encode(): number for number in range(12)}
    return entries(model, pack=1)


def golden_anchor_applied() -> Entries:
    before = golden_anchor().rows(0, 10)
    new = entries({b"record-03": 99, b"record-03\xc3\xa9": 98, b"record-05x": 97}, pack=2)
    rows = np.array([0, 1, 2, 10, 11, 4, 5, 12, 6, 7, 8, 9])
    return Entries.concat([before, new]).take(rows)


def golden_nodes() -> dict[str, Node]:
    place = Place(pack_ref(3), 7, 4096, 37_000)
    children = {
        b"m": Pointer(b"\x01" * 32, 0, 1024, place, None),
        b"z" * 20: Pointer(b"\x02" * 32, 0, 70_000, place, Place(pack_ref(4), 1, 96, 2000)),
    }
    return {
        "node_leaf_v1": Leaf.of(golden_anchor_applied()),
        "node_inner_v1": Inner.of(1, _children(children)),
    }


def golden_patch() -> Patch:
    return Patch.between(golden_anchor(), golden_anchor_applied())


def _rows(records: Records) -> Entries:
    if not records:
        return Entries.empty()
    ordered = sorted(records.items())
    locators, packs = locator_columns([place for _, (_, place) in ordered])
    ids = np.array([record_id for record_id, _ in ordered])
    digests = b"".join(digest for _, (digest, _) in ordered)
    return Entries(ids, np.frombuffer(digests, DIGEST), locators, packs)


def _records(rows: Entries) -> Records:
    return {
        record_id: (rows.values[row].tobytes(), rows.locator(row))
        for row, record_id in enumerate(rows.ids.tolist())
    }


def _children(pointers: dict[bytes, Pointer]) -> Children:
    ordered = sorted(pointers.items())
    places = [place for _, pointer in ordered for place in (pointer.locator, pointer.anchor)]
    locators, packs = locator_columns(places)
    values = b"".join(pointer.address + struct.pack("<Q", pointer.count) for _, pointer in ordered)
    ids = np.array([record_id for record_id, _ in ordered])
    return Children(ids, np.frombuffer(values, CHILD), locators.reshape(len(ordered), 2), packs)


def _address(rows: Entries) -> bytes:
    return address_of(Leaf.of(rows), KEY)


def _decoded(payload: bytes) -> Node | None:
    try:
        return decode(payload)
    except Corrupt:
        return None


def _flipped(payload: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(payload)):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def _read_leaf_slowly(payload: bytes) -> Records:
    """A leaf, read number by number as the docstring of ``node`` says."""
    at = 0

    def read(layout: str) -> tuple[int, ...]:
        nonlocal at
        at += struct.calcsize("<" + layout)
        return struct.unpack_from("<" + layout, payload, at - struct.calcsize("<" + layout))

    def planes(size: int) -> list[int]:
        columns = [read(f"{size}B") for _ in range(4)]
        return [sum(columns[byte][row] << 8 * byte for byte in range(4)) for row in range(size)]

    def text(size: int) -> bytes:
        return bytes(read(f"{size}B"))

    assert text(4) == b"LVN\x01"
    level, size = read("BI")
    assert level == 0
    ids = [text(length) for length in read(f"{size}H")]
    digests = [text(16) for _ in range(size)]
    packs = []
    for _ in range(*read("H")):
        pack_id, (epoch,) = text(16), read("I")
        packs.append(PackRef(pack_id, epoch, text(32)))
    (runs,) = read("I")
    pack = read(f"{size}B")
    many, gaps, lengths, steps = planes(runs), planes(runs), planes(runs), planes(size)
    assert at == len(payload)
    end = slot = 0
    blocks = []
    for count, gap, length in zip(many, gaps, lengths, strict=True):
        start = (end + gap) % 2**32
        end = start + length
        blocks += [(start, length)] * count
    places: dict[int, Place] = {}
    in_order = sorted(range(size), key=lambda row: (pack[row], row))
    for row, (start, length), step in zip(in_order, blocks, steps, strict=True):
        slot = (slot + step) % 2**32
        places[row] = Place(packs[pack[row]], slot, start, length)
    return {
        record_id: (digest, places[row])
        for row, (record_id, digest) in enumerate(zip(ids, digests, strict=True))
    }


GOLDEN_ADDRESSES = {
    "node_leaf_v1": "dbfdc16a3c33cbe17c36a21a12c27889c00ade4dcf4097a4b6adf899a876c628",
    "node_inner_v1": "0e2565157605184aad8c9723dc62e8e420c751c43d8dcb0c4861d31a9523d0a8",
}


def test_a_table_that_has_a_pack_twice_is_corrupt() -> None:
    packs = [pack_ref(1), pack_ref(2)]
    assert read_packs(Source(write_packs(packs), b"")) == tuple(packs)
    with pytest.raises(Corrupt, match="twice"):
        read_packs(Source(write_packs([*packs, pack_ref(1)]), b""))
