"""``datavault anonymize``: whole outputs or none, and nothing in clear that was found."""

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import Result

from datavault.cli.main import cli
from datavault.cli.privacy import treating, workers
from datavault.cli.privacy.pieces import PIECE_BYTES
from datavault.domain.privacy.presets import PRESETS
from datavault.domain.privacy.strategy import Verdict
from tests.support.command import DATAVAULT
from tests.unit.cli.privacy.conftest import CANARIES, TEXT, Desk

KEY = "07" * 32
REDACT = 'name = "all"\ndefault = { strategy = "redact" }\n'
HOLD = REDACT + "threshold = { found_from = 0.0, sure_from = 1.0 }\n"


@pytest.fixture(autouse=True)
def files(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("redact.toml", REDACT)
    desk.write("hold.toml", HOLD)
    desk.write("key", KEY + "\n")
    (desk.folder / "key").chmod(0o600)
    monkeypatch.delenv("DATAVAULT_PRIVACY_KEY", raising=False)


def anonymized(desk: Desk, *words: str, stdin: bytes = b"", exit_code: int = 0) -> Result:
    done = desk.run("anonymize", *words, stdin=stdin)
    assert done.exit_code == exit_code, done.output
    return done


def test_what_is_found_is_treated_and_all_else_stays_byte_for_byte(desk: Desk) -> None:
    name = desk.write("a.jsonl", '{"id": 1.0,  "to":"jo@example.org"}\r\n\n {"\\u00e9":null} ')
    done = anonymized(desk, name, "--policy", "redact.toml")
    assert done.stdout_bytes == b'{"id": 1.0,  "to":"[EMAIL_ADDRESS]"}\r\n\n {"\\u00e9":null} '
    assert "2 records: 2 anonymised, 0 pseudonymised, 0 personal, 0 quarantine" in done.stderr
    assert "treated: EMAIL_ADDRESS redact 1" in done.stderr
    assert "still found in the output: 0 values" in done.stderr
    assert "not looked for" not in done.stderr


def test_a_text_from_a_pipe_is_treated_as_a_text(desk: Desk) -> None:
    words = ("-", "--policy", "redact.toml", "--format", "text")
    done = anonymized(desk, *words, stdin="é jo@example.org\n\n203.0.113.77".encode())
    assert done.stdout == "é [EMAIL_ADDRESS]\n\n[IP_ADDRESS]"


def test_a_preset_makes_tokens_under_the_key_given(desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    done = anonymized(desk, "a.txt", "--policy", "gdpr", "--key-file", "key")
    again = anonymized(desk, "a.txt", "--policy", "gdpr", "--key-file", "key")
    assert done.stdout == again.stdout
    assert [each for each in CANARIES.values() if each in done.stdout + done.stderr] == []
    assert "1 pseudonymised" in done.stderr


def test_the_key_may_come_from_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a.txt", TEXT)
    by_file = anonymized(desk, "a.txt", "--policy", "gdpr", "--key-file", "key")
    monkeypatch.setenv("DATAVAULT_PRIVACY_KEY", KEY)
    assert anonymized(desk, "a.txt", "--policy", "gdpr").stdout == by_file.stdout
    monkeypatch.setenv("DATAVAULT_PRIVACY_KEY", "canary")
    done = anonymized(desk, "a.txt", "--policy", "gdpr", exit_code=2)
    assert "DATAVAULT_PRIVACY_KEY: a key is 64 hexadecimal digits" in done.stderr
    assert "canary" not in done.stderr


def test_a_policy_without_its_key_reads_nothing(desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    done = anonymized(desk, "a.txt", "--policy", "gdpr", exit_code=2)
    assert "the policy needs a key for this: token" in done.stderr
    assert done.stdout == ""


def test_help_names_the_presets_and_verdicts_are_those_of_results() -> None:
    assert ", ".join(PRESETS).replace(", llm", " and llm") in str(cli.commands["anonymize"].help)
    assert list(treating.VERDICTS) == [each.value for each in Verdict]


def test_what_is_unsure_ends_the_run_and_leaves_no_output(desk: Desk) -> None:
    desk.write("a.jsonl", '{"a":"x"}\n{"a":"call 0171 2345678"}\n')
    words = ("a.jsonl", "--policy", "hold.toml", "--threshold", "0.3", "--output-file", "out.jsonl")
    before = sorted(os.listdir())
    done = anonymized(desk, *words, exit_code=12)
    assert "quarantine: a.jsonl, line 2: to be looked at: low_confidence" in done.stderr
    assert sorted(os.listdir()) == before


def test_what_is_unsure_goes_to_the_file_for_it(desk: Desk) -> None:
    desk.write("a.jsonl", '{"a":"x"}\n{"a":"call 0171 2345678"}\n{"a":"y"}')
    words = ("a.jsonl", "--policy", "hold.toml", "--threshold", "0.3")
    files = ("--output-file", "out.jsonl", "--quarantine-file", "held.jsonl")
    done = anonymized(desk, *words, *files)
    assert Path("out.jsonl").read_text() == '{"a":"x"}\n{"a":"y"}'
    (held,) = map(json.loads, Path("held.jsonl").read_text().splitlines())
    assert (held["line"], held["reasons"]) == (2, ["low_confidence"])
    assert "2345678" not in held["output"]
    assert "1 quarantine" in done.stderr
    assert Path("out.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--output-file", "a.txt"),
        ("--output-file", "./x/../a.txt"),
        ("--output-file", "hard.txt"),
        ("--output-file", "out", "--quarantine-file", "out"),
        ("--output-file", "soft.txt"),
        ("--output-file", "/dev/null"),
    ],
)
def test_no_output_takes_the_place_of_the_input(words: tuple[str, ...], desk: Desk) -> None:
    desk.write("a.txt", TEXT)
    desk.write("x/y", "")
    Path("hard.txt").hardlink_to("a.txt")
    Path("soft.txt").symlink_to("a.txt")
    anonymized(desk, "a.txt", "--policy", "redact.toml", *words, exit_code=2)
    assert Path("a.txt").read_text() == TEXT


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"x\n4111111111111111 \xff", "line 2: not UTF-8 at byte 18"),
        ("a.jsonl", b'\n{"a":"4111111111111111"', "line 2: not JSON (RFC 8259)"),
        (
            "a.jsonl",
            b'{"a":1}\n{"4111111111111111":1,"4111111111111111":2}',
            "line 2: a key stands",
        ),
        ("a.jsonl", b"[" * 101 + b"]" * 101, "line 1: nested at most 100 deep"),
        ("a.csv", b'a,b\n"4111111111111111,x\n', "in the row of line 2, byte 4, and not closed"),
        ("a.csv", b'a,b\n"4111111111111111"x,y\n', "line 2: a row of 22 bytes is not quoted as"),
        ("a.csv", b"a\n4111111111111111 \xff", "line 2: not UTF-8 at byte 17 of 18"),
        ("a.json", b'{"a":\n4111111111111111', "line 1: not JSON (RFC 8259)"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"a":4111111111111111}', mtime=0)[:-4],
            "line 1: gzip data is cut",
        ),
        ("a.txt", "\ufeffx 4111111111111111".encode("utf-16-le") + b"\0", "line 1: not utf-16-le"),
        ("a.txt", b"4111111111111111\0", "invalid: a.txt: binary"),
    ],
)
def test_an_input_that_is_not_what_it_says_is_refused_without_its_content(
    name: str, content: bytes, told: str, desk: Desk
) -> None:
    desk.write(name, content)
    words = (name, "--policy", "redact.toml", "--output-file", "out")
    done = anonymized(desk, *words, exit_code=2)
    assert told in done.stderr
    assert "4111" not in done.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize(("name", "form"), [("a.csv", "csv"), ("a.json", "json"), ("a.x", "text")])
def test_a_binary_file_is_refused_with_the_form_that_suits_its_name(
    name: str, form: str, desk: Desk
) -> None:
    desk.write(name, b"ssn\n219099999\na\0b\n")
    done = anonymized(desk, name, "--policy", "redact.toml", exit_code=2)
    assert f"--format {form} reads it all the same" in done.stderr


def test_a_policy_that_is_none_is_refused_without_its_values(desk: Desk) -> None:
    desk.write("a.txt", "x")
    desk.write("p.toml", REDACT + '[[deny]]\nvalue = "canary"\nentity = "PERSON"\nreason = ""\n')
    done = anonymized(desk, "a.txt", "--policy", "p.toml", exit_code=2)
    assert "a text of 1 to 500 characters (/deny/0/reason)" in done.stderr
    assert "canary" not in done.stderr
    assert (
        "a file, or one of gdpr"
        in anonymized(desk, "a.txt", "--policy", "absent", exit_code=2).stderr
    )


def test_a_private_key_is_not_cut_between_two_passages(desk: Desk) -> None:
    filler = ("word " * 20 + "\n") * (PIECE_BYTES // 101 - 4)
    key = "-----BEGIN PRIVATE KEY-----\n" + ("A1b2" * 16 + "\n") * 40 + "-----END PRIVATE KEY-----"
    text = filler + key + "\n" + filler
    desk.write("a.txt", text)
    words = ("--policy", "redact.toml", "--tier", "patterns", "--without-names")
    done = anonymized(desk, "a.txt", *words)
    assert done.stdout == text.replace(key, "[SECRET]")


def test_the_output_is_the_same_however_many_processes_work(desk: Desk) -> None:
    lines = [f'{{"id":{row},"text":"{"word " * 40}"}}\n' for row in range(25_000)]
    lines[::500] = [f'{{"to":"u{row}@example.org"}}\n' for row in range(50)]
    desk.write("a.jsonl", "".join(lines))
    assert sum(map(len, lines)) > workers.ALONE_BYTES + 2**20
    words = [DATAVAULT, "anonymize", "a.jsonl", "--policy", "llm_training", "--key-file", "key"]
    words += ["--tier", "patterns", "--without-names"]
    one, two = (
        subprocess.run([*words, "--jobs", jobs], capture_output=True, check=True).stdout
        for jobs in ("1", "2")
    )
    assert one == two
    assert one.count(b"\n") == 25_000
    assert b'"u' not in one


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_nothing_behind(number: signal.Signals, desk: Desk) -> None:
    words = ["-", "--policy", "redact.toml", "--format", "jsonl", "--output-file", "out"]
    before = sorted(os.listdir())
    with subprocess.Popen(
        [DATAVAULT, "anonymize", *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        running.stdin.write(b'{"a":"x"}\n' * 200_000)
        running.stdin.flush()
        deadline = time.monotonic() + 30
        while sorted(os.listdir()) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert sorted(os.listdir()) != before
        running.send_signal(number)
        running.stdin.close()
        running.wait(30)
    assert running.returncode == 128 + number
    assert sorted(os.listdir()) == before


def test_a_number_is_one_persons_throughout_a_text(desk: Desk) -> None:
    desk.write("number.toml", 'name = "n"\ndefault = { strategy = "number" }\n')
    filler = "nothing to see in this line\n" * (PIECE_BYTES // 28 + 1)
    people = ["jo@example.org", "al@example.org", "jo@example.org"]
    name = desk.write("a.txt", f"\n{filler}\n".join(people))
    words = (name, "--policy", "number.toml", "--tier", "patterns", "--without-names")
    done = anonymized(desk, *words, "--jobs", "2")
    assert [each for each in done.stdout.split("\n") if each.startswith("EMAIL")] == [
        "EMAIL_ADDRESS_1",
        "EMAIL_ADDRESS_2",
        "EMAIL_ADDRESS_1",
    ]
    assert "4 passages" in done.stderr


def test_lines_that_are_no_records_are_held_with_their_reason(desk: Desk) -> None:
    bad = ['{"a":1,"a":"canary"}', '{"a":"canary\\ud800"}', '{"a":', '"\xff"']
    name = desk.write("a.jsonl", "\n".join(['{"a":"jo@example.org"}', *bad, '{"a":2}']))
    path = desk.folder / name
    path.write_bytes(path.read_bytes().replace("\xff".encode(), b"\xff"))
    words = (name, "--policy", "redact.toml", "--quarantine-file", "held.jsonl")
    done = anonymized(desk, *words)
    assert done.stdout == '{"a":"[EMAIL_ADDRESS]"}\n{"a":2}'
    assert "6 records: 2 anonymised, 0 pseudonymised, 0 personal, 4 quarantine" in done.stderr
    held = [json.loads(each) for each in (desk.folder / "held.jsonl").read_text().splitlines()]
    assert [(each["line"], each["output"]) for each in held] == [(at, None) for at in (2, 3, 4, 5)]
    told = [each["reasons"][0] for each in held]
    assert "a key stands twice" in told[0]
    assert "at byte 12: half a character" in told[1]
    assert "it is cut short" in told[2]
    assert "not UTF-8" in told[3]
    assert "canary" not in str(held) + done.stderr


@pytest.mark.parametrize(
    ("name", "content", "things"),
    [
        ("a.json", '{"a":"call 0171 2345678"}', "1 document"),
        ("a.csv", "call 0171 2345678\ncall 0171 2345678\n", "2 rows"),
        ("a.jsonl", '{"a":\n{"a":"call 0171 2345678"}\n', "2 records"),
    ],
)
def test_an_input_that_is_held_whole_has_no_output(
    name: str, content: str, things: str, desk: Desk
) -> None:
    desk.write(name, content)
    words = (name, "--policy", "hold.toml", "--threshold", "0.3", "--tier", "patterns")
    files = ("--output-file", "out", "--quarantine-file", "held.jsonl")
    done = anonymized(desk, *words, "--without-names", *files, exit_code=12)
    assert f"quarantine: {name}: nothing but {things} to be looked at" in done.stderr
    assert not Path("out").exists()
    assert str(len(Path("held.jsonl").read_text().splitlines())) == things[0]


def test_a_line_that_is_no_record_ends_the_run_if_nothing_takes_it(desk: Desk) -> None:
    name = desk.write("a.jsonl", '{"a":1}\n{"a":"canary\\ud800"}\n')
    done = anonymized(desk, name, "--policy", "redact.toml", exit_code=2)
    assert "invalid: a.jsonl, line 2: " in done.stderr
    assert "canary" not in done.stderr
    assert "--quarantine-file takes such records" in done.stderr
