"""Counts, the past of a record, statistics and verification."""

from tests.unit.cli.conftest import Put, Terminal


def test_records_are_counted(chats: Terminal, put: Put) -> None:
    commit = put('{"id":"a"}', '{"id":"b"}')["commits"][0]
    chats.one("rm", "chats", "a")
    found = chats.one("count", "chats")
    assert (found["records"], found["staged"]) == (1, 1)
    assert chats.table("count", "chats") == (
        f"1 record over {commit[:12]}; staged changes touch 1\n"
    )
    assert chats.one("count", "chats", "-r", commit)["records"] == 2


def test_a_record_tells_its_past(chats: Terminal, put: Put) -> None:
    first = put('{"id":"a"}')["commits"][0]
    put('{"id":"b"}')
    second = put('{"id":"a","n":1}')["commits"][0]
    found = chats.lines("history", "chats", "a")
    assert [(each["kind"], each["commit"]) for each in found] == [
        ("changed", second),
        ("added", first),
    ]
    table = chats.table("history", "chats", "a", "-n", "1")
    assert [line.split()[0] for line in table.splitlines()] == ["COMMIT", second[:12]]


def test_a_version_tells_what_it_takes(chats: Terminal, put: Put) -> None:
    first = put('{"id":"a"}')["commits"][0]
    second = put('{"id":"b"}')["commits"][0]
    found = chats.one("stats", "chats", "--base", first)
    assert (found["commit"], found["base"], found["records"]) == (second, first, 2)
    told = chats.table("stats", "chats")
    assert "logical bytes         20\n" in told
    assert "ratio, both kept" in told


def test_a_version_is_whole(chats: Terminal, put: Put) -> None:
    commit = put('{"id":"a"}')["commits"][0]
    found = chats.one("verify", "chats")
    assert (found["commit"], found["whole"], found["records"]) == (commit, True, 1)
    assert "are whole" in chats.table("verify", "chats")


def test_a_flipped_bit_is_told_and_has_its_exit_code(chats: Terminal, put: Put) -> None:
    put('{"id":"a"}')
    objects = chats.api.vault.objects
    for name, content in dict(objects._objects).items():
        if "/packs/" in name:
            flipped = bytearray(content)
            flipped[len(content) // 2] ^= 16
            objects._objects[name] = bytes(flipped)
    done = chats.run("verify", "chats")
    assert done.exit_code == 7
    assert '"whole":false' in done.stdout
    assert done.stderr.startswith("datavault: corrupt: 1 part of this version")
