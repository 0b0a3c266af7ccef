"""Signing in: what is kept, where, after which check; and that secrets stay secrets."""

import stat
import tomllib
from pathlib import Path

import pytest

from datavault.cli.signing_in import claims_of
from datavault.client.profiles import Profile, read_profiles, write_profile
from tests.unit.cli.conftest import ENDPOINT, Terminal

# {"sub": "ada", "workspace": "ws_1", "roles": ["reader"], "exp": 1700000000}
JWT = (
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJ3b3Jrc3BhY2UiOiJ3c18xIiwicm9sZXMiOlsicmVhZGVyIl0s"
    "ImV4cCI6MTcwMDAwMDAwMH0.c2ln"
)


def profiles(home: Path) -> Path:
    return home / "config" / "datavault" / "profiles.toml"


def login(nobody: Terminal, token: str, *words: str) -> str:
    done = nobody.run("login", "--endpoint", ENDPOINT, *words, stdin=f"{token}\n".encode())
    assert done.exit_code == 0, done.output
    assert token not in done.output
    return done.stderr


def test_a_token_is_kept_once_a_call_has_succeeded(nobody: Terminal, tmp_path: Path) -> None:
    token = nobody.token("admin")
    assert f"Signed in to {ENDPOINT}" in login(nobody, token)
    file = profiles(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tomllib.loads(file.read_text()) == {"default": {"endpoint": ENDPOINT, "token": token}}
    assert nobody.lines("dataset", "list") == []
    assert nobody.run("token").stdout == f"{token}\n"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_token_that_does_not_hold_is_not_kept(nobody: Terminal, tmp_path: Path) -> None:
    said = nobody.fails(4, "login", "--endpoint", ENDPOINT, stdin=b"not-a-token")
    assert "not-a-token" not in said
    assert "unauthenticated" in said
    assert not profiles(tmp_path).exists()


def test_profiles_are_beside_each_other(nobody: Terminal, tmp_path: Path) -> None:
    login(nobody, nobody.token("admin"))
    reader = nobody.token("reader")
    login(nobody, reader, "--profile", "who reads")
    assert set(read_profiles(profiles(tmp_path))) == {"default", "who reads"}
    nobody.one("dataset", "create", "chats")
    nobody.fails(4, "dataset", "create", "more", "--profile", "who reads")
    nobody.fails(4, "dataset", "create", "more", DATAVAULT_PROFILE="who reads")
    assert nobody.run("token", "--profile", "who reads").stdout == f"{reader}\n"
    # Without --endpoint a profile keeps its own.
    assert nobody.run("login", stdin=nobody.token("admin").encode()).exit_code == 0


def test_who_has_not_signed_in_is_told_how(nobody: Terminal) -> None:
    for words in (["dataset", "list"], ["token"]):
        assert '"datavault login" signs in' in nobody.fails(4, *words)
    assert "needed" in nobody.fails(2, "login", stdin=b"token")
    said = nobody.fails(4, "dataset", "list", "--profile", "nowhere")
    assert "no profile 'nowhere'" in said


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://vault.example/", "https://vault.example"),
        (f"{ENDPOINT}/api/v1", ENDPOINT),
        (f"{ENDPOINT}/docs", ENDPOINT),
    ],
)
def test_an_endpoint_is_taken_as_people_copy_it(
    nobody: Terminal, tmp_path: Path, given: str, kept: str
) -> None:
    done = nobody.run("login", "--endpoint", given, stdin=nobody.token("admin").encode())
    assert done.exit_code == 0, done.output
    assert read_profiles(profiles(tmp_path))["default"].endpoint == kept


@pytest.mark.parametrize("given", ["vault.example", "http://vault.example", "ftp://x", "https://"])
def test_an_endpoint_that_is_none_or_not_safe_is_refused(nobody: Terminal, given: str) -> None:
    assert "--endpoint" in nobody.fails(2, "login", "--endpoint", given, stdin=b"token")


def test_the_environment_is_said_to_come_first(nobody: Terminal) -> None:
    token = nobody.token("admin").encode()
    done = nobody.run("login", "--endpoint", ENDPOINT, stdin=token, DATAVAULT_TOKEN="other")
    assert "DATAVAULT_TOKEN in the environment comes first" in done.stderr


def test_a_token_says_whose_it_is(nobody: Terminal) -> None:
    there = Terminal(
        nobody.api,
        nobody.workspace,
        nobody.environment | {"DATAVAULT_ENDPOINT": ENDPOINT, "DATAVAULT_TOKEN": JWT},
    )
    told = there.table("token", "--who")
    assert "subject    ada\n" in told
    assert "expires    2023-11-14 22:13:20Z\n" in told
    assert "It has expired." in told
    claims = claims_of(JWT)
    assert claims is not None
    assert (claims.workspace, claims.roles) == ("ws_1", ("reader",))
    for other in ("", "opaque", "a.b.c", "a.W10.c", "a.bnVsbA.c"):
        assert claims_of(other) is None
    assert "no JWT" in there.fails(1, "token", "--who", DATAVAULT_TOKEN="opaque")


def test_writing_a_profile_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "profiles.toml"
    write_profile(file, "a", Profile(endpoint="https://a"))
    with file.open("a") as more:
        more.write('\n# Mine.\n[b] # b\nendpoint = "https://b"\n\n["c d"]\ntoken = "t"\n')
    write_profile(file, "a", Profile(endpoint="https://a2", token='"\\\x7fü'))
    write_profile(file, "c d", Profile(token="t2"))
    write_profile(file, "e", Profile(token="t3"))
    assert "# Mine.\n[b] # b\n" in file.read_text()
    assert read_profiles(file) == {
        "a": Profile(endpoint="https://a2", token='"\\\x7fü'),
        "b": Profile(endpoint="https://b"),
        "c d": Profile(token="t2"),
        "e": Profile(token="t3"),
    }


def test_what_looks_like_a_heading_and_is_none_loses_no_profile(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text('[a]\ntoken = """x\n[b]\n"""\n[ b ]\ntoken = "t"\n')
    file.chmod(0o600)
    write_profile(file, "b", Profile(token="new"))
    assert read_profiles(file) == {"a": Profile(token="x\n[b]\n"), "b": Profile(token="new")}
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    write_profile(link, "c", Profile(token="t"))
    assert link.is_symlink()
    assert set(read_profiles(file)) == {"a", "b", "c"}
