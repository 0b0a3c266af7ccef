"""``datavault scan``: what is found where, what is told of it, and what is never told."""

import gzip
import json
import subprocess
import sys

import pytest

from datavault.cli.privacy import pieces, workers
from datavault.cli.privacy.pieces import PIECE_BYTES
from datavault.cli.privacy.search import Search
from tests.support.command import DATAVAULT
from tests.unit.cli.privacy.conftest import CANARIES, TEXT, Desk


def places(found: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(each["line"], each["column"], each["entity"]) for each in found]


def test_a_text_is_one_text_with_lines_and_columns(desk: Desk) -> None:
    name = desk.write("a.txt", "é jo@example.org\r\n\r\n\U0001f600 203.0.113.77\n")
    found = desk.found(name)
    assert places(found) == [(1, 3, "EMAIL_ADDRESS"), (3, 3, "IP_ADDRESS")]
    assert [(each["start"], each["end"]) for each in found] == [(2, 16), (22, 34)]


def test_folders_are_walked_in_order_but_for_links_and_repositories(desk: Desk) -> None:
    for name in ("b/x.txt", "a.txt", ".env", ".git/config", "b/empty.txt"):
        desk.write(name, "" if "empty" in name else "jo@example.org")
    (desk.folder / "link.txt").symlink_to("a.txt")
    assert [each["path"] for each in desk.found(".")] == [".env", "a.txt", "b/x.txt"]


def test_records_are_walked_leaf_by_leaf(desk: Desk) -> None:
    record = '{"a/b":["x",{"to":"\\u006ao@example.org"}],"n":4111111111111111,"t":true}'
    name = desk.write("a.jsonl", f"\n{record}\n")
    found = desk.found(name)
    assert [(each["pointer"], each["line"], each["start"]) for each in found] == [
        ("/a~1b/1/to", 2, 0),
        ("/n", 2, 0),
    ]
    assert [record[each["column"] - 1] for each in found] == ['"', "4"]


def test_a_personal_key_is_found_and_not_shown(desk: Desk) -> None:
    name = desk.write("a.ndjson", '{"jo@example.org":{"x":"203.0.113.77"}}')
    assert [(each["pointer"], each["part"]) for each in desk.found(name)] == [
        ("/<EMAIL_ADDRESS>", "key"),
        ("/<EMAIL_ADDRESS>/x", "value"),
    ]
    shown = desk.found(name, "--show-values")
    assert shown[1]["pointer"] == "/jo@example.org/x"


def test_a_line_that_is_no_record_is_text_where_nobody_promised_records(desk: Desk) -> None:
    name = desk.write("a.jsonl", '{"a":1}\n{"b": jo@example.org\n{"c":"d@example.org"}')
    done = desk.run("scan", name, "--output", "jsonl")
    assert places([json.loads(each) for each in done.stdout.splitlines()]) == [
        (2, 7, "EMAIL_ADDRESS"),
        (3, 6, "EMAIL_ADDRESS"),
    ]
    assert (
        "a.jsonl, line 2: not JSON (RFC 8259) of 20 bytes, at byte 6; such lines are read as text"
        in done.stderr
    )
    refused = desk.run("scan", name, "--format", "jsonl", "--output", "json")
    assert refused.exit_code == 2
    assert "a.jsonl, line 2: not JSON" in refused.stderr


def test_a_document_is_walked_leaf_by_leaf_over_its_lines(desk: Desk) -> None:
    text = '{\r\n  "é": "x",\n  "to": ["\\u006ao@example.org",\n "ü", 4111111111111111]\n}\n'
    found = desk.found(desk.write("a.json", text), "--tier", "patterns")
    assert [(each["pointer"], each["line"], each["column"]) for each in found] == [
        ("/to/0", 3, 10),
        ("/to/2", 4, 7),
    ]
    lines = [text.split("\n")[each["line"] - 1][each["column"] - 1] for each in found]
    assert lines == ['"', "4"]
    piped = desk.found("--format", "json", stdin=text)
    assert (piped[0]["pointer"], piped[0]["path"]) == ("/to/0", "stdin")


def test_what_is_called_a_document_and_has_a_record_in_each_line_is_records(desk: Desk) -> None:
    found = desk.found(desk.write("a.json", '{"a":1}\n{"b":"jo@example.org"}\n'))
    assert [(each["pointer"], each["line"]) for each in found] == [("/b", 2)]


def test_what_is_no_document_is_text_where_nobody_promised_one(desk: Desk) -> None:
    name = desk.write("a.json", '{"a": 1,\n "to": jo@example.org}\n')
    done = desk.run("scan", name, "--output", "jsonl")
    assert places([json.loads(each) for each in done.stdout.splitlines()]) == [
        (2, 8, "EMAIL_ADDRESS")
    ]
    assert "a.json, line 1: not JSON (RFC 8259) of 32 bytes, at byte 16" in done.stderr
    assert "; it is read as text" in done.stderr
    refused = desk.run("scan", name, "--format", "json")
    assert refused.exit_code == 2
    assert "a.json, line 1: not JSON" in refused.stderr


def test_a_document_that_is_too_long_is_text_where_nobody_promised_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "DOCUMENT_BYTES_MAX", 2 * PIECE_BYTES)
    text = '["%s",\n"jo@example.org"]' % ("x" * 3 * PIECE_BYTES)
    name = desk.write("a.json", text)
    assert places(desk.found(name, "--tier", "patterns")) == [(2, 2, "EMAIL_ADDRESS")]
    refused = desk.run("scan", name, "--format", "json", "--tier", "patterns")
    assert refused.exit_code == 2
    assert "a JSON document has at most 524288 bytes" in refused.stderr


def test_the_name_of_a_member_is_the_label_of_its_value(desk: Desk) -> None:
    name = desk.write("a.jsonl", '{"password":"hunter2-xyz","user":{"ssn":123456789},"x":"abc"}\n')
    found = desk.found(name, "--tier", "patterns")
    assert [(each["pointer"], each["entity"], each["start"], each["end"]) for each in found] == [
        ("/password", "SECRET", 0, 11),
        ("/user/ssn", "US_SSN", 0, 9),
    ]


def test_cells_are_texts_also_over_several_lines(desk: Desk) -> None:
    name = desk.write("a.csv", 'name;mail\r\n"x\ny;z";jo@example.org\r\n"a ""b""";203.0.113.77\r\n')
    found = desk.found(name, "--tier", "patterns")
    assert [(each["line"], each["pointer"]) for each in found] == [(2, "/mail"), (4, "/mail")]


def test_a_pipe_is_records_if_it_begins_as_one_and_else_text(desk: Desk) -> None:
    (record,) = desk.found(stdin='{"a":"jo@example.org"}')
    (text,) = desk.found(stdin="jo@example.org")
    assert (record["path"], record["pointer"], "pointer" in text) == ("stdin", "/a", False)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"a\0b jo@example.org", "a.txt: not read on: binary"),
        (b"x\n caf\xe9 jo@example.org", "a.txt, line 2: not UTF-8 at byte 5"),
    ],
)
def test_any_bytes_get_an_answer(content: bytes, note: str, desk: Desk) -> None:
    desk.write("a.txt", content)
    done = desk.run("scan", "a.txt")
    assert done.exit_code == 0
    assert note in done.stderr
    assert places(desk.found("a.txt", "--format", "text"))[0][2] == "EMAIL_ADDRESS"


def test_a_value_is_found_that_a_cut_between_pieces_goes_through(desk: Desk) -> None:
    filler = ("word " * 20 + "\n") * (PIECE_BYTES // 101)
    key = "-----BEGIN PRIVATE KEY-----\n" + ("A1b2" * 16 + "\n") * 40 + "-----END PRIVATE KEY-----"
    text = filler + key + "\n" + filler + "jo@example.org\n"
    name = desk.write("a.txt", text)
    first, last = desk.found(name, "--entities", "SECRET,EMAIL_ADDRESS")
    assert text[first["start"] : first["end"]] == key
    assert text[last["start"] : last["end"]] == "jo@example.org"
    assert last["line"] == text.count("\n")


def test_a_line_without_any_break_is_read_in_bounded_pieces(desk: Desk) -> None:
    text = "é" * (2 * PIECE_BYTES) + " jo@example.org"
    (found,) = desk.found(desk.write("a.txt", text), "--tier", "patterns")
    assert (found["line"], found["column"]) == (1, 2 * PIECE_BYTES + 2)


def test_a_scan_fails_on_what_it_is_told_to_fail_on(desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    assert desk.run("scan", "a.txt").exit_code == 0
    assert desk.run("scan", "a.txt", "--fail-on", "SECRET,VIN").exit_code == 0
    done = desk.run("scan", "a.txt", "--fail-on", "SECRET,us_ssn")
    assert done.exit_code == 11
    assert "a.txt:2:65: US_SSN (" in done.stdout
    assert "found: 1 value of US_SSN" in done.stderr
    assert desk.run("scan", "a.txt", "--fail-on", "any", "--entities", "VIN").exit_code == 0


def test_a_scan_that_is_to_fail_fails_on_what_it_could_not_read(desk: Desk) -> None:
    desk.write("in/a.txt", "jo@example.org")
    desk.write("in/b.png", b"\x89PNG\r\n\x1a\n\0\0")
    assert desk.run("scan", "in", "--fail-on", "SECRET").exit_code == 0
    desk.write("in/c.txt.gz", gzip.compress(b"jo@example.org")[:-4])
    assert desk.run("scan", "in").exit_code == 0
    done = desk.run("scan", "in", "--fail-on", "SECRET")
    assert done.exit_code == 2
    assert "in/c.txt.gz: not read on: gzip data is cut" in done.stderr
    assert "not read: 1 input, named above" in done.stderr
    assert desk.run("scan", "in/b.png", "--fail-on", "SECRET").exit_code == 2
    assert desk.run("scan", "in", "--fail-on", "EMAIL_ADDRESS").exit_code == 11


def test_a_folder_that_cannot_be_listed_is_told_and_counted(desk: Desk) -> None:
    desk.write("in/a.txt", "x")
    desk.beyond_reach("in")
    done = desk.run("scan", "in", "--fail-on", "SECRET")
    assert done.exit_code == 2
    assert ": not read: File name too long" in done.stderr
    assert "; 1 not read" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--entities", "canary"), "one of AGE"),
        (("--entities", "VIN", "--fail-on", "SECRET"), "SECRET is not among --entities"),
        (("--show-values",), "--show-values is for --output json, jsonl or sarif"),
        (("--threshold", "2"), "0<=x<=1"),
        (("--tier", "slow"), "'slow' is not one of 'patterns', 'fast', 'thorough'"),
        (("absent.txt",), "does not exist"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], told: str, desk: Desk) -> None:
    done = desk.run("scan", *words, stdin=b"x")
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_summary_says_what_was_looked_for_and_what_not(desk: Desk) -> None:
    desk.write("a.txt", TEXT * 2)
    told = desk.scan("a.txt")
    assert "US_SSN             2" in told
    assert "14 findings in 1 of 1 file, 362 B at" in told
    assert "looked for by --tier fast: AGE, " in told
    assert "not looked for" not in told
    explained = desk.scan("a.txt", "--explain", "--entities", "EMAIL_ADDRESS", "--threshold", "0.9")
    assert "email.address" in explained
    assert "looked for by --tier fast: EMAIL_ADDRESS\n" in explained
    assert "not looked for: AGE, " in explained


def test_a_document_has_the_findings_and_the_summary(desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    document = json.loads(desk.scan("a.txt", "--output", "json"))
    assert len(document["findings"]) == len(CANARIES)
    assert document["summary"]["tier"] == "fast"
    assert document["summary"]["entities"] == dict.fromkeys(sorted(CANARIES), 1)
    assert json.loads(desk.scan("--output", "json", stdin=b""))["findings"] == []


def test_allowed_values_are_not_reported_up_to_the_day_they_expire(desk: Desk) -> None:
    entry = '[[allow]]\nvalue = "JO@example.org"\nentity = "{}"\nreason = "ours"\nexpires = {}\n'
    for entity, expires, count in (
        ("EMAIL_ADDRESS", "2999-01-01", 0),
        ("*", "2999-01-01", 0),
        ("IP_ADDRESS", "2999-01-01", 1),
        ("EMAIL_ADDRESS", "2020-01-01", 1),
    ):
        desk.write("allow.toml", entry.format(entity, expires))
        assert len(desk.found("--allow-list", "allow.toml", stdin="jo@example.org")) == count


def test_an_allow_list_that_is_none_is_refused_without_its_values(desk: Desk) -> None:
    desk.write("allow.toml", '[[allow]]\nvalue = "canary.bird@example.org"\nentity = "*"\n')
    done = desk.run("scan", "--allow-list", "allow.toml", stdin=b"x")
    assert done.exit_code == 2
    assert "allow.toml: a text of 1 to 500 characters (/allow/0/reason)" in done.stderr
    assert "canary" not in done.output


@pytest.mark.parametrize("report", ["summary", "json", "jsonl", "sarif"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "b.jsonl", "a.csv"])
def test_no_value_is_told(report: str, name: str, desk: Desk) -> None:
    values = list(CANARIES.values())
    desk.write("a.txt", TEXT)
    desk.write("a.csv", "id,text\n" + "".join(f'"{each}","{each}"\n' for each in values))
    lines = [{"id": each, each: {"text": [each]}} for each in values]
    desk.write("a.jsonl", "".join(json.dumps(each) + "\n" for each in lines))
    desk.write("b.jsonl", "".join(f'{{"{each}": {each}\n' for each in values))
    done = desk.run("scan", name, "--output", report, "--explain", "--fail-on", "any")
    assert done.exit_code == 11
    told = done.stdout + done.stderr
    assert [each for each in values if each in told] == []
    if report != "summary":
        shown = desk.run("scan", name, "--output", report, "--show-values").stdout
        assert [each for each in values if each not in shown] == []


def test_the_result_is_the_same_however_many_processes_work(desk: Desk) -> None:
    lines = [f'{{"id":{row},"text":"{"word " * 40}"}}\n' for row in range(25_000)]
    lines[::500] = [f'{{"id":{row},"text":"u{row}@example.org"}}\n' for row in range(50)]
    corpus = "".join(lines)
    assert len(corpus) > workers.ALONE_BYTES + 2**20
    desk.write("a.txt", corpus)
    desk.write("c.jsonl", corpus)
    for stdin, words, count in (
        ("", ("a.txt", "c.jsonl", "--tier", "patterns", "--output", "jsonl"), 100),
        (corpus, ("--format", "jsonl", "--tier", "patterns"), 50),
    ):
        one, two = (
            subprocess.run(
                [DATAVAULT, "scan", *words, "--jobs", jobs],
                input=stdin.encode(),
                capture_output=True,
                check=True,
            ).stdout
            for jobs in ("1", "2")
        )
        assert one == two
        assert one.count(b"EMAIL_ADDRESS") == count


def test_neither_boto3_nor_httpx_is_imported_and_no_token_is_wanted(desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    script = (
        "import sys\nfrom datavault.cli.main import cli\n"
        "cli(['scan', 'a.txt', '--output', 'sarif'], standalone_mode=False)\n"
        "assert not {'boto3', 'botocore', 'httpx', 'pydantic'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, cwd=desk.folder, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_defect_shows_no_value(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a foreign error says may be content; here one that quotes all that it was given."""
    monkeypatch.setattr(Search, "find", lambda _, texts: {}[texts[0]])
    done = desk.run("scan", stdin=TEXT.encode())
    assert done.exit_code == 1
    assert [each for each in CANARIES.values() if each in done.output] == []
    assert "a defect of the command: KeyError" in done.stderr
