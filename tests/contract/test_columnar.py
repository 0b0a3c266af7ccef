"""What the port promises of tables of columns, on pyarrow, which is what runs here and there."""

import base64
import datetime
import io
import json
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.parquet import columnar
from datavault.adapters.parquet.columnar import ParquetColumnar
from datavault.domain.errors import Invalid, Malformed, TooLarge, Unavailable, VaultError
from datavault.domain.formats.batch import Place, Refused
from datavault.domain.formats.decoding import RATIO_MAX
from datavault.ports import Columnar, RowGroup

COLUMNAR: Columnar = ParquetColumnar()


@dataclass(frozen=True, slots=True)
class File:
    """A file in memory."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, start: int, length: int) -> bytes:
        assert 0 <= start <= start + length <= len(self.content)
        return self.content[start : start + length]


def written(table: pa.Table, **options: object) -> File:
    target = io.BytesIO()
    pq.write_table(table, target, **options)
    return File(target.getvalue())


def never(refused: Refused) -> None:
    raise AssertionError(f"{refused.place}: {refused.error}")


def lines(file: File, refuse: object = never) -> list[tuple[str, Place]]:
    assert callable(refuse)
    found = []
    for index in range(len(COLUMNAR.groups(file))):
        for batch in COLUMNAR.read(file, index, refuse):
            parts = batch.text.decode().removesuffix("\n").split("\n")
            assert len(parts) == batch.lines
            found += [(line, batch.origin.place(at)) for at, line in enumerate(parts)]
    return found


UTC, NS = datetime.UTC, 1_700_000_000_123_456_789


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], pa.int8(), "[1,null]"),
        ([2**64 - 1], pa.uint64(), "[18446744073709551615]"),
        ([1.5, float("nan"), float("-inf")], pa.float64(), "[1.5,null,null]"),
        ([True], pa.bool_(), "[true]"),
        (["é\n"], pa.large_string(), '["é\\n"]'),
        (["u", "u"], pa.dictionary(pa.int8(), pa.string()), '["u","u"]'),
        ([b"\0\xff"], pa.binary(), f'["{base64.b64encode(b"\0\xff").decode()}"]'),
        ([Decimal("12.50"), Decimal("-0.01")], pa.decimal128(10, 2), "[12.50,-0.01]"),
        ([Decimal(10**37 + 1)], pa.decimal128(38, 0), f"[{10**37 + 1}]"),
        ([datetime.date(2024, 2, 29)], pa.date32(), '["2024-02-29"]'),
        ([datetime.time(1, 2, 3, 4)], pa.time64("us"), '["01:02:03.000004"]'),
        ([3_600_000_000_001], pa.time64("ns"), '["01:00:00.000000001"]'),
        ([1_704_164_400_000], pa.timestamp("ms"), '["2024-01-02T03:00:00"]'),
        ([0], pa.timestamp("us", "Europe/Berlin"), '["1970-01-01T00:00:00Z"]'),
        ([NS], pa.timestamp("ns"), '["2023-11-14T22:13:20.123456789"]'),
        ([NS], pa.timestamp("ns", "Asia/Tokyo"), '["2023-11-14T22:13:20.123456789Z"]'),
        ([NS // 1000 * 1000], pa.timestamp("ns", "UTC"), '["2023-11-14T22:13:20.123456Z"]'),
        ([5], pa.duration("ms"), "[5]"),
        ([[1, None], None, []], pa.list_(pa.int32()), "[[1,null],null,[]]"),
        ([{"x": 1, "y": ["q"]}, None], pa.struct({"x": pa.int8(), "y": pa.list_(pa.string())}),
         '[{"x":1,"y":["q"]},null]'),
        ([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int8()), '[[["k",1],["k",2]]]'),
        ([[0]], pa.list_(pa.timestamp("s", "+02:00")), '[["1970-01-01T00:00:00Z"]]'),
        ([["u", "u"]], pa.large_list(pa.string()), '[["u","u"]]'),
        ([["u", "u"], None], pa.list_(pa.string(), 2), '[["u","u"],null]'),
        ([[{"a": ["u"]}]], pa.list_(pa.struct({"a": pa.list_(pa.string())})), '[[{"a":["u"]}]]'),
        ([{"m": [("k", "v")]}], pa.struct({"m": pa.map_(pa.string(), pa.string())}),
         '[{"m":[["k","v"]]}]'),
    ],
)  # fmt: skip
def test_a_value_is_what_it_is_in_json(
    values: list[object], kind: pa.DataType, expected: str
) -> None:
    file = written(pa.table({"v": pa.array(values, kind)}))
    found = ",".join(line.removeprefix('{"v":').removesuffix("}") for line, _ in lines(file))
    assert f"[{found}]" == expected


@settings(deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries({"b": st.text(max_size=5), "a": st.integers(0, 99)})),
    size=st.integers(1, 5),
    codec=st.sampled_from(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
    version=st.sampled_from(["1.0", "2.6"]),
)
def test_rows_come_back_in_order_at_their_places(
    rows: list[dict[str, object]], size: int, codec: str, version: str
) -> None:
    schema = pa.schema({"b": pa.string(), "a": pa.int64()})
    table = pa.Table.from_pylist(rows, schema)
    file = written(table, row_group_size=size, compression=codec, version=version)
    groups = COLUMNAR.groups(file)
    assert sum(group.rows for group in groups) == len(rows)
    assert [group.first_row for group in groups if group.rows] == [*range(1, len(rows) + 1, size)]
    found = lines(file)
    assert [json.loads(line) for line, _ in found] == rows
    assert [[*json.loads(line)] for line, _ in found] == [["b", "a"]] * len(rows)
    assert [place for _, place in found] == [Place(at + 1, 0) for at in range(len(rows))]


def test_a_string_that_is_not_text_sinks_its_row_alone() -> None:
    values = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    refused: list[Refused] = []
    found = lines(written(pa.table({"v": values})), refused.append)
    assert found == [('{"v":"a"}', Place(1, 0)), ('{"v":"c"}', Place(3, 0))]
    assert [(each.place, each.raw) for each in refused] == [(Place(2, 0), b"\xff")]
    assert isinstance(refused[0].error, Malformed)


def test_a_time_out_of_range_sinks_its_row_alone() -> None:
    refused: list[Refused] = []
    far = pa.array([0, 2**62], pa.timestamp("us"))
    assert len(lines(written(pa.table({"v": far})), refused.append)) == 1
    assert [each.place.line for each in refused] == [2]


FILE = written(pa.table({"a": [*range(100)], "b": ["text"] * 100}))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1PAR1", b"x" * 100, FILE.content[:-1]])
def test_what_is_no_whole_file_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        COLUMNAR.groups(File(content))


@settings(deadline=None)
@given(at=st.integers(0, len(FILE.content) - 1), byte=st.integers(0, 255))
def test_a_damaged_file_is_read_or_an_error_of_ours(at: int, byte: int) -> None:
    content = FILE.content[:at] + bytes([byte]) + FILE.content[at + 1 :]
    found: VaultError | None = None
    try:
        lines(File(content), lambda refused: None)
    except VaultError as error:
        found = error
    assert found is None or found.__context__ is None


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_of_a_footer_ends_the_process(bit: int) -> None:
    content = FILE.content
    footer = int.from_bytes(content[-8:-4], "little")
    for at in range(len(content) - 8 - footer, len(content), 2):
        damaged = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        with suppress(VaultError):
            lines(File(damaged), lambda refused: None)


def test_a_column_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(Invalid, match="of 2 columns, 1 are there twice"):
        COLUMNAR.groups(written(table))


def test_an_encrypted_file_is_refused() -> None:
    with pytest.raises(Invalid, match="encrypted"):
        COLUMNAR.groups(File(FILE.content[:-4] + b"PARE"))


def test_bounds_of_row_groups_and_columns_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "COLUMNS_MAX", 1)
    with pytest.raises(TooLarge, match="at most 1 columns; this has 2"):
        COLUMNAR.groups(FILE)
    monkeypatch.undo()
    monkeypatch.setattr(columnar, "ROW_GROUP_BYTES_MAX", 10)
    with pytest.raises(TooLarge, match="a row group has at most 10 bytes; row group 1 has"):
        COLUMNAR.groups(FILE)
    monkeypatch.undo()
    monkeypatch.setattr(columnar, "FOOTER_BYTES_MAX", 10)
    with pytest.raises(TooLarge, match="a footer has at most 10 bytes"):
        COLUMNAR.groups(FILE)


def test_a_source_that_fails_is_not_a_damaged_file() -> None:
    class Failing(File):
        def read(self, start: int, length: int) -> bytes:
            if start == 4:
                raise Unavailable("the objects do not answer")
            return File.read(self, start, length)

    with pytest.raises(Unavailable):
        [*COLUMNAR.read(Failing(FILE.content), 0, never)]


def test_memory_does_not_grow_with_the_row_group() -> None:
    rows = 200_000
    table = pa.table({"id": [f"{at:020}" for at in range(rows)], "x": ["y" * 200] * rows})
    file = written(table, row_group_size=rows, use_dictionary=False, compression="none")
    (group,) = COLUMNAR.groups(file)
    assert group == RowGroup(1, rows, group.bytes_declared, group.begins)
    assert group.bytes_declared > 40 * 2**20
    del table
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    peak = count = 0
    for batch in COLUMNAR.read(file, 0, never):
        count += batch.lines
        peak = max(peak, pa.total_allocated_bytes() - before)
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == rows
    assert peak < 20 * 2**20
    assert python < 120 * 2**20


def a_bomb(rows: int) -> File:
    """Rows that share one string of a MiB, in a column and in lists."""
    text = pa.array(["x" * 2**20])
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text)
    lists = pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), shared)
    return written(pa.table({"text": shared, "list": lists}))


def test_a_string_of_many_rows_is_in_memory_a_few_times() -> None:
    file = a_bomb(60)
    before = pa.total_allocated_bytes()
    peak = count = 0
    for batch in COLUMNAR.read(file, 0, never):
        count += batch.lines
        peak = max(peak, pa.total_allocated_bytes() - before)
        assert len(batch.text) < 64 * 2**20
    assert count == 60
    assert peak < 64 * 2**20


def test_a_bomb_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "RATIO_FREE_BYTES", 2**20)
    file = a_bomb(60)
    assert file.size * RATIO_MAX < 120 * 2**20
    with pytest.raises(TooLarge, match="row group 1 is over 200 times"):
        [*COLUMNAR.read(file, 0, never)]


def test_strings_that_repeat_the_one_before_are_read_few_at_a_time() -> None:
    table = pa.table({"text": ["y" * 2**19] * 500})
    file = written(table, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
    assert file.size < 2**20
    before = pa.total_allocated_bytes()
    peak = count = 0
    for batch in COLUMNAR.read(file, 0, never):
        count += batch.lines
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert count == 500
    assert peak < 100 * 2**20


@given(
    rows=st.integers(1, 40), group=st.integers(1, 9), width=st.integers(1, 4), cut=st.integers(1, 7)
)
@settings(max_examples=30, deadline=None)
def test_of_ranges_that_divide_a_file_one_has_a_row_group(
    rows: int, group: int, width: int, cut: int
) -> None:
    table = pa.table({f"c{at}": list(range(rows)) for at in range(width)})
    file = written(table, row_group_size=group)
    step = max(1, file.size // cut)
    ranges = [(at, at + step) for at in range(0, file.size, step)]
    for each in COLUMNAR.groups(file):
        assert sum(start <= each.begins < end for start, end in ranges) == 1


def test_a_file_of_the_corpora_has_the_records_of_the_others() -> None:
    corpora = Path(__file__).parents[1] / "corpora" / "formats"
    expected = [json.loads(line) for line in (corpora / "lines.jsonl").read_bytes().splitlines()]
    file = File((corpora / "table.parquet").read_bytes())
    assert len(COLUMNAR.groups(file)) == 3
    assert [json.loads(line) for line, _ in lines(file)] == expected
