"""The corpus protocol, through which other corpora are run: it may not change by a byte."""

import json

import pytest

from tests.unit.cli.privacy.conftest import Desk

IDS = ['"a"', "7", "1.0", "1e400", "null", "true", '{"k": [1,  "é"]}', '"\\u00e9"', "-0", '""']


def test_a_line_is_answered_by_a_line_and_its_id_comes_back_byte_for_byte(desk: Desk) -> None:
    lines = [f'{{"id": {each}, "text": "mail jo@example.org"}}' for each in IDS]
    spans = '[{"start":5,"end":19,"entity":"EMAIL_ADDRESS","score":1.0}]'
    assert desk.scan("--format", "jsonl", stdin="\n".join(lines)) == "".join(
        f'{{"id":{each},"spans":{spans}}}\n' for each in IDS
    )


def test_offsets_count_code_points_of_the_decoded_text(desk: Desk) -> None:
    text = "\U0001f600 e\u0301 \u05e9\u05dc\u05d5\u05dd \\ jo@example.org"
    for line in (
        json.dumps({"id": 1, "text": text}),
        json.dumps({"id": 1, "text": text}, ensure_ascii=False),
    ):
        words = ("--format", "jsonl", "--entities", "EMAIL_ADDRESS", "-")
        (answer,) = desk.found(*words, stdin=line)
        (span,) = answer["spans"]
        assert text[span["start"] : span["end"]] == "jo@example.org"


def test_a_mark_at_the_beginning_blank_lines_and_crlf_are_no_content(desk: Desk) -> None:
    stdin = b'\xef\xbb\xbf{"id":1,"text":"a"}\r\n\r\n  \n{"text":"b","id":2}'
    assert desk.scan("--format", "jsonl", stdin=stdin) == (
        '{"id":1,"spans":[]}\n{"id":2,"spans":[]}\n'
    )
    assert desk.scan("--format", "jsonl", stdin=b"") == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"id":1}', "the field text is missing"),
        (b'{"text":"CANARY"}', "the field id is missing"),
        (b'{"id":1,"text":["CANARY"]}', "the field text is not a string"),
        (b'["CANARY"]', "an object with the fields id and text is wanted"),
        (
            b'{"id":1,"text":"CANARY"',
            "not JSON (RFC 8259) of 23 bytes, at its end: it is cut short",
        ),
        (b'{"id":1,"text":"CANARY\xff"}', "not UTF-8 at byte 22 of 25"),
        (b'{"id":1,"text":"CANARY\\ud800"}', "not JSON (RFC 8259) of 30 bytes"),
        (b'{"id":1,"text":"CANARY","text":""}', "a key stands twice in one object"),
        (b'{"id":' + b"[" * 200_000, "nested deeper than 100"),
    ],
)
def test_a_bad_line_is_named_without_its_content_and_those_before_are_answered(
    line: bytes, told: str, desk: Desk
) -> None:
    stdin = b'{"id":1,"text":""}\n\n' + line + b'\n{"id":2,"text":""}'
    done = desk.run("scan", "--format", "jsonl", stdin=stdin)
    assert (done.exit_code, done.stdout) == (2, '{"id":1,"spans":[]}\n')
    assert f"stdin, line 3: {told}" in done.stderr
    assert "CANARY" not in done.stderr


def test_a_text_of_a_megabyte_and_an_id_a_hundred_deep_are_answered(desk: Desk) -> None:
    text = "word " * 250_000 + "jo@example.org"
    line = '{"id":' + "[" * 100 + "]" * 100 + ',"text":' + json.dumps(text) + "}"
    (answer,) = desk.found("--format", "jsonl", "--tier", "patterns", stdin=line)
    assert [(each["start"], each["end"]) for each in answer["spans"]] == [(1_250_000, 1_250_014)]


def test_rules_and_values_are_told_when_they_are_asked_for(desk: Desk) -> None:
    words = ("--format", "jsonl", "--explain", "--show-values")
    (answer,) = desk.found(*words, stdin='{"id":1,"text":"jo@example.org"}')
    (span,) = answer["spans"]
    assert (span["rule"], span["value"]) == ("email.address", "jo@example.org")


def test_what_stands_in_a_file_never_makes_it_a_corpus(desk: Desk) -> None:
    """Members beside id and text would not be looked at."""
    name = desk.write("a.jsonl", '{"id":"a@example.org","text":"b","more":"c@example.org"}')
    found = desk.found("--format", "jsonl", name)
    assert [each["pointer"] for each in found] == ["/id", "/more"]
