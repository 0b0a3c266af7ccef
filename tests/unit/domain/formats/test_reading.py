import gzip
import io
import json
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datavault.domain.digests import IdKeys
from datavault.domain.errors import Invalid, VaultError
from datavault.domain.formats.batch import Place, Refused
from datavault.domain.formats.detect import Given, Shape, detect
from datavault.domain.formats.pieces import LineCount
from datavault.domain.formats.reading import read_file, read_range
from datavault.services.lines import read_columns

from .reading import RECORDS, SIZES, cut, never, records, small_pieces

__all__ = ["small_pieces"]
pytestmark = pytest.mark.usefixtures("small_pieces")
ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PACKS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
READ = [shape for shape in Shape if shape is not Shape.PARQUET]


@ANY
@given(
    values=RECORDS.filter(bool),
    pack=st.sampled_from(sorted(PACKS)),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    is_array=st.booleans(),
    size=SIZES,
)
def test_records_come_back_from_any_wrapping(
    values: list[object], pack: str, encoding: str, end: str, is_array: bool, size: int
) -> None:
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    text = f"[{end}{f',{end}'.join(lines)}{end}]" if is_array else end.join(lines)
    file = PACKS[pack](text.encode(encoding))
    shape = detect(file, "x")
    found = records(read_file(cut(file, size), shape, never))
    assert [json.loads(line) for line, _ in found] == values
    if encoding == "utf-8-sig":
        # Places are those in the file, after its mark.
        assert found[0][1].offset == 3 + text.index("{" if is_array else lines[0])


@ANY
@given(
    text=st.text("ab\n", max_size=40),
    edge=st.integers(1, 40),
    marked=st.booleans(),
    shape=st.sampled_from([Shape.NDJSON, Shape.TEXT_LINES]),
)
def test_ranges_give_what_the_whole_file_gives(
    text: str, edge: int, marked: bool, shape: Shape
) -> None:
    file = text.encode("utf-8-sig" if marked else "utf-8")
    form = detect(file, "x", given=Given(shape=shape))
    edge = min(edge, max(1, len(file) - 1))
    found = []
    count = LineCount()
    for start, end in ((0, edge), (edge, len(file))):
        if start >= max(end, 1):
            continue
        part = cut(file[max(0, start - 1) :], 3)
        before = count.lines
        found += [
            (line, Place(before + place.line, place.offset))
            for line, place in records(read_range(part, form, start, end, never, count=count))
        ]
    assert found == records(read_file([file], form, never))


def test_what_does_not_split_is_not_read_from_its_middle() -> None:
    with pytest.raises(Invalid):
        read_range([b"[{}]"], detect(b"[{}]", "x"), 0, 4, never)


def test_parquet_is_not_read_here() -> None:
    with pytest.raises(Invalid, match="Columnar"):
        read_file([b"PAR1"], detect(b"PAR1", "x"), never)


@ANY
@given(
    data=st.binary(max_size=80) | st.text('[]{}",:\\ab1\n\r \t', max_size=60).map(str.encode),
    name=st.sampled_from(["x", "x.csv", "x.json", "x.txt"]),
    shape=st.sampled_from([None, *READ]),
    pack=st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    size=SIZES,
)
def test_any_bytes_are_batches_or_an_error_of_ours(
    data: bytes, name: str, shape: Shape | None, pack: object, size: int
) -> None:
    assert callable(pack)
    refused: list[Refused] = []
    for file in (data, pack(data)):
        failure: VaultError | None = None
        try:
            form = detect(file, name, given=Given(shape=shape))
            for line, place in records(read_file(cut(file, size), form, refused.append)):
                assert b"\n" not in line
                assert place.line >= 1
                assert place.offset >= 0
        except VaultError as error:
            failure = error
        # Whose texts could quote content.
        assert failure is None or failure.__context__ is None


def test_an_empty_file_has_no_records() -> None:
    for shape in READ:
        if shape is not Shape.JSON_ARRAY:
            assert records(read_file([], detect(b"", "x", given=Given(shape=shape)), never)) == []


def test_what_python_writes_is_read_back_line_for_line() -> None:
    written = io.BytesIO()
    with gzip.open(written, "wt", encoding="utf-8", newline="\r\n") as file:
        for number in range(1000):
            file.write(json.dumps({"id": number}) + "\n")
    data = written.getvalue()
    found = records(read_file(cut(data, 17), detect(data, "x"), never))
    assert [json.loads(line)["id"] for line, _ in found] == [*range(1000)]
    assert found[2][1] == Place(3, 22)


@pytest.mark.parametrize("is_array", [True, False])
def test_batches_are_what_the_vault_reads_its_columns_from(is_array: bool) -> None:
    values = [{"id": f"r{number}", "x": number} for number in range(100)]
    text = json.dumps(values, indent=1) if is_array else "\n\n".join(map(json.dumps, values))
    (batch,) = read_file([text.encode()], detect(text.encode(), "x"), never)
    columns = read_columns(batch.text, "id", IdKeys.derive(bytes(32)))
    assert columns.ids.tolist() == [f"r{number}".encode() for number in range(100)]
    assert batch.origin.place(50).line == (202 if is_array else 51)
