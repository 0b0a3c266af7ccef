"""What ``datavault anonymize`` takes: tables, documents, compressed and UTF-16, as they came."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from datavault.cli.privacy import pieces
from tests.unit.cli.privacy.conftest import Desk

PEOPLE = (
    "id;mail;ssn;note\r\n"
    '1; jo@example.org ;"219-09-9999";"says ""hi"";\n203.0.113.77"\r\n'
    "\r\n"
    '2;"al@example.org, x";219099999;5" disk'
)
TREATED = (
    "id;mail;ssn;note\r\n"
    '1; [EMAIL_ADDRESS] ;"[US_SSN]";"says ""hi"";\n[IP_ADDRESS]"\r\n'
    "\r\n"
    '2;"[EMAIL_ADDRESS], x";[US_SSN];5" disk'
)
DOCUMENT = '{\n  "to": [\n    "jo@example.org", 1.50 ],\r\n\t"a\\u00e9": {"ssn": 219099999 }\n}\n'
DOCUMENT_TREATED = DOCUMENT.replace("jo@example.org", "[EMAIL_ADDRESS]").replace(
    "219099999", '"[US_SSN]"'
)
WORDS = ("--policy", "redact.toml", "--tier", "patterns", "--without-names")


@pytest.fixture(autouse=True)
def policy(desk: Desk) -> None:
    desk.write("redact.toml", 'name = "all"\n')


def treated(desk: Desk, *words: str, stdin: bytes = b"", exit_code: int = 0) -> bytes:
    done = desk.run("anonymize", *words, *WORDS, stdin=stdin)
    assert done.exit_code == exit_code, done.output
    return done.stdout_bytes


def test_a_table_is_treated_cell_by_cell(desk: Desk) -> None:
    done = desk.run("anonymize", desk.write("a.csv", PEOPLE), *WORDS)
    assert done.stdout_bytes.decode() == TREATED
    assert "3 rows: 3 anonymised" in done.stderr
    assert "treated: EMAIL_ADDRESS redact 2, IP_ADDRESS redact 1, US_SSN redact 2" in done.stderr


def test_a_table_comes_by_pipe_or_with_tabs_or_bars_too(desk: Desk) -> None:
    for delimiter in "\t|":
        table, expected = (each.replace(";", delimiter) for each in (PEOPLE, TREATED))
        assert treated(desk, "-", "--format", "csv", stdin=table.encode()).decode() == expected
    rows = 'ssn\tnote\n219099999\ta "b" c\n219099999\t"\n'
    expected = rows.replace("219099999", "[US_SSN]")
    assert treated(desk, desk.write("a.tsv", rows)).decode() == expected


def test_a_column_is_a_place_for_the_policy_and_a_label_for_what_is_found(desk: Desk) -> None:
    field = '[[fields]]\npointer = "/note"\nentity = "NOTE"\nstrategy = "redact"\n'
    desk.write("redact.toml", f'name = "all"\n{field}')
    table = "note,ssn\nhe is ill,219099999\n"
    assert treated(desk, desk.write("a.csv", table)) == b"note,ssn\n[NOTE],[US_SSN]\n"


def test_a_row_with_a_column_of_the_policy_is_a_header_whatever_else_is_in_it(desk: Desk) -> None:
    field = '[[fields]]\npointer = "/**/note"\nentity = "NOTE"\nstrategy = "redact"\n'
    desk.write("redact.toml", f'name = "all"\n{field}')
    table = "note,2024,jo@example.org\nhe is ill,1,x\n"
    expected = b"note,2024,[EMAIL_ADDRESS]\n[NOTE],1,x\n"
    assert treated(desk, desk.write("a.csv", table)) == expected


def test_a_pointer_into_an_array_says_nothing_of_a_header(desk: Desk) -> None:
    field = '[[fields]]\npointer = "/messages/0/content"\nentity = "SAID"\nstrategy = "redact"\n'
    desk.write("redact.toml", f'name = "all"\n{field}')
    assert (
        treated(desk, desk.write("a.csv", "note,ssn\nx,219099999\n")) == b"note,ssn\nx,[US_SSN]\n"
    )


def test_a_table_without_a_header_is_treated_from_its_first_row_on(desk: Desk) -> None:
    name = desk.write("a.csv", "jo@example.org,x\nal@example.org,y\n")
    assert treated(desk, name) == b"[EMAIL_ADDRESS],x\n[EMAIL_ADDRESS],y\n"
    (first, second) = desk.found(name, "--tier", "patterns")
    assert (first["pointer"], second["pointer"]) == ("/0", "/0")


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("17,219099999,212-555-0123\n18,219099998,2125550123\n", 4),
        ("ssn,ssn\n219099999,219099998\n", 2),
        (",ssn\n2125550123,219099999\n", 2),
        ("note,ssn,2023\nx,219099999,5\n", 1),
    ],
)
def test_what_a_scan_finds_in_a_table_is_treated(table: str, count: int, desk: Desk) -> None:
    name = desk.write("a.csv", table)
    assert len(desk.found(name, "--tier", "patterns")) == count
    output = treated(desk, name).decode()
    assert output.count("[") == count
    assert not any(each in output for each in ("2190999", "0123"))


PAY = 'name = "all"\n[[fields]]\npointer = "/Pay"\nentity = "PAY"\nstrategy = "redact"\n'


@pytest.mark.parametrize(
    ("table", "reading"),
    [
        ("id,pay\n1,50000\n", '",", with a header, of 2 columns'),
        ("Report of May\nid,Pay\n1,50000\n", '",", with a header, of 1 column'),
        ("sep=;\nid;Pay\n1;50000\n", '";", with a header, of 2 columns'),
        ("id;Pay;a,b\n1;50000;c,d\n", '",", with a header, of 2 columns'),
        (
            "phone,2023\nx,50000\n",
            '",", with a header in which 1 cell may be no name, of 2 columns',
        ),
        ("1\t50000\n2\t60000\n", "tabs, without a header, of 2 columns"),
    ],
)
def test_how_a_table_was_read_is_told_and_which_field_has_no_column(
    table: str, reading: str, desk: Desk
) -> None:
    desk.write("redact.toml", PAY)
    done = desk.run("anonymize", desk.write("a.csv", table), *WORDS)
    assert f"a.csv: a table divided by {reading}\n" in done.stderr
    assert "warning: a.csv: field /Pay matches no column\n" in done.stderr
    assert "warning: field /Pay matches no column of 1 of 1 table\n" in done.stderr
    assert "50000" not in done.stderr


def test_a_field_is_each_column_of_its_name_and_no_warning_is_due(desk: Desk) -> None:
    desk.write("redact.toml", PAY)
    done = desk.run("anonymize", desk.write("a.csv", "Pay, Pay,id\n40000,50000,3\n"), *WORDS)
    assert done.stdout == "Pay, Pay,id\n[PAY],[PAY],3\n"
    assert "warning" not in done.stderr


@pytest.mark.parametrize("header", ['id,na"me,Pay\n', ",,\n \n\nid,name,Pay\n"])
def test_the_first_row_is_the_first_that_is_one_and_says_anything(header: str, desk: Desk) -> None:
    desk.write("redact.toml", PAY)
    name = desk.write("a.csv", f"{header}1,x,50000\n2,y,60000\n")
    assert treated(desk, name).decode() == f"{header}1,x,[PAY]\n2,y,[PAY]\n"


@pytest.mark.parametrize(
    ("first_row", "header", "entity", "told"),
    [
        ("ssn 1,2023", "auto", "PHONE_NUMBER", "without a header"),
        ("ssn 1,2023", "yes", "US_SSN", "with a header"),
        ("ssn,year", "auto", "US_SSN", "with a header"),
        ("ssn,year", "no", "PHONE_NUMBER", "without a header"),
    ],
)
def test_who_knows_whether_a_table_has_a_header_says_so(
    first_row: str, header: str, entity: str, told: str, desk: Desk
) -> None:
    name = desk.write("a.csv", f"{first_row}\n219099999,x\n")
    done = desk.run("anonymize", name, *WORDS, "--header", header)
    assert done.stdout == f"{first_row}\n[{entity}],x\n"
    assert f"{told}, of 2 columns" in done.stderr


def test_a_table_without_its_first_row_is_none(desk: Desk) -> None:
    name = desk.write("a.csv", '\n"id"canary,ssn\n1,219099999\n')
    done = desk.run("anonymize", name, *WORDS, "--quarantine-file", "held")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "invalid: a.csv, line 2: a row of 15 bytes is not quoted as RFC 4180" in done.stderr
    assert "canary" not in done.output


def test_a_first_row_longer_than_a_header_is_treated_as_the_others_are(desk: Desk) -> None:
    row = f"jo@example.org,{'x' * 70_000}\n"
    done = desk.run("anonymize", desk.write("a.csv", row * 2), *WORDS)
    assert done.stdout == row.replace("jo@example.org", "[EMAIL_ADDRESS]") * 2
    assert "without a header, of any number of columns" in done.stderr


def test_a_row_that_is_none_is_held_with_its_reason_and_the_others_go_on(desk: Desk) -> None:
    name = desk.write("a.csv", 'a,b\n1,jo@example.org\n"canary"x,2\n3,4\n')
    done = desk.run("anonymize", name, *WORDS, "--quarantine-file", "held")
    assert done.stdout == "a,b\n1,[EMAIL_ADDRESS]\n3,4\n"
    (held,) = map(json.loads, Path("held").read_text().splitlines())
    assert (held["path"], held["line"], held["output"]) == ("a.csv", 3, None)
    assert "not quoted as RFC 4180 says" in held["reasons"][0]
    assert "canary" not in str(held) + done.output


def test_a_table_of_several_pieces_is_one(desk: Desk) -> None:
    rows = [f'{row},"u{row}@example.org\n{"x" * 600}",219099999\n' for row in range(900)]
    desk.write("a.csv", "id,mail,ssn\n" + "".join(rows))
    done = desk.run("anonymize", "a.csv", *WORDS)
    assert done.stdout.count("[EMAIL_ADDRESS]") == done.stdout.count("[US_SSN]") == 900
    assert "901 rows" in done.stderr


@pytest.mark.parametrize("name", ["a.json", "a.JSON", "a.har", "a.ipynb"])
def test_a_document_is_treated_leaf_by_leaf(name: str, desk: Desk) -> None:
    done = desk.run("anonymize", desk.write(name, DOCUMENT), *WORDS)
    assert done.stdout_bytes.decode() == DOCUMENT_TREATED
    assert "1 document: 1 anonymised" in done.stderr


def test_an_array_is_a_document_and_lines_called_so_are_lines(desk: Desk) -> None:
    array = '[\n "jo@example.org",\n {"ssn": 219099999}\n]'
    expected = '[\n "[EMAIL_ADDRESS]",\n {"ssn": "[US_SSN]"}\n]'
    assert treated(desk, desk.write("a.json", array)).decode() == expected
    assert treated(desk, "-", "--format", "json", stdin=array.encode()).decode() == expected
    lines = '{"a": 1}\n{"a": "jo@example.org"}\n'
    done = desk.run("anonymize", desk.write("b.json", lines), *WORDS)
    assert done.stdout == '{"a": 1}\n{"a": "[EMAIL_ADDRESS]"}\n'
    assert "2 records" in done.stderr


def test_a_document_has_a_size(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "DOCUMENT_BYTES_MAX", 70_000)
    desk.write("a.json", "[1,\n" * 10 + " " * 70_000)
    done = desk.run("anonymize", "a.json", *WORDS)
    assert done.exit_code == 2
    assert "a JSON document has at most 70000 bytes, this has more: make JSON lines" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", PEOPLE, TREATED),
        ("a.json", DOCUMENT, DOCUMENT_TREATED),
        ("a.jsonl", '{"a":"jo@example.org"}\n', '{"a":"[EMAIL_ADDRESS]"}\n'),
        ("a.txt", "é jo@example.org\r\n\U0001f600", "é [EMAIL_ADDRESS]\r\n\U0001f600"),
    ],
)
def test_what_is_compressed_or_in_utf_16_comes_out_as_it_came(
    name: str, content: str, expected: str, desk: Desk
) -> None:
    for coding in ("utf-8-sig", "utf-16-le", "utf-16-be"):
        mark = "" if coding == "utf-8-sig" else "\ufeff"
        assert treated(desk, desk.write(name, (mark + content).encode(coding))) == (
            mark + expected
        ).encode(coding)
    packed = gzip.compress(content.encode())
    assert gzip.decompress(treated(desk, desk.write(f"{name}.gz", packed))).decode() == expected
    packed = zstandard.compress(("\ufeff" + content).encode("utf-16-le"))
    output = zstandard.decompress(treated(desk, desk.write(f"{name}.zst", packed)), 1000)
    assert output.decode("utf-16") == expected


def test_utf_16_without_a_mark_is_told_from_a_program(desk: Desk) -> None:
    text = desk.write("a.txt", "to jo@example.org".encode("utf-16-le"))
    assert treated(desk, text) == "to [EMAIL_ADDRESS]".encode("utf-16-le")
    for content in (b"\0asm\1\0\0\0", b"\0\0\1\0\1", b"M\0Z\0\0\0jo@example.org"):
        done = desk.run("scan", desk.write("b.bin", content))
        assert "b.bin: not read on: binary" in done.stderr


def test_what_is_compressed_or_in_utf_16_is_scanned(desk: Desk) -> None:
    desk.write("in/a.csv.gz", gzip.compress(PEOPLE.encode()))
    desk.write("in/b.jsonl.zst", zstandard.compress(b'{"ssn":219099999}'))
    desk.write("in/c.txt", "\n\ufeff jo@example.org".encode("utf-16"))
    found = desk.found("in", "--tier", "patterns")
    assert [(each["path"], each["line"], each["entity"]) for each in found] == [
        ("in/a.csv.gz", 2, "EMAIL_ADDRESS"),
        ("in/a.csv.gz", 2, "US_SSN"),
        ("in/a.csv.gz", 2, "IP_ADDRESS"),
        ("in/a.csv.gz", 5, "EMAIL_ADDRESS"),
        ("in/a.csv.gz", 5, "US_SSN"),
        ("in/b.jsonl.zst", 1, "US_SSN"),
        ("in/c.txt", 2, "EMAIL_ADDRESS"),
    ]


def test_what_is_damaged_is_not_read_on_and_its_findings_stay(desk: Desk) -> None:
    text = ("jo@example.org " * 8000).encode() + bytes(range(256)) * 40
    desk.write("a.txt.gz", gzip.compress(text)[:-12])
    done = desk.run("scan", "a.txt.gz", "--tier", "patterns", "--entities", "EMAIL_ADDRESS")
    assert done.exit_code == 0
    assert "a.txt.gz: not read on: gzip data is cut short after" in done.stderr
    assert "1 not read" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "things"),
    [
        ("a.jsonl", '{"pay":50000}\n\n{"Paying":1}\n', "2 records"),
        ("a.json", '[\n  {"pay": 50000}, {"pays": 7}]', "1 document"),
        ("empty.jsonl", '{"Pay":""}\n', "1 record"),
    ],
)
def test_a_field_that_no_record_has_is_told(
    name: str, content: str, things: str, desk: Desk
) -> None:
    desk.write("redact.toml", PAY)
    done = desk.run("anonymize", desk.write(name, content), *WORDS)
    assert done.exit_code == 0
    assert f"warning: field /Pay treats nothing in {things}\n" in done.stderr
    assert "50000" not in done.stderr


@pytest.mark.parametrize("strategy", ['"redact"', '"keep"\nreason = "public"'])
@pytest.mark.parametrize("pointer", ["", "/Pay", "/**/Pay", "/*/Pay"])
def test_a_field_that_one_record_has_is_not_warned_of(
    pointer: str, strategy: str, desk: Desk
) -> None:
    policy = PAY.replace('"/Pay"', f'"{pointer}"').replace('"redact"', strategy)
    desk.write("redact.toml", policy)
    record = '{"Pay":50000}\n' if pointer == "/Pay" else '{"jo@example.org":{"Pay":50000}}\n'
    # In pieces, of which the last alone has it.
    content = ('{"id":"%s"}\n' % ("x" * 20_000)) * 20 + record
    done = desk.run("anonymize", desk.write("a.jsonl", content), *WORDS)
    assert done.exit_code == 0
    assert "warning" not in done.stderr


def test_a_field_below_a_name_that_is_treated_itself_is_not_missed(desk: Desk) -> None:
    policy = PAY.replace('"/Pay"', '"/jo@example.org/Pay"')
    desk.write("redact.toml", policy + PAY.partition("\n")[2].replace('"/Pay"', '"/**"'))
    done = desk.run("anonymize", desk.write("a.jsonl", '{"jo@example.org":{"Pay":5}}\n'), *WORDS)
    assert done.exit_code == 0
    assert "jo@example.org" not in done.output
    assert "warning" not in done.stderr


def test_a_field_that_another_one_comes_before_is_told(desk: Desk) -> None:
    desk.write("redact.toml", PAY + PAY.partition("\n")[2].replace('"/Pay"', '"/*"'))
    done = desk.run("anonymize", desk.write("a.jsonl", '{"Pay":5}\n'), *WORDS)
    told = [line for line in done.stderr.splitlines() if "warning" in line]
    assert told == ["warning: field /* treats nothing in 1 record"]


def test_a_field_of_a_table_is_not_missed_in_records(desk: Desk) -> None:
    desk.write("redact.toml", PAY)
    desk.write("in/a.csv", "id,Pay\n1,50000\n")
    desk.write("in/b.jsonl", '{"id":1}\n')
    done = desk.run("anonymize", "in", "--output-folder", "out", *WORDS)
    assert done.exit_code == 0
    assert "warning" not in done.stderr
    desk.write("in/a.csv", "id,pay\n1,50000\n")
    done = desk.run("anonymize", "in", "--output-folder", "other", *WORDS)
    assert "warning: field /Pay treats nothing in 1 record\n" in done.stderr
