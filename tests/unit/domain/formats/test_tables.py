import csv
import io
import json
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid, Malformed, TooLarge
from datavault.domain.formats import rows as rows_module
from datavault.domain.formats.batch import Place, Refused
from datavault.domain.formats.rows import Dialect
from datavault.domain.formats.tables import Kind, parse_header, read_table

from .reading import SIZES, cut, never, records, small_pieces

__all__ = ["small_pieces"]
pytestmark = pytest.mark.usefixtures("small_pieces")
ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COMMAS = Dialect(b",", is_quoted=True)
QUOTINGS: tuple[Literal[0, 1], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
CELLS = st.text(st.sampled_from('ab,;"\n\t é'), max_size=6)


def read(
    text: bytes, kinds: dict[str, Kind] | None = None, *, size: int = 5, dialect: Dialect = COMMAS
) -> tuple[list[tuple[bytes, Place]], list[Refused]]:
    refused: list[Refused] = []
    batches = read_table(cut(text, size), refused.append, dialect=dialect, kinds=kinds or {})
    return records(batches), refused


@ANY
@given(
    table=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)
    ),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from(QUOTINGS),
    size=SIZES,
)
def test_what_another_writer_wrote_comes_back_at_its_places(
    table: list[list[str]], delimiter: str, end: str, quoting: Literal[0, 1], size: int
) -> None:
    width = len(table[0]) if table else 1
    header = [f"name {at}" for at in range(width)]
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)
    places = []
    for row in [header, *table]:
        before = written.getvalue()
        places.append(Place(before.count("\n") + 1, len(before.encode())))
        writer.writerow(row)
    text = written.getvalue().encode()
    found, refused = read(text, size=size, dialect=Dialect(delimiter.encode(), is_quoted=True))
    assert refused == []
    assert [list(json.loads(line)) for line, _ in found] == [header] * len(table)
    assert [list(json.loads(line).values()) for line, _ in found] == table
    assert [place for _, place in found] == places[1:]


@ANY
@given(text=st.text(st.sampled_from('a,"\n\r é'), max_size=40), size=SIZES)
def test_any_text_is_rows_or_refused_and_pieces_make_no_difference(text: str, size: int) -> None:
    whole = b"h,i\n" + text.encode()

    def outcome(at_once: int) -> object:
        try:
            found, refused = read(whole, size=at_once)
        except Malformed as error:
            return str(error)
        return found, [(each.place, each.raw, str(each.error)) for each in refused]

    assert outcome(size) == outcome(1000)


@settings(deadline=None)
@given(text=st.text(st.sampled_from('a,"\n'), max_size=30))
def test_rows_end_where_they_end_followed_quote_by_quote(text: str) -> None:
    encoded = text.encode()
    ends = rows_module._row_ends(encoded, COMMAS).tolist()
    assert ends == [*rows_module._followed(encoded, COMMAS)]


KINDS = {"i": Kind.INTEGER, "n": Kind.NUMBER, "b": Kind.BOOLEAN, "j": Kind.JSON}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("1,1.50,true,null,x", b'{"i":1,"n":1.50,"b":true,"j":null,"s":"x"}'),
        ("-0,-1E+400,TRUE,[1],", b'{"i":-0,"n":-1E+400,"b":true,"j":[1],"s":""}'),
        (
            '12345678901234567890123,0.10000000000000000000000001,False,"{""a"":\n 1}",007',
            b'{"i":12345678901234567890123,"n":0.10000000000000000000000001,"b":false,%s}'
            % b'"j":{"a":  1},"s":"007"',
        ),
        (",,,,", b'{"i":null,"n":null,"b":null,"j":null,"s":""}'),
        ('"1",2,true,0,"a ""b"" c"', b'{"i":1,"n":2,"b":true,"j":0,"s":"a \\"b\\" c"}'),
    ],
)
def test_values_of_a_kind_are_kept_as_they_are(row: str, expected: bytes) -> None:
    found, refused = read(f"i,n,b,j,s\n{row}\n".encode(), KINDS)
    assert [line for line, _ in found] == [expected]
    assert refused == []


@pytest.mark.parametrize(
    ("row", "column"),
    [
        *[(f"{value},,,,", 1) for value in ("x", "+1", "007", "1.0", "1 ", "٣", '"1\n2"', "-")],
        *[(f",{value},,,", 2) for value in ("1.", ".5", "NaN", "0x1", "1e", "--1")],
        *[(f",,{value},,", 3) for value in ("1", "yes", "tRUE", "null")],
        *[(f",,,{value},", 4) for value in ("{", "'a'", "1 2", "nan")],
    ],
)
def test_a_value_of_another_kind_sinks_its_row_alone(row: str, column: int) -> None:
    found, refused = read(f"i,n,b,j,s\n1,,,,\n{row}\n2,,,,\n".encode(), KINDS)
    assert [json.loads(line)["i"] for line, _ in found] == [1, 2]
    assert [(each.place, each.raw) for each in refused] == [(Place(3, 16), f"{row}\n".encode())]
    assert str(refused[0].error).startswith(f"column {column} of 5: a field is no ")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"1", "a row has 2 fields; this has 1"),
        (b"1,2,3", "a row has 2 fields; this has 3"),
        (b'"1"x,2', "a row of 7 bytes is not quoted as RFC 4180 says"),
        (b"1\r2,3", "a row of 6 bytes is not quoted as RFC 4180 says"),
        (b"\xff,2", "not UTF-8 at byte 0 of 4"),
    ],
)
def test_a_bad_row_is_refused_and_its_neighbours_are_not(row: bytes, message: str) -> None:
    found, refused = read(b"a,b\n1,2\n\n" + row + b"\n3,4")
    assert [line for line, _ in found] == [b'{"a":"1","b":"2"}', b'{"a":"3","b":"4"}']
    assert [(each.place, str(each.error)) for each in refused] == [(Place(4, 9), message)]


@pytest.mark.parametrize(
    ("header", "error", "message"),
    [
        (b"a,,b\n", Invalid, "column 2 of 3 has no name"),
        (b"a,b,a\n", Invalid, "columns 1 and 3 of 3 have the same name"),
        (b"\xff\n", Malformed, "the header: not UTF-8 at byte 0"),
        (b'"a"b\n', Malformed, "the header: a row of 5 bytes"),
        (b",".join([b"c"] * 5000), TooLarge, "at most 4096 columns; this has 5000"),
        (b"c" * 70_000, TooLarge, "a header has at most 65536 bytes; this has 7000"),
    ],
)
def test_a_header_that_does_not_do_is_refused(
    header: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        parse_header(header, COMMAS)
    with pytest.raises(error, match=message):
        read(header + b"\n1\n", size=10_000)


def test_a_declared_column_must_be_there() -> None:
    with pytest.raises(Invalid, match="1 of 2 columns declared are not in the header"):
        read(b"a\n1\n", {"a": Kind.STRING, "b": Kind.STRING})


def test_a_name_that_needs_escapes_is_a_name() -> None:
    found, _ = read(b'"a""b","c\\d"\n1,2\n')
    assert [json.loads(line) for line, _ in found] == [{'a"b': "1", "c\\d": "2"}]


@pytest.mark.parametrize("size", [3, 100])
def test_a_quote_that_is_never_closed_is_an_error_of_the_file(size: int) -> None:
    message = "opened in the row of line 3, byte 4, and not closed in the 7 bytes"
    with pytest.raises(Malformed, match=message):
        read(b'a\nb\n"d\ne\nf\n', size=size)
    assert read(b'a\n"b"', size=size)[0] == [(b'{"a":"b"}', Place(2, 2))]


def test_without_quotes_a_quote_is_a_character() -> None:
    found, _ = read(b'a\tb\n"x\ty"\n', dialect=Dialect(b"\t", is_quoted=False))
    assert [json.loads(line) for line, _ in found] == [{"a": '"x', "b": 'y"'}]


@ANY
@given(size=SIZES, inside=st.sampled_from(["x", "x\n", '""', ',"', '",']))
def test_a_row_that_is_too_long_is_passed_over(size: int, inside: str) -> None:
    long = '"' + (inside if inside not in {',"', '",'} else inside[:1].replace('"', "x")) * 50 + '"'
    text = f"a,b\n1,2\n{long},z\n3,4\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "KEPT_BYTES_MAX", 20)
        found, refused = read(text, size=size)
    assert [line for line, _ in found if len(line) < 30] == [
        b'{"a":"1","b":"2"}',
        b'{"a":"3","b":"4"}',
    ]
    if refused:
        assert [each.place for each in refused] == [Place(3, 8)]
        assert refused[0].size == len(f"{long},z\n")
        assert isinstance(refused[0].error, TooLarge)
    assert found[-1][1].offset == len(text) - 4
    assert found[-1][1].line == text.count(b"\n")


def test_short_rows_under_long_names_do_not_fill_memory() -> None:
    header = f"{'x' * 30_000},{'y' * 30_000}\n".encode()
    batches = [*read_table([header + b",\n" * 3000], never, dialect=COMMAS, kinds={})]
    assert sum(batch.lines for batch in batches) == 3000
    assert max(len(batch.text) for batch in batches) <= 24 * 2**20


def test_numbers_are_digits_of_ascii() -> None:
    found, _ = read(b"n\n1.10\n", {"n": Kind.NUMBER})
    assert json.loads(found[0][0], parse_float=Decimal) == {"n": Decimal("1.10")}
