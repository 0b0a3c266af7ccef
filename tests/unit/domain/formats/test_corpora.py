"""The same records in files of every format, made by other programs."""

import json
from pathlib import Path

import pytest

from datavault.domain.formats.batch import Refused
from datavault.domain.formats.detect import HEAD_BYTES, detect
from datavault.domain.formats.reading import read_file

from .reading import cut, never, records

CORPORA = Path(__file__).parents[3] / "corpora" / "formats"
EXPECTED = [json.loads(line) for line in (CORPORA / "lines.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        "lines.jsonl",
        "lines.jsonl.gz",
        "lines.jsonl.zst",
        "lines-utf-16-crlf.jsonl",
        "array.json",
        "table.csv",
        "table.tsv",
    ],
)
def test_a_file_says_by_its_content_what_it_is(name: str) -> None:
    content = (CORPORA / name).read_bytes()
    form = detect(content[:HEAD_BYTES], "file")
    found = records(read_file(cut(content, 1000), form, never))
    assert [json.loads(line) for line, _ in found] == EXPECTED


def test_a_file_of_windows_1252_has_its_lines_refused_one_by_one() -> None:
    content = (CORPORA / "table.csv").read_bytes().decode("utf-8-sig")
    latin = content.encode("cp1252", "replace")
    refused: list[Refused] = []
    found = records(read_file([latin], detect(latin, "x.csv"), refused.append))
    assert len(found) + len(refused) == len(EXPECTED)
    assert refused
    assert all("not UTF-8 at byte" in str(each.error) for each in refused)
