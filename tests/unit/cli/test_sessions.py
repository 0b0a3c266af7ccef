"""Users' commands on datasets, records and versions: what they do, write and say."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Put, Terminal

ODD = '{ "id" : "odd", "n":1.0,"e":1E5, "s":"\\u00e9\\/" }'


def test_a_dataset_is_created_found_changed_and_put_away(terminal: Terminal) -> None:
    made = terminal.one(
        *("dataset", "create", "chats", "-k", "id", "-d", "Support", "-l", "team=assist"),
        *("--metadata", "turns=4", "--metadata", 'code="4"', "--metadata", "language=en"),
    )
    assert made["metadata"] == {"turns": 4, "code": "4", "language": "en"}
    assert "_links" not in made
    assert terminal.one("dataset", "show", "chats") == made | {"schema": None}
    assert terminal.one("dataset", "show", made["id"]) == made | {"schema": None}
    terminal.one("dataset", "create", "chats-2")
    found = terminal.lines("dataset", "list", "-l", "team=assist", "--metadata", "turns=4")
    assert [each["name"] for each in found] == ["chats"]
    assert terminal.lines("dataset", "list", "--before", "2000-01-01") == []
    changed = terminal.one("dataset", "update", "chats", "--name", "talks", "--if-version", "1")
    assert (changed["name"], changed["labels"]) == ("talks", {"team": "assist"})
    assert "precondition failed" in terminal.fails(
        5, "dataset", "update", "talks", "-d", "x", "--if-version", "1"
    )
    assert terminal.one("dataset", "archive", "talks")["state"] == "archived"
    assert "conflict" in terminal.fails(5, "put", "talks", stdin=b'{"id":"a"}')
    assert len(terminal.lines("dataset", "list")) == 1
    assert len(terminal.lines("dataset", "list", "--state", "any", "-n", "1")) == 1
    assert terminal.one("dataset", "restore", "talks")["state"] == "active"


def test_a_dataset_is_given_a_schema_and_loses_it(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_text('{"required": ["prompt"]}')
    made = terminal.one("dataset", "create", "chats", "-k", "id", "--schema", str(file))
    assert made["schema_hash"] in terminal.table("dataset", "show", "chats")
    assert terminal.one("dataset", "show", "chats")["schema"] == {"required": ["prompt"]}
    said = terminal.fails(2, "put", "chats", stdin=b'{"id":"a"}\n')
    assert "invalid: line 1: does not match the dataset's schema at /prompt: required" in said
    file.write_text('{"type": "sting"}')
    update = ("dataset", "update", "chats", "--schema", str(file))
    assert "no JSON Schema of draft 2020-12 has this here" in terminal.fails(2, *update)
    file.write_text("{}")
    assert terminal.one(*update)["schema_hash"] is None
    terminal.one("put", "chats", stdin=b'{"id":"a"}\n')
    for text in ("[", "[]", "\xff"):
        file.write_bytes(text.encode("latin-1"))
        assert "the file has no JSON object" in terminal.fails(2, *update)


def test_a_dataset_of_no_such_name_is_not_found(chats: Terminal) -> None:
    for name in ("chat", "Chats", "ds_0190a6b2-0000-7000-8000-000000000000"):
        assert "not found" in chats.fails(3, "log", name)


def test_records_come_out_as_they_went_in(chats: Terminal, put: Put) -> None:
    made = put('{"id":"b","n":1}', ODD)
    assert (made["records"], len(made["commits"])) == (2, 1)
    assert chats.run("get", "chats", "odd").stdout == f"{ODD}\n"
    assert chats.run("get", "chats").stdout == f'{{"id":"b","n":1}}\n{ODD}\n'
    assert chats.run("get", "chats", "odd", "b").stdout == f'{ODD}\n{{"id":"b","n":1}}\n'
    assert "not found" in chats.fails(3, "get", "chats", "nobody")
    shown = chats.run("show", "chats", "--record", "odd").stdout
    assert ODD in shown
    assert json.loads(shown)["staged"] is False


def test_a_file_appears_whole_or_not_at_all(chats: Terminal, put: Put, tmp_path: Path) -> None:
    put('{"id":"a"}')
    file = tmp_path / "out.ndjson"
    assert "1 record in" in chats.run("get", "chats", "--to", str(file)).stderr
    assert file.read_text() == '{"id":"a"}\n'
    chats.fails(3, "get", "chats", "a", "nobody", "--to", str(file))
    assert file.read_text() == '{"id":"a"}\n'
    assert [each.name for each in tmp_path.iterdir() if "ndjson" in each.name] == [file.name]


def test_records_are_listed_and_removed(chats: Terminal, put: Put) -> None:
    put('{"id":"a"}', '{"id":"b"}')
    chats.one("rm", "chats", "a")
    chats.one("put", "chats", stdin='{"id":"日本","t":"é"}'.encode())
    found = chats.lines("ls", "chats")
    assert [(each["id"], each["staged"]) for each in found] == [("b", False), ("日本", True)]
    assert [each["id"] for each in chats.lines("ls", "chats", "-n", "1")] == ["b"]
    assert chats.table("ls", "chats") == (
        "RECORD  BYTES  STAGED  BEGINS\n"
        'b          10  no      {"id":"b"}\n'
        '日本       24  yes     {"id":"日本","t":"é"}\n'
    )


def test_versions_are_made_listed_and_shown(chats: Terminal, put: Put) -> None:
    first = put('{"id":"a"}', message="First\n\nMore of it")["commits"][0]
    assert "nothing is staged" in chats.fails(5, "commit", "chats")
    chats.one("put", "chats", stdin=b'{"id":"a","n":1}')
    second = chats.one("commit", "chats", "-m", "Second")
    assert (second["changed"], second["parents"]) == (1, [first])
    newest = [each["id"] for each in chats.lines("log", "chats")][:2]
    assert newest == [second["id"], first]
    assert chats.one("show", "chats", first[:8])["message"] == "First\n\nMore of it"
    assert chats.one("show", "chats")["id"] == second["id"]
    told = chats.table("show", "chats", first)
    assert "    First\n    \n    More of it\n" in told
    assert f"commit   {first}\n" in told
    assert "Second" in chats.table("log", "chats", "-n", "1")
    assert "First" not in chats.table("log", "chats", "-n", "1")


def test_branches_are_made_moved_protected_and_deleted(chats: Terminal, put: Put) -> None:
    first = put('{"id":"a"}')["commits"][0]
    second = put('{"id":"b"}')["commits"][0]
    made = chats.one("branch", "create", "chats", "side/way", "--start", first)
    assert made["commit"] == first
    assert chats.table("branch", "reset", "chats", "side/way", second) == (
        f"Branch side/way is at {second[:12]}.\n"
    )
    moves = chats.lines("branch", "reflog", "chats", "side/way")
    assert [each["target"] for each in moves] == [second, first]
    assert chats.one("branch", "protect", "chats", "main")["protected"]
    assert "conflict" in chats.fails(5, "rm", "chats", "a")
    assert not chats.one("branch", "unprotect", "chats", "main")["protected"]
    chats.one("rm", "chats", "a")
    assert "staged" in chats.fails(5, "branch", "reset", "chats", "main", first)
    chats.one("branch", "reset", "chats", "main", first, "--discard-staged")
    listed = chats.table("branch", "list", "chats").splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["main", first[:12], "no"],
        ["side/way", second[:12], "no"],
    ]
    done = chats.run("rm", "chats", "b", "never", "--branch", "side/way")
    assert done.exit_code == 3
    assert "never on side/way" in done.stderr
    assert "1 record before it removed" in done.stderr
    assert "1 staged change on side/way" in chats.fails(5, "branch", "delete", "chats", "side/way")
    chats.one("branch", "delete", "chats", "side/way", "--discard-staged")
    assert len(chats.lines("branch", "list", "chats")) == 1


def test_what_is_staged_is_shown_before_it_is_committed(chats: Terminal, put: Put) -> None:
    put('{"id":"a","n":1}\n{"id":"b","n":1}')
    assert "Nothing is staged." in chats.table("status", "chats")
    assert chats.lines("status", "chats") == []
    chats.lines("put", "chats", stdin=b'{"id":"a","n":2}\n{"id":"c","n":3}\n')
    chats.one("rm", "chats", "b")
    kinds = {"a": "changed", "b": "removed", "c": "added"}
    assert {each["id"]: each["kind"] for each in chats.lines("status", "chats")} == kinds
    shown = chats.table("status", "chats")
    assert "\n~ a\n- b\n+ c\nStaged: 1 added, 1 changed, 1 removed.\n" in shown
    differing = chats.lines("diff", "chats", "--staged")
    assert {each["id"]: each["kind"] for each in differing} == kinds
    assert [each["before"] and each["before"]["data"]["n"] for each in differing] == [1, 1, None]
    assert [each["after"] and each["after"]["data"]["n"] for each in differing] == [2, None, 3]
    assert "~ a\n    ~ /n: 1 -> 2\n" in chats.table("diff", "chats", "--staged", "main")
    plain = chats.run("diff", "chats", "main", DATAVAULT_OUTPUT="table")
    assert "0 added" in plain.stdout
    assert '3 staged changes on main not compared: "datavault diff chats --staged"' in plain.stderr
    assert "--staged" in chats.fails(2, "diff", "chats")
    assert "one branch" in chats.fails(2, "diff", "chats", "main", "main", "--staged")


def test_tags_name_versions(chats: Terminal, put: Put) -> None:
    first = put('{"id":"a"}')["commits"][0]
    made = chats.one("tag", "create", "chats", "v1", "-m", "What we trained on")
    assert made["commit"] == first
    put('{"id":"b"}')
    assert chats.one("tag", "show", "chats", "v1") == made
    assert chats.lines("tag", "list", "chats") == [made]
    assert "What we trained on" in chats.table("tag", "list", "chats")
    assert [each["id"] for each in chats.lines("ls", "chats", "--ref", "v1")] == ["a"]
    clone = chats.one("clone", "chats", "chats-v1", "--ref", "v1")
    assert clone["origin"]["commit"] == first
    assert [each["id"] for each in chats.lines("ls", "chats-v1")] == ["a"]


def test_lists_are_one_array_as_json(chats: Terminal, put: Put) -> None:
    put('{"id":"a"}', '{"id":"b"}')
    found = json.loads(chats.run("ls", "chats", "-o", "json").stdout)
    assert [each["id"] for each in found] == ["a", "b"]
    assert chats.run("tag", "list", "chats", "-o", "json").stdout == "[]\n"
    told = chats.run("tag", "list", "chats", "-o", "table")
    assert (told.stdout, told.stderr) == ("", "There are no tags.\n")


@pytest.mark.parametrize(
    ("role", "words"),
    [("reader", ("commit", "chats")), ("auditor", ("ls", "chats"))],
)
def test_what_no_role_permits_is_denied(chats: Terminal, role: str, words: tuple[str, ...]) -> None:
    said = chats.run(*words, DATAVAULT_TOKEN=chats.token(role))
    assert (said.exit_code, said.stdout) == (4, "")
    assert said.stderr.startswith("datavault: denied: ")
