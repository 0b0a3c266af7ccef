"""Parquet files of many writers, as apache/parquet-testing has them, in JSON or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.formats.batch import Refused
from tests.contract.test_columnar import File, lines, never

FOLDER = Path(__file__).parents[1] / "corpora" / "libraries" / "parquet-testing"
# So many rows has each: from its own metadata, as `pq.ParquetFile(name).metadata` says.
ROWS = {
    "alltypes_dictionary": 2,
    "alltypes_plain": 8,
    "alltypes_plain.snappy": 2,
    "bad-ARROW-GH-43605": 21186,
    "binary": 12,
    "byte_array_decimal": 24,
    "byte_stream_split.zstd": 300,
    "concatenated_gzip_members": 513,
    "datapage_v1-snappy-compressed-checksum": 5120,
    "datapage_v2.snappy": 5,
    "delta_encoding_optional_column": 100,
    "delta_length_byte_array": 1000,
    "dict-page-offset-zero": 39,
    "fixed_length_byte_array": 1000,
    "fixed_length_decimal": 24,
    "float16_nonzeros_and_nans": 8,
    "hadoop_lz4_compressed": 4,
    "int32_decimal": 24,
    "int32_with_null_pages": 1000,
    "int64_decimal": 24,
    "list_columns": 3,
    "lz4_raw_compressed": 4,
    "map_no_value": 3,
    "nation.dict-malformed": 25,
    "nested_lists.snappy": 3,
    "nested_maps.snappy": 6,
    "nonnullable.impala": 1,
    "null_list": 1,
    "nullable.impala": 7,
    "nulls.snappy": 8,
    "old_list_structure": 1,
    "page_v2_empty_compressed": 10,
    "plain-dict-uncompressed-checksum": 1000,
    "repeated_no_annotation": 6,
    "repeated_primitive_no_list": 4,
    "rle-dict-snappy-checksum": 1000,
    "single_nan": 1,
    "sort_columns": 6,
    "unknown-logical-type": 3,
}
REFUSED = {
    "bad-ARROW-GH-45185.parquet": (Malformed, "damaged"),
    "bad-ARROW-GH-47662.parquet": (Malformed, "damaged"),
    "bad-ARROW-RS-GH-6229-DICTHEADER.parquet": (Malformed, "damaged"),
    "bad-ARROW-RS-GH-6229-LEVELS.parquet": (Malformed, "damaged"),
    "bad-PARQUET-1481.parquet": (Malformed, "damaged"),
    "encrypt_columns_and_footer.parquet.encrypted": (Invalid, "encrypted"),
    "encrypt_columns_plaintext_footer.parquet.encrypted": (Malformed, "damaged"),
    # Keys of a map that may be null are against the format; pyarrow does not read them.
    "incorrect_map_schema.parquet": (Malformed, "damaged"),
    "large_string_map.brotli.parquet": (TooLarge, "row group 1 has 2147483827"),
    "rle-dict-uncompressed-corrupt-checksum.parquet": (Malformed, "damaged"),
    "uniform_encryption.parquet.encrypted": (Invalid, "encrypted"),
}
OTHERS = {"int96_from_spark.parquet"}


def file(name: str) -> File:
    return File((FOLDER / name).read_bytes())


def rows(name: str) -> list[Any]:
    return [json.loads(line) for line, _ in lines(file(f"{name}.parquet"))]


def test_every_file_is_read_or_refused() -> None:
    found = {path.name for path in FOLDER.iterdir()}
    assert found == {f"{name}.parquet" for name in ROWS} | REFUSED.keys() | OTHERS


@pytest.mark.parametrize("name", ROWS)
def test_every_row_becomes_a_line(name: str) -> None:
    assert len(rows(name)) == ROWS[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused(name: str) -> None:
    kind, words = REFUSED[name]
    refusal: VaultError | None = None
    try:
        lines(file(name), never)
    except VaultError as error:
        refusal = error
    assert isinstance(refusal, kind)
    assert words in str(refusal)


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("alltypes_plain", "id", [4, 5, 6, 7, 2, 3, 0, 1]),
        ("alltypes_plain", "timestamp_col", ["2009-03-01T00:00:00", "2009-03-01T00:01:00"]),
        ("concatenated_gzip_members", "long_col", [*range(1, 514)]),
        ("int32_decimal", "value", [float(each) for each in range(1, 25)]),
        ("byte_array_decimal", "value", [float(each) for each in range(1, 25)]),
        ("fixed_length_decimal", "value", [float(each) for each in range(1, 25)]),
        ("delta_length_byte_array", "FRUIT", [f"apple_banana_mango{at**2}" for at in range(1000)]),
        ("lz4_raw_compressed", "v11", [42.0, 7.7, 42.125, 7.7]),
        ("old_list_structure", "a", [[[1, 2], [3, 4]]]),
        ("page_v2_empty_compressed", "integer_column", [None] * 10),
        ("map_no_value", "my_map", [[[key, None] for key in (1, 2, 3)]]),
    ],
)
def test_values_are_those_that_the_files_are_described_with(
    name: str, column: str, expected: list[Any]
) -> None:
    assert [row[column] for row in rows(name)][: len(expected)] == expected


def test_instants_beyond_the_nanoseconds_of_64_bits_are_right_or_refused() -> None:
    refused: list[Refused] = []
    found = [
        json.loads(line) for line, _ in lines(file("int96_from_spark.parquet"), refused.append)
    ]
    assert [row["a"] for row in found] == [
        "2024-01-01T20:34:56.123456",
        "2024-01-01T01:00:00",
        "9999-12-31T03:00:00",
        "2024-12-30T23:00:00",
        None,
    ]
    # The year 290000.
    assert [each.place.line for each in refused] == [6]
