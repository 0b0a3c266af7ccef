"""``Columnar`` on pyarrow: a few rows of a row group at a time, to Python, to JSON.

Column chunks are read by the page (``buffer_size``) and not ahead, so that what is in memory is
a page a column and the rows of one step, whatever the row group has. How many rows that is follows
from what the file declares and from the longest string of its dictionaries, as a row group does
not say how long its rows are. Rejected: leaving strings in dictionaries. pyarrow goes on adding to
them where a writer has given up its own, so that memory grew to all of the row group.
"""

import io
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.formats.batch import (
    KEPT_BYTES_MAX,
    Batches,
    Int64s,
    Place,
    Refuse,
    Refused,
    Written,
    gathered,
)
from datavault.domain.formats.decoding import RATIO_FREE_BYTES, RATIO_MAX
from datavault.ports import RowGroup, Seekable

# Writers make row groups of some 128 MiB, at times of 512; of one, a page a column is held.
ROW_GROUP_BYTES_MAX = 1024**3
COLUMNS_MAX = 4096
# The footer is read whole: 16 MiB describe some 100,000 column chunks.
FOOTER_BYTES_MAX = 16 * 1024**2
# As the file declares them; of Python objects and of JSON it is some times as much.
_STEP_BYTES = 1024**2
_STEP_ROWS_MAX = 1024
# Of all columns together: so much of a file is asked for at a time, in pieces of such sizes.
_BUFFERS_BYTES = 4 * 1024**2
_BUFFER_BYTES_MIN, _BUFFER_BYTES_MAX = 16 * 1024, 2 * 1024**2
# What a step's rows may come to when each has a dictionary's longest string.
_DECODED_BYTES_MAX = 32 * 1024**2
_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"

# pyarrow's own pool keeps what it has freed, 20 to 40 MB of it, and is no faster here.
pa.set_memory_pool(pa.system_memory_pool())

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class ParquetColumnar:
    """Reads Parquet, versions 1 and 2."""

    def groups(self, source: Seekable) -> tuple[RowGroup, ...]:
        return tuple(_sound(_groups(source), source))

    def read(self, source: Seekable, group: int, refuse: Refuse) -> Batches:
        return gathered(_sound(_lines(source, group, refuse), source))


def _sound[T](found: Iterator[T], source: Seekable) -> Iterator[T]:
    """The same; what pyarrow finds wrong with the file is raised as an error of ours."""
    problem: VaultError | None = None
    try:
        yield from found
    except pa.ArrowNotImplementedError:
        problem = Invalid("the file has a type or an encoding that is not read here")
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError):
        problem = Malformed(f"the Parquet file of {source.size} bytes is damaged")
    # Raised outside, as its texts may quote values.
    if problem is not None:
        raise problem


def _groups(source: Seekable) -> Iterator[RowGroup]:
    with _opened(source) as file:
        yield from _described(file, source.size)


def _described(file: pq.ParquetFile, size: int) -> Iterator[RowGroup]:
    """The groups, each placed where it would begin if all were equally compressed.

    Where they are in truth, the metadata of their columns say; but asked for those of a damaged
    file, pyarrow ends the process by a C++ exception that it does not catch.
    """
    _require_types(file.schema_arrow)
    groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    for index, group in enumerate(groups):
        if not 0 <= group.total_byte_size <= ROW_GROUP_BYTES_MAX:
            raise TooLarge(
                f"a row group has at most {ROW_GROUP_BYTES_MAX} bytes; row group"
                f" {index + 1} has {group.total_byte_size}"
            )
    total = sum(group.total_byte_size for group in groups)
    first, before = 1, 0
    for group in groups:
        begins = min(size - 1, size * before // max(1, total))
        yield RowGroup(first, group.num_rows, group.total_byte_size, begins)
        first += group.num_rows
        before += group.total_byte_size


def _lines(source: Seekable, index: int, refuse: Refuse) -> Iterator[Written]:
    with _opened(source) as file:
        group = [*_described(file, source.size)][index]
        columns = file.metadata.num_columns
        shared, has_maps = _strings(file)
    if not group.rows:
        return
    longest = group.bytes_declared if has_maps else _longest(source, index, shared, group)
    row_bytes = max(1, group.bytes_declared // group.rows)
    step = min(_STEP_ROWS_MAX, _STEP_BYTES // row_bytes, _DECODED_BYTES_MAX // max(1, longest))
    row = group.first_row
    bytes_max = max(RATIO_FREE_BYTES, RATIO_MAX * source.size)
    with _opened(source, columns=columns) as file:
        batches = file.iter_batches(max(1, step), row_groups=[index], use_threads=False)
        for batch in batches:
            written = _written(batch, row, refuse)
            row += batch.num_rows
            bytes_max -= len(written.text)
            if bytes_max < 0:
                raise TooLarge(
                    f"row group {index + 1} is over {RATIO_MAX} times as large as the file of"
                    f" {source.size} bytes"
                )
            yield written


def _strings(file: pq.ParquetFile) -> tuple[list[str], bool]:
    """The columns of strings, and whether some are in maps: those pyarrow does not read as
    dictionaries."""
    leaves = [file.schema.column(at) for at in range(len(file.schema))]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    maps = tuple(f"{field.name}." for field in file.schema_arrow if _has_map(field.type))
    return texts, any(path.startswith(maps) for path in texts)


def _longest(source: Seekable, index: int, texts: Sequence[str], group: RowGroup) -> int:
    """The bytes of the longest strings of a row group's dictionaries: the first row comes with
    them whole. All of the group, where strings stand for what they have beyond the one before."""
    if not texts:
        return 0
    with _opened(source, texts) as file:
        try:
            batch = next(file.iter_batches(1, row_groups=[index], use_threads=False), None)
        except (pa.ArrowException, OSError):  # Whether the file is damaged, reading it will say.
            return group.bytes_declared
    return 0 if batch is None else sum(map(_longest_in, batch.columns))


def _has_map(kind: pa.DataType) -> bool:
    fields = [kind.field(at) for at in range(kind.num_fields)]
    return pa.types.is_map(kind) or any(_has_map(field.type) for field in fields)


def _longest_in(column: pa.Array) -> int:
    """The longest string of a column's dictionaries."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(map(_longest_in, column.flatten()))
    if pa.types.is_nested(kind) and not pa.types.is_map(kind):
        return _longest_in(column.flatten())
    return 0


def _written(batch: pa.RecordBatch, first_row: int, refuse: Refuse) -> Written:
    names = batch.schema.names
    columns = [_readable(column) for column in batch.columns]
    rows = np.arange(first_row, first_row + batch.num_rows)
    try:
        cells = [column.to_pylist() for column in columns]
    except (ValueError, OverflowError):  # A string that is not UTF-8, a year after 9999.
        return _written_singly(columns, names, rows, refuse)
    return Written(_encoded(cells, names), rows, np.zeros(len(rows), np.int64))


def _written_singly(
    columns: list[pa.Array], names: list[str], rows: Int64s, refuse: Refuse
) -> Written:
    """Row by row, since one of them cannot be read."""
    lines: list[bytes] = []
    good: list[int] = []
    for at, row in enumerate(rows.tolist()):
        try:
            cells = [column.slice(at, 1).to_pylist() for column in columns]
        except (ValueError, OverflowError):
            raw = b"\n".join(_bytes_of(column[at]) for column in columns)
            problem = Malformed(f"in row {row}, a string is not UTF-8 or a time out of range")
            refuse(Refused(Place(row, 0), problem, raw[:KEPT_BYTES_MAX], len(raw)))
            continue
        lines.append(_encoded(cells, names))
        good.append(at)
    return Written(b"".join(lines), rows[good], np.zeros(len(good), np.int64))


def _encoded(cells: list[list[object]], names: list[str]) -> bytes:
    rows = zip(*cells, strict=True)
    return _ENCODER.encode_lines([dict(zip(names, row, strict=True)) for row in rows])


def _bytes_of(value: pa.Scalar) -> bytes:
    """The bytes of a string that may not be text; of anything else, none."""
    buffer = value.as_buffer() if hasattr(value, "as_buffer") else None
    return b"" if buffer is None else buffer.to_pybytes()


def _readable(column: pa.Array) -> pa.Array:
    """The column in types whose Python values are written as the port says."""
    target = _target(column.type, pa.timestamp("us"), pa.time64("us"))
    try:
        return column if target == column.type else column.cast(target)
    except pa.ArrowInvalid:
        pass  # Finer than microseconds: as text, digit by digit.
    column = column.cast(_target(column.type, pa.timestamp("ns"), pa.time64("ns")))
    column = column.cast(_target(column.type, pa.string(), pa.string()))
    if column.type == pa.string():
        # Inside lists and structs a space stands for the T, as RFC 3339, section 5.6, allows,
        # and an offset of zero for the Z.
        column = pc.replace_substring(column, " ", "T")
        column = pc.replace_substring(column, "+0000", "Z")
    return column


def _target(kind: pa.DataType, timestamp: pa.DataType, time: pa.DataType) -> pa.DataType:
    """What a type is read as: instants in UTC, durations as integers, encodings undone."""

    def again(inner: pa.DataType) -> pa.DataType:
        return _target(inner, timestamp, time)

    if pa.types.is_timestamp(kind):
        if timestamp == pa.string():
            return timestamp if kind.unit == "ns" else kind
        unit = timestamp.unit if kind.unit == "ns" else kind.unit
        # An offset needs no database of time zones; the instant is the same.
        return pa.timestamp(unit, None if kind.tz is None else "+00:00")
    if pa.types.is_time64(kind):
        return time
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_dictionary(kind):
        return again(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(again(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(again(kind.key_type), again(kind.item_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(again(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(again(kind.value_type)), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(again(kind.value_type)))
    return kind


def _require_types(schema: pa.Schema) -> None:
    names = schema.names
    if len(names) > COLUMNS_MAX:
        raise TooLarge(f"a table has at most {COLUMNS_MAX} columns; this has {len(names)}")
    if len(set(names)) != len(names):
        raise Invalid(f"of {len(names)} columns, {len(names) - len(set(names))} are there twice")


class _Window(io.RawIOBase):
    """A seekable source as Python's file, which pyarrow reads from."""

    def __init__(self, source: Seekable) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._source.size - self._at)
        length = left if size < 0 else min(size, left)
        found = self._source.read(self._at, length) if length else b""
        self._at += len(found)
        return found


def _opened(
    source: Seekable, shared: Sequence[str] = (), *, columns: int = COLUMNS_MAX
) -> pq.ParquetFile:
    """The file; strings of ``shared`` columns as dictionaries."""
    _require_footer(source)
    buffer_bytes = _BUFFERS_BYTES // max(1, columns)
    return pq.ParquetFile(
        pa.PythonFile(_Window(source), mode="r"),
        read_dictionary=list(shared),
        buffer_size=max(_BUFFER_BYTES_MIN, min(_BUFFER_BYTES_MAX, buffer_bytes)),
        pre_buffer=False,
        # Spark writes years that do not fit into nanoseconds, which pyarrow would wrap around.
        coerce_int96_timestamp_unit="us",
        page_checksum_verification=True,
        thrift_string_size_limit=FOOTER_BYTES_MAX,
        thrift_container_size_limit=1_000_000,
    )


def _require_footer(source: Seekable) -> None:
    if source.size < 12 or source.read(0, 4) not in {_MAGIC, _ENCRYPTED}:
        raise Malformed(f"these {source.size} bytes are no Parquet file")
    end = source.read(source.size - 8, 8)
    if end[4:] == _ENCRYPTED:
        raise Invalid("the Parquet file is encrypted")
    if end[4:] != _MAGIC:
        raise Malformed(f"the Parquet file is cut short at {source.size} bytes")
    length = int.from_bytes(end[:4], "little")
    if length > source.size - 12:
        raise Malformed(f"the Parquet file of {source.size} bytes is damaged at its end")
    if length > FOOTER_BYTES_MAX:
        raise TooLarge(f"a footer has at most {FOOTER_BYTES_MAX} bytes; this has {length}")
