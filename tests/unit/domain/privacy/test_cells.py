"""Rows of a table as records: what csv reads is treated, and all else stays byte for byte."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Malformed, TooLarge, VaultError
from datavault.domain.formats.rows import Dialect
from datavault.domain.formats.tables import COLUMNS_MAX, fields_of
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.cells import RowNotation
from datavault.domain.privacy.columns import Columns, columns_of
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.json_leaves import Edit, LeafKind
from datavault.domain.privacy.members import named
from datavault.domain.privacy.pointers import PointerPattern
from datavault.domain.privacy.policy import Denied, FieldRule, Policy
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.strategy import Redact
from datavault.privacy import Tier, detector
from tests.support.privacy import KEYS, PEOPLE, SETTING, TableDetector

COMMAS, PLAIN_TABS = Dialect(b",", is_quoted=True), Dialect(b"\t", is_quoted=False)
HEADER = Columns(("id", "mail", "ssn"))
CELLS = st.text(st.sampled_from("a\"',;\t\r\n é\u2028"), max_size=6)


REDACT = Policy("redact")


def treated(row: bytes, policy: Policy = REDACT, columns: Columns = HEADER) -> bytes:
    engine = Anonymizer(TableDetector(PEOPLE), policy, KEYS, SETTING)
    (done,) = engine.records([row], notation=RowNotation(COMMAS, columns))
    return done.output


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b'1, "x",Bob\r\n', b'1, "x",[PERSON]\r\n'),
        (b'"Bob, ""x""",  Bob ,y\n', b'"[PERSON], ""x""",  [PERSON] ,y\n'),
        (b'5" disk,Bob', b'5" disk,[PERSON]'),
        ('é,"a\nBob"\n'.encode(), 'é,"a\n[PERSON]"\n'.encode()),
        (b",,\n", b",,\n"),
        (b"\n", b"\n"),
        (b"id,mail,ssn\n", b"id,mail,ssn\n"),
    ],
)
def test_what_is_found_in_a_cell_is_treated(row: bytes, expected: bytes) -> None:
    assert treated(row) == expected


def test_a_column_is_a_place_of_the_policy_by_its_name_or_else_its_number() -> None:
    rules = [FieldRule(PointerPattern(each), "MARK", Redact()) for each in ("/ssn", "/3")]
    policy = Policy("p", fields=tuple(rules))
    assert treated(b'1,2,"3",4\n', policy) == b'1,2,"[MARK]",[MARK]\n'
    assert treated(b"1,2,3,4\n", policy, Columns()) == b"1,2,3,[MARK]\n"


def test_a_field_is_every_column_of_its_name_with_spaces_around_it_or_not() -> None:
    policy = Policy("p", fields=(FieldRule(PointerPattern("/pay"), "PAY", Redact()),))
    columns = Columns(("pay", " pay", "id"))
    assert treated(b"1,2,3\n", policy, columns) == b"[PAY],[PAY],3\n"


@pytest.mark.parametrize("columns", [Columns(), Columns(("", "mail", "mail", " ", "dateOfBirth"))])
def test_a_cell_is_read_behind_the_same_name_when_scanned_and_when_treated(
    columns: Columns,
) -> None:
    leaves = RowNotation(COMMAS, columns).leaves(b"a,b,c,d,e,f\n", "row")
    expected = [columns.named(at, leaf.text) for at, leaf in enumerate(leaves)]
    assert [named(leaf) for leaf in leaves] == expected


def test_a_denied_phrase_is_treated_in_the_header_too() -> None:
    denied = Denied("mail", "PERSON", "his name", SETTING.on)
    assert treated(b"id,mail,ssn\n", Policy("p", denied=(denied,))) == b"id,[PERSON],ssn\n"


@pytest.mark.parametrize(
    "row", [b'"canary"b,c\n', b'"canary\n', b"canary\rb\n", b'x,"canary" ,b\n', b"\xff,canary\n"]
)
def test_a_row_that_is_none_is_refused_without_its_content(row: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        RowNotation(COMMAS, Columns()).leaves(row, "row")
    assert refused.value.field == "row"
    assert "canary" not in str(refused.value)


def test_a_row_has_so_many_cells() -> None:
    notation = RowNotation(COMMAS, Columns())
    assert len(notation.leaves(b"," * (COLUMNS_MAX - 1), "row")) == COLUMNS_MAX
    with pytest.raises(TooLarge, match=f"at most {COLUMNS_MAX} cells"):
        notation.leaves(b"," * COLUMNS_MAX, "row")


@given(st.lists(CELLS, min_size=1, max_size=5), st.data())
def test_an_edited_row_is_read_by_others_as_it_was_edited(
    cells: list[str], data: st.DataObject
) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    row = written.getvalue().encode()
    notation = RowNotation(COMMAS, Columns())
    leaves = notation.leaves(row, "row")
    assert [leaf.text for leaf in leaves] == cells
    assert notation.rewritten(row, [(leaf, ()) for leaf in leaves]) == row
    at = data.draw(st.integers(0, len(cells) - 1))
    start = data.draw(st.integers(0, len(cells[at])))
    edit = Edit(start, len(cells[at]), data.draw(CELLS))
    edited = notation.rewritten(row, [(leaves[at], [edit])])
    expected = [*cells]
    expected[at] = cells[at][:start] + edit.text
    (read,) = csv.reader(io.StringIO(edited.decode(), newline=""), strict=True)
    # A row of one empty cell is a blank line, in which csv sees none.
    assert read == ([] if expected == [""] and b'"' not in edited else expected)


@given(st.lists(st.sampled_from([b'"', b",", b"a", b" ", b"\xc3\xa9", b'""']), max_size=9))
def test_a_row_is_read_as_the_vault_reads_it_or_refused(parts: list[bytes]) -> None:
    row = b"x" + b"".join(parts) + b"\n"
    expected = fields_of(row, COMMAS)
    try:
        found = [leaf.text for leaf in RowNotation(COMMAS, Columns()).leaves(row, "row")]
    except Malformed:
        assert isinstance(expected, VaultError)
        return
    assert found == expected


def test_without_quotes_a_cell_stays_one() -> None:
    notation = RowNotation(PLAIN_TABS, Columns())
    (first, last) = notation.leaves(b'"a\tb\n', "row")
    assert (first.text, last.text) == ('"a', "b")
    assert notation.rewritten(b'"a\tb\n', [(first, [Edit(0, 2, "x\ty\nz")])]) == b"x y z\tb\n"


def find(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    found = {
        "Ada": (Span(0, 3, Entity.PERSON, 0.9, "t"),),
        "Bo": (Span(0, 2, Entity.PERSON, 0.5, "t"),),
        "jo@example.org": (Span(0, 14, Entity.EMAIL_ADDRESS, 1.0, "t"),),
    }
    return [found.get(text, ()) for text in texts]


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (["id", "mail", "SSN"], ("id", "mail", "SSN")),
        (["", "mail", "mail"], ("", "mail", "mail")),
        (["id", "Ada"], ()),
        (["id", "41"], ()),
        (["ssn", "41"], ("ssn", "41")),
        (["homePhone", "Ada"], ("homePhone", "Ada")),
        (["home_phone", "Ada"], ("home_phone", "Ada")),
        (["phone", "jo@example.org"], ()),
        (["phone", "x" * 65], ()),
        (["he asked us to phone", "41"], ()),
        (["phone 2", "41"], ()),
        (["id", "x" * 65], ()),
        (["", ""], ()),
        ([], ()),
    ],
)
def test_the_first_row_has_names_if_nothing_in_it_is_a_value(
    row: list[str], names: tuple[str, ...]
) -> None:
    assert columns_of(row, find).names == names


@pytest.mark.parametrize(
    ("row", "called", "has_names"),
    [
        (["id", "Ada"], {"id"}, True),
        (["id", "41"], {"mail", "id", "3"}, True),
        (["id", "mail"], {"ssn"}, True),
        (["id", "mail"], {"0"}, False),
        (["id", "0"], {"0"}, False),
    ],
)
def test_who_calls_columns_by_name_or_number_knows_if_there_is_a_header(
    row: list[str], called: set[str], has_names: bool
) -> None:
    assert bool(columns_of(row, find, frozenset(called)).names) is has_names


def test_columns_without_a_name_go_by_their_numbers_and_those_of_one_name_by_that() -> None:
    columns = Columns(("", "mail", " mail "))
    assert [columns.token(at) for at in range(4)] == ["0", "mail", "mail", "3"]
    assert columns.named(1, "x") == ("mail: ", "x")
    assert columns.named(3, "x") == ("", "x")


def test_what_may_be_a_value_beside_a_known_label_names_no_column_and_is_treated() -> None:
    columns = columns_of(["id", "Ada", "ssn", "Bo", "2023"], find)
    assert columns.values == {1, 3, 4}
    assert [columns.token(at) for at in range(5)] == ["id", "1", "ssn", "3", "4"]
    kinds = [leaf.kind for leaf in RowNotation(COMMAS, columns).leaves(b"id,Ada,ssn,Bo,2023", "")]
    key, value = LeafKind.KEY, LeafKind.STRING
    assert kinds == [key, value, key, value, value]


def test_the_name_of_a_column_is_the_label_of_its_cells() -> None:
    engine = Anonymizer(detector(Tier.PATTERNS), REDACT, KEYS, SETTING)
    notation = RowNotation(COMMAS, Columns(("ssn", "dob", "n")))
    rows = [b"ssn,dob,n\n", b"219099999,1980-02-03,x\n"]
    results = engine.records(rows, notation=notation)
    assert [each.output for each in results] == [
        rows[0],
        b"[US_SSN],[DATE_OF_BIRTH],x\n",
    ]
    assert [each.pointer for each in results[1].findings] == ["/ssn", "/dob"]
    assert notation.leaves(rows[0], "row")[0].kind is LeafKind.KEY
