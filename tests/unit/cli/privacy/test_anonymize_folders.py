"""``datavault anonymize`` of several files: each whole or not there, and none is passed over."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.unit.cli.privacy.conftest import Desk

REDACT = 'name = "all"\ndefault = { strategy = "redact" }\n'
HOLD = REDACT + "threshold = { found_from = 0.0, sure_from = 1.0 }\n"
WORDS = ("--policy", "redact.toml", "--tier", "patterns", "--without-names")


@pytest.fixture(autouse=True)
def files(desk: Desk) -> None:
    desk.write("redact.toml", REDACT)
    desk.write("hold.toml", HOLD)
    desk.write("in/a.txt", "jo@example.org")
    desk.write("in/b/c.jsonl", '{"ssn":219099999}\n')
    desk.write("in/b/d.csv.gz", gzip.compress(b"mail\njo@example.org\n"))
    desk.write("in/b/empty.csv", "")


def run(desk: Desk, *words: str, exit_code: int = 0) -> Result:
    done = desk.run("anonymize", *words, *WORDS)
    assert done.exit_code == exit_code, done.output
    return done


def tree(folder: str) -> list[str]:
    paths = (each for each in Path(folder).rglob("*") if each.is_file())
    return sorted(each.relative_to(folder).as_posix() for each in paths)


def test_a_folder_comes_out_under_the_same_names(desk: Desk) -> None:
    done = run(desk, "in", "--output-folder", "out/x")
    assert tree("out/x") == ["a.txt", "b/c.jsonl", "b/d.csv.gz", "b/empty.csv"]
    assert Path("out/x/a.txt").read_text() == "[EMAIL_ADDRESS]"
    assert Path("out/x/b/c.jsonl").read_text() == '{"ssn":"[US_SSN]"}\n'
    assert gzip.decompress(Path("out/x/b/d.csv.gz").read_bytes()) == b"mail\n[EMAIL_ADDRESS]\n"
    assert Path("out/x/a.txt").stat().st_mode & 0o077 == 0
    assert done.stdout == ""
    assert "4 files in out/x, 0 not treated, 0 skipped" in done.stderr
    assert "1 passage, 1 record, 2 rows: 4 anonymised" in done.stderr
    assert "treated: EMAIL_ADDRESS redact 2, US_SSN redact 1" in done.stderr


def test_what_is_skipped_is_named_and_counted(desk: Desk) -> None:
    desk.write("in/e.png", b"\x89PNG\r\n\x1a\n\0\0")
    desk.write("in/.git/config", "jo@example.org")
    (desk.folder / "in" / "link.txt").symlink_to("a.txt")
    done = run(desk, "in", "--output-folder", "out")
    assert tree("out") == ["a.txt", "b/c.jsonl", "b/d.csv.gz", "b/empty.csv"]
    for told in (
        "skipped: in/.git: versions are kept there",
        "skipped: in/link.txt: a link",
        "skipped: in/e.png: binary",
        "4 files in out, 0 not treated, 3 skipped",
    ):
        assert told in done.stderr


def test_a_file_that_cannot_be_treated_is_named_and_the_others_go_on(desk: Desk) -> None:
    desk.write("in/b/bad.json", '{"a": "jo@example.org"')
    desk.write("in/b/odd.txt", b"canary \xff")
    done = run(desk, "in", "--output-folder", "out", exit_code=2)
    assert tree("out") == ["a.txt", "b/c.jsonl", "b/d.csv.gz", "b/empty.csv"]
    assert "not treated: invalid: in/b/bad.json, line 1: not JSON (RFC 8259)" in done.stderr
    assert "not treated: invalid: in/b/odd.txt, line 1: not UTF-8 at byte 8" in done.stderr
    assert "not treated: 2 inputs, named above" in done.stderr
    assert "canary" not in done.output


def test_a_folder_that_cannot_be_listed_is_not_treated(desk: Desk) -> None:
    desk.beyond_reach("in/b")
    done = run(desk, "in", "--output-folder", "out", exit_code=2)
    assert tree("out") == ["a.txt", "b/c.jsonl", "b/d.csv.gz", "b/empty.csv"]
    assert ": File name too long" in done.stderr
    assert "4 files in out, 1 not treated, 0 skipped" in done.stderr
    assert "not treated: 1 input, named above" in done.stderr


def test_a_target_that_cannot_be_written_is_that_files_failure(desk: Desk) -> None:
    longest = "n" * 255
    desk.write(f"in/{longest}", "jo@example.org")
    desk.write("in/" + ("d" * 250 + "/") * 15 + "z.txt", "x")  # 3,770 of 4,096 bytes.
    folder = "/".join(["o" * 250] * 2)
    done = run(desk, "in", "--output-folder", folder, exit_code=2)
    assert tree(folder) == ["a.txt", "b/c.jsonl", "b/d.csv.gz", "b/empty.csv", longest]
    assert Path(folder, longest).read_text() == "[EMAIL_ADDRESS]"
    assert "z.txt not written: File name too long" in done.stderr
    assert "5 files in" in done.stderr
    assert "1 not treated" in done.stderr


def test_records_that_are_to_be_looked_at_hold_their_file_or_go_to_one_for_all(desk: Desk) -> None:
    desk.write("in/b/c.jsonl", '{"a":"call 0171 2345678"}\n{"a":1}\n')
    words = ("--policy", "hold.toml", "--threshold", "0.3")
    held = desk.run("anonymize", "in/b", *WORDS, *words, "--output-folder", "out")
    assert held.exit_code == 12
    assert tree("out") == ["d.csv.gz", "empty.csv"]
    assert "not treated: quarantine: in/b/c.jsonl, line 1: to be looked at" in held.stderr
    desk.write("in/b/z.json", '"call 0171 2345678"')
    whole = desk.run(
        "anonymize", "in/b", *WORDS, *words, "--output-folder", "z", "--quarantine-file", "held-z"
    )
    assert whole.exit_code == 12
    assert tree("z") == ["c.jsonl", "d.csv.gz", "empty.csv"]
    assert "3 files in z, 1 not treated" in whole.stderr
    assert len(Path("held-z").read_text().splitlines()) == 2
    Path("in/b/z.json").unlink()
    done = desk.run(
        "anonymize", "in/b", *WORDS, *words, "--output-folder", "all", "--quarantine-file", "held"
    )
    assert done.exit_code == 0, done.output
    assert Path("all/c.jsonl").read_text() == '{"a":1}\n'
    (line,) = map(json.loads, Path("held").read_text().splitlines())
    assert (line["path"], line["line"]) == ("in/b/c.jsonl", 1)
    assert "2345678" not in line["output"]


def test_numbers_begin_anew_with_each_text(desk: Desk) -> None:
    desk.write("redact.toml", 'name = "n"\ndefault = { strategy = "number" }\n')
    desk.write("in/b/t.txt", "al@example.org jo@example.org")
    run(desk, "in", "--output-folder", "out", "--jobs", "2")
    assert Path("out/a.txt").read_text() == "EMAIL_ADDRESS_1"
    assert Path("out/b/t.txt").read_text() == "EMAIL_ADDRESS_1 EMAIL_ADDRESS_2"


def test_files_and_folders_together_have_places_of_their_own(desk: Desk) -> None:
    desk.write("z/a.txt", "x")
    run(desk, "in", "z", "in/a.txt", "--output-folder", "out")
    assert [each for each in tree("out") if each.endswith("a.txt")] == [
        "a.txt",
        "in/a.txt",
        "z/a.txt",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("in",), "several files, or a folder, go to an --output-folder"),
        (("in/a.txt", "redact.toml"), "several files, or a folder, go to an --output-folder"),
        (("in", "--output-folder", "in/out"), "--output-folder lies in in"),
        (("in", "--output-folder", "in"), "--output-folder in is not empty"),
        (("in", "--output-folder", "o", "--output-file", "f"), "without --output-file"),
        (("-", "--output-folder", "o"), "--output-folder is for files and folders"),
        (("in", "--output-folder", "o", "--quarantine-file", "in/q"), "--quarantine-file lies"),
        (
            ("in", "--output-folder", "o", "--quarantine-file", "q"),
            "--quarantine-file q is not empty",
        ),
        (("in", "--output-folder", "o", "--quarantine-file", "no/q"), "no folder no"),
        (("in/a.txt", "--quarantine-file", "no/q"), "--quarantine-file: there is no folder no"),
        (("in/a.txt", "--output-file", "no/o"), "--output-file: there is no folder no"),
        (("in/a.txt", "--quarantine-file", "q"), "--quarantine-file q is not empty"),
        (("in/a.txt", "z/a.txt", "--output-folder", "o"), "in/a.txt and z/a.txt would be one file"),
        (("nothing", "--output-folder", "o"), "there is no file to treat"),
        (("-",), "for a pipe, --format says text, jsonl, json, csv"),
    ],
)
def test_wrong_usage_is_told_and_nothing_written(
    words: tuple[str, ...], told: str, desk: Desk
) -> None:
    desk.write("z/a.txt", "x")
    desk.write("q", "held before")
    (desk.folder / "nothing").mkdir()
    before = tree(".")
    assert told in run(desk, *words, exit_code=2).stderr
    assert Path("q").read_text() == "held before"
    assert tree(".") == before
