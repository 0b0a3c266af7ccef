"""Files by which well-kept libraries test themselves, through detection and conversion."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datavault.domain.digests import IdKeys
from datavault.domain.errors import Malformed, VaultError
from datavault.domain.formats.batch import Refused
from datavault.domain.formats.decoding import Compression
from datavault.domain.formats.detect import HEAD_BYTES, Given, Shape, detect
from datavault.domain.formats.reading import read_file
from datavault.domain.formats.tables import Kind
from datavault.services.lines import read_columns, validate_rows

from .reading import cut, never, records

LIBRARIES = Path(__file__).parents[3] / "corpora" / "libraries"
KEYS = IdKeys(*[bytes(32)] * 5)
SPECTRUM = sorted(path.stem for path in LIBRARIES.glob("csv-spectrum/*.csv"))
CASES = [
    (case["name"], base64.b64decode(case["base64"]))
    for line in (LIBRARIES / "json-test-suite" / "test_parsing.jsonl").read_bytes().splitlines()
    for case in [json.loads(line)]
]
# JSON that is no record: one has each of its names once, as RFC 8259, section 4, leaves open what
# twice means, and no NUL.
NO_RECORDS = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
}


def read(content: bytes, name: str, given: Given, refused: list[Refused]) -> list[Any]:
    """The records of a file."""
    form = detect(content[:HEAD_BYTES], name, given=given)
    found = records(read_file(cut(content, 7), form, refused.append))
    return [json.loads(line) for line, _ in found]


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_says_what_its_json_says(name: str) -> None:
    folder = LIBRARIES / "csv-spectrum"
    expected = json.loads((folder / f"{name}.json").read_bytes())
    refused: list[Refused] = []
    found = read((folder / f"{name}.csv").read_bytes(), f"{name}.csv", Given(), refused)
    assert (found, refused) == (expected, [])


def test_all_of_csv_spectrum_is_read() -> None:
    assert len(SPECTRUM) == 8


def is_record(content: bytes) -> bool:
    """Whether a text is one record's value to us: in an array of objects, as in a file."""
    file = b'[{"v":' + content + b"}]"
    refused: list[Refused] = []
    try:
        batches = [*read_file([file], detect(file, "x.json"), refused.append)]
    except VaultError:
        return False
    if len(batches) != 1 or refused:
        return False
    (batch,) = batches
    columns = read_columns(batch.text, None, KEYS)
    return not columns.bad and not validate_rows(columns, np.arange(len(columns.starts)))


@pytest.mark.parametrize("letter", ["y", "n"])
def test_json_is_a_record_if_the_suite_says_that_it_is_json(letter: str) -> None:
    cases = [(name, text) for name, text in CASES if name.startswith(letter + "_")]
    assert len(cases) > 90
    wrong = {name for name, text in cases if is_record(text) is not (letter == "y")}
    assert wrong == (NO_RECORDS if letter == "y" else set())


def test_what_the_suite_leaves_open_is_a_record_or_refused() -> None:
    cases = {name: is_record(text) for name, text in CASES if name.startswith("i_")}
    assert len(cases) == 35
    # What we take: numbers of any size, whose digits stay as they are.
    assert {name.split("_")[1] for name, is_taken in cases.items() if is_taken} <= {"number"}


@pytest.mark.parametrize(
    "name",
    [
        "basic.json",
        "basic_nulls.json",
        "list_string_dict_nested.json",
        "list_string_dict_nested_nulls.json",
        "mixed_arrays.json",
        "mixed_arrays.json.gz",
        "nested_structs.json",
        "nested_with_nulls.json",
    ],
)
def test_lines_of_json_are_the_records_byte_for_byte(name: str) -> None:
    content = (LIBRARIES / "arrow-rs" / name).read_bytes()
    plain = (LIBRARIES / "arrow-rs" / name.removesuffix(".gz")).read_bytes()
    form = detect(content, name)
    assert form.shape is Shape.NDJSON
    assert (form.compression is Compression.GZIP) == name.endswith(".gz")
    found = [line for line, _ in records(read_file(cut(content, 7), form, never))]
    assert found == plain.splitlines()


def test_columns_that_are_declared_have_their_kinds() -> None:
    content = (LIBRARIES / "arrow-rs" / "uk_cities_with_headers.csv").read_bytes()
    given = Given(kinds={"lat": Kind.NUMBER, "lng": Kind.NUMBER})
    found = read(content, "cities.csv", given, [])
    assert len(found) == 37
    assert found[0] == {"city": "Elgin, Scotland, the UK", "lat": 57.653484, "lng": -3.335724}


def test_bars_are_seen_and_empty_fields_are_null_but_for_strings() -> None:
    content = (LIBRARIES / "arrow-rs" / "various_types.csv").read_bytes()
    kinds = {"c_int": Kind.INTEGER, "c_float": Kind.NUMBER, "c_bool": Kind.BOOLEAN}
    found = read(content, "file", Given(kinds=kinds), [])
    assert found[2:4] == [
        {
            "c_int": 3,
            "c_float": None,
            "c_string": "3.33",
            "c_bool": True,
            "c_date": "1969-12-31",
            "c_datetime": "1969-11-08T02:00:00",
        },
        {
            "c_int": 4,
            "c_float": 4.4,
            "c_string": "",
            "c_bool": False,
            "c_date": "",
            "c_datetime": "",
        },
    ]


def test_booleans_are_known_as_programs_write_them() -> None:
    content = (LIBRARIES / "arrow-rs" / "null_test.csv").read_bytes()
    found = read(content, "null.csv", Given(kinds={"c_bool": Kind.BOOLEAN}), [])
    assert [row["c_bool"] for row in found] == [True, True, True, False, False]


def test_rows_that_are_too_short_are_refused_one_by_one() -> None:
    content = (LIBRARIES / "arrow-rs" / "truncated_rows.csv").read_bytes()
    refused: list[Refused] = []
    found = read(content, "truncated.csv", Given(), refused)
    assert [row["Name"] for row in found] == ["A1", "C3", "E5"]
    assert [(each.place.line, each.raw) for each in refused] == [
        (3, b"B2,29,Doctor\n"),
        (4, b",\n"),
        (7, b"D4\n"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty-block.zst", b""),
        ("rle-first-block.zst", bytes(2**20)),
        ("zeroSeq_2B.zst", b"Hello World!\n"),
    ],
)
def test_golden_frames_are_read(name: str, text: bytes) -> None:
    content = (LIBRARIES / "zstd" / name).read_bytes()
    found = records(read_file(cut(content, 3), detect(content, name), never))
    assert [json.loads(line)["text"].encode() for line, _ in found] == text.splitlines()


@pytest.mark.parametrize(
    "name", ["off0.bin.zst", "truncated_huff_state.zst", "zeroSeq_extraneous.zst"]
)
def test_frames_that_are_wrong_are_refused(name: str) -> None:
    content = (LIBRARIES / "zstd" / name).read_bytes()
    with pytest.raises(Malformed, match="zstd data is damaged"):
        [*read_file(cut(content, 3), detect(content, name), never)]
