"""Differences between versions, and merging them: what is told, asked and decided."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Put, Terminal

BASE = ('{"id":"a","n":1}', '{"id":"b","t":"x"}', '{"id":"c"}')


@pytest.fixture
def fork(chats: Terminal, put: Put) -> Terminal:
    """Branches main and side that disagree on a, on b only by fields, and on c's being there."""
    put(*BASE, message="Base")
    chats.one("branch", "create", "chats", "side")
    put('{"id":"a","n":2}', '{"id":"b","t":"x","u":1}', '{"id":"c","d":1}', message="Ours")
    chats.one("rm", "chats", "c", "-b", "side")
    put('{"id":"a","n":3}', '{"id":"b","t":"y"}', branch="side", message="Theirs")
    return chats


def test_a_difference_is_told_field_by_field(chats: Terminal, put: Put) -> None:
    put('{"id":"a","n":1,"deep":{"x/y":[1]},"gone":true}', '{"id":"b"}', '{"id":"d","n":1}')
    chats.one("tag", "create", "chats", "v1")
    chats.one("rm", "chats", "b")
    put('{"id":"a","n":1.0,"deep":{"x/y":[1,2]},"s":"é"}', '{"id":"c"}', '{"id":"d", "n":1}')
    assert chats.table("diff", "chats", "v1") == (
        "~ a\n"
        "    ~ /n: 1 -> 1.0\n"
        "    ~ /deep/x~1y: [1] -> [1,2]\n"
        "    - /gone: true\n"
        '    + /s: "é"\n'
        '- b\n    {"id":"b"}\n'
        '+ c\n    {"id":"c"}\n'
        "~ d\n    (the same values, written in another way)\n"
        "1 added, 2 changed, 1 removed\n"
    )
    found = chats.lines("diff", "chats", "v1", "main")
    assert [(each["id"], each["kind"]) for each in found][:2] == [
        ("a", "changed"),
        ("b", "removed"),
    ]
    assert '"n":1.0' in chats.run("diff", "chats", "v1").stdout
    counts = chats.one("diff", "chats", "v1", "--count")
    assert (counts["added"], counts["changed"], counts["removed"]) == (1, 2, 1)
    assert len(chats.lines("diff", "chats", "v1", "-n", "1")) == 1
    assert chats.table("diff", "chats", "main") == "0 added, 0 changed, 0 removed\n"


def test_conflicts_are_listed_and_nothing_is_merged(fork: Terminal) -> None:
    before = fork.one("show", "chats")["id"]
    done = fork.run("merge", "chats", "side", "-o", "table")
    assert done.exit_code == 5
    assert done.stdout == (
        "! a  both changed it\n"
        "    /n\n"
        "      base    1\n"
        "      ours    2\n"
        "      theirs  3\n"
        "! c  one changed it, the other removed it\n"
        '    base    {"id":"c"}\n'
        '    ours    {"id":"c","d":1}\n'
        "    theirs  (has no such record)\n"
    )
    assert done.stderr.startswith("datavault: conflict: 2 records to decide; nothing was merged\n")
    assert fork.one("show", "chats")["id"] == before
    left = fork.run("merge", "chats", "side", "--resolve", "a=ours")
    assert (left.exit_code, json.loads(left.stdout)["id"]) == (5, "c")


def test_decisions_settle_conflicts(fork: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "mended.json"
    file.write_text('{"id":"a","n":2.5}\n')
    told = fork.table(
        *("merge", "chats", "side", "-m", "Settled"),
        *("--resolve", f"a=@{file}", "--resolve", "c=delete"),
    )
    assert told.startswith("Merged side into main.\n")
    assert fork.run("get", "chats").stdout == '{"id":"a","n":2.5}\n{"id":"b","t":"y","u":1}\n'
    merged = fork.one("show", "chats")
    assert (merged["message"], len(merged["parents"])) == ("Settled", 2)
    again = fork.one("merge", "chats", "side")
    assert (again["outcome"], again["commit"]["id"]) == ("unchanged", merged["id"])


def test_a_strategy_settles_all_conflicts(fork: Terminal) -> None:
    assert fork.one("merge", "chats", "side", "--strategy", "theirs")["outcome"] == "committed"
    assert fork.run("get", "chats", "a").stdout == '{"id":"a","n":3}\n'


def test_a_merge_is_looked_at_first(fork: Terminal) -> None:
    found = fork.one("merge", "chats", "side", "--preview")
    assert found["conflicts"] == {"edit_edit": 1, "edit_delete": 1}
    told = fork.table("merge", "chats", "side", "--preview")
    assert told.startswith("Merging side into main would change 1 record and meet 2 conflicts.\n")
    assert "! a  both changed it" in told
    by_records = fork.lines("merge", "chats", "side", "--conflicts", "--by", "records")
    assert [each["id"] for each in by_records] == ["a", "b", "c"]
    assert len(fork.lines("log", "chats", "-n", "9")) == len(fork.lines("log", "chats"))


def test_a_branch_that_only_went_on_is_followed(chats: Terminal, put: Put) -> None:
    put('{"id":"a"}')
    chats.one("branch", "create", "chats", "side")
    put('{"id":"b"}', branch="side")
    assert "would go forward" in chats.table("merge", "chats", "side", "--preview")
    assert chats.table("merge", "chats", "side").startswith(
        "Merged side into main. It only had to move forward.\n"
    )
    assert "already" in chats.table("merge", "chats", "side", "--preview")


def test_a_commit_is_made_again_and_undone(chats: Terminal, put: Put) -> None:
    put('{"id":"a","n":1}')
    chats.one("branch", "create", "chats", "side")
    picked = put('{"id":"a","n":2}', branch="side")["commits"][0]
    put('{"id":"b"}', branch="side")
    chats.one("cherry-pick", "chats", picked[:12])
    assert chats.run("get", "chats").stdout == '{"id":"a","n":2}\n'
    undone = chats.one("log", "chats", "-n", "1")["id"]
    assert f"Undid {undone} on main." in chats.table("revert", "chats", undone)
    assert chats.run("get", "chats").stdout == '{"id":"a","n":1}\n'
    put('{"id":"a","n":9}')
    done = chats.run("revert", "chats", undone, "-o", "table")
    assert done.exit_code == 5
    assert "      base    2\n      ours    9\n      theirs  1\n" in done.stdout


def test_a_refusal_that_is_no_conflict_of_records_stays_itself(chats: Terminal, put: Put) -> None:
    put('{"id":"a"}')
    assert "not found" in chats.fails(3, "merge", "chats", "nowhere")
    chats.fails(3, "revert", "chats", "0123456789abcdef")


def test_a_branch_or_a_tag_names_the_commit_to_undo_or_to_make(chats: Terminal, put: Put) -> None:
    put('{"id":"a","n":1}')
    chats.one("branch", "create", "chats", "side")
    put('{"id":"b","n":1}', branch="side")
    chats.one("tag", "create", "chats", "v1", "--ref", "side")
    assert "Made the changes of side on main." in chats.table("cherry-pick", "chats", "side")
    assert len(chats.lines("ls", "chats")) == 2
    assert "Undid main on main." in chats.table("revert", "chats", "main")
    assert "Undid v1 on side." in chats.table("revert", "chats", "v1", "-b", "side")
    assert len(chats.lines("ls", "chats", "--ref", "side")) == 1


def test_of_a_merge_the_parent_is_asked_for(chats: Terminal, put: Put) -> None:
    put('{"id":"a","n":1}')
    chats.one("branch", "create", "chats", "side")
    put('{"id":"b","n":1}', branch="side")
    put('{"id":"c","n":1}')
    chats.one("merge", "chats", "side")
    said = chats.fails(2, "revert", "chats", "main")
    assert "main is a merge of 2 versions" in said
    assert "--mainline 1" in said
    chats.one("revert", "chats", "main", "--mainline", "1")
    assert [each["id"] for each in chats.lines("ls", "chats")] == ["a", "c"]


@pytest.mark.parametrize("given", ["a", "=ours", "a=mine", "a=@/nowhere/at/all"])
def test_a_decision_that_is_none_is_wrong_usage(chats: Terminal, given: str) -> None:
    assert "--resolve" in chats.fails(2, "merge", "chats", "side", "--resolve", given)
