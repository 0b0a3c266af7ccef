"""How commands fail: a code from one table, a few words, no trace, and nothing that is secret."""

import os
import subprocess
import sys

import click
import httpx
import pytest
from click import testing
from click.testing import CliRunner

from datavault.cli.exits import BY_CODE, MEANINGS, CommandFailed, Exit, failure_of
from datavault.cli.main import cli
from datavault.client import errors
from datavault.client.checkpoint import Checkpoint
from datavault.contracts.records import RecordIn
from datavault.domain.errors import VaultError
from tests.support.command import DATAVAULT
from tests.unit.cli.conftest import SilentApi, Terminal

# What only operators' commands do, or what is about this machine.
NOT_ON_THE_VAULT = {"demo", "local", "completion", "workspace", "maintenance", "settings", "events"}
OFFLINE = {"scan", "anonymize"}
HEAVY = ("httpx", "pydantic", "msgspec", "numpy", "boto3", "datavault.client", "datavault.wiring")


def commands(group: click.Group, *words: str) -> "list[tuple[tuple[str, ...], click.Command]]":
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, *words, name)
        else:
            found.append(((*words, name), command))
    return found


def test_every_code_of_the_vault_has_its_exit_code() -> None:
    assert set(BY_CODE) == set(errors.BY_CODE)
    for code, kind in errors.BY_CODE.items():
        found = failure_of(kind(400, "a detail"))
        assert found is not None
        assert found.exit_code is BY_CODE[code]
    assert set(MEANINGS) == set(Exit)


def test_every_failure_of_a_call_has_its_exit_code() -> None:
    at = Checkpoint()
    stopped = errors.StreamStopped("x", run="r", checkpoint=at)
    stopped.__cause__ = errors.Throttled(429, "x", retry_after_s=7)
    told: list[tuple[Exception, Exit, str]] = [
        (errors.NotConfigured("x"), Exit.DENIED, "login"),
        (errors.SignInFailed("x"), Exit.DENIED, "x"),
        (errors.ConnectionFailed("x"), Exit.UNAVAILABLE, "x"),
        (errors.ForeignReply(200, "text/html", 5), Exit.FAILED, "root of its API"),
        (errors.BadLine(3, "x", run="r", checkpoint=at), Exit.USAGE, "line 3"),
        (stopped, Exit.UNAVAILABLE, "wait 7 s"),
        (errors.StagingFull(409, "x"), Exit.CONFLICT, "datavault commit"),
        (errors.Corrupt(500, "x", correlation_id="c-1"), Exit.CORRUPT, "c-1"),
        (VaultError("x"), Exit.FAILED, "x"),
        (OSError(2, "No such file", "f"), Exit.FAILED, "No such file"),
        (CommandFailed(Exit.CONFLICT, "x", hint="y"), Exit.CONFLICT, "y"),
    ]
    for error, code, words in told:
        found = failure_of(error)
        assert found is not None
        assert (found.exit_code, words in "\n".join(found.lines)) == (code, True), error
    assert failure_of(KeyError("secret")) is None


def test_a_model_that_does_not_hold_is_told_without_its_value() -> None:
    with pytest.raises(ValueError, match="secret") as raised:
        RecordIn(id=["secret"], data=b"{}")  # type: ignore[arg-type]
    found = failure_of(raised.value)
    assert found is not None
    assert found.lines[0].startswith("id: ")
    assert "secret" not in found.lines[0]


def test_a_defect_is_told_without_a_trace_or_its_words(chats: Terminal) -> None:
    class Broken(SilentApi):
        def _answer(self, request: httpx.Request) -> httpx.Response:
            raise KeyError("secret")

    broken = Terminal(Broken(chats.api.vault), chats.workspace, chats.environment)
    said = broken.fails(1, "log", "chats")
    assert said.startswith("datavault: a defect of the command: KeyError")
    assert "secret" not in said
    done = broken.run("log", "chats", DATAVAULT_DEBUG="1")
    assert isinstance(done.exception, KeyError)


def test_ctrl_c_is_told_and_has_its_code(chats: Terminal) -> None:
    class Interrupted(SilentApi):
        def _answer(self, request: httpx.Request) -> httpx.Response:
            raise KeyboardInterrupt

    there = Terminal(Interrupted(chats.api.vault), chats.workspace, chats.environment)
    assert there.fails(130, "log", "chats") == "\nInterrupted.\n"


def test_nobody_to_ask_is_no_yes(chats: Terminal) -> None:
    said = chats.run("branch", "abandon-commit", "ws", "ds", "main")
    assert (said.exit_code, "Not done." in said.stderr) == (1, True)


def test_help_groups_commands_and_tells_exit_codes() -> None:
    told = CliRunner().invoke(cli, ["--help"]).stdout
    for command in cli.commands.values():
        assert f"  {command.name} " in told
        assert command.get_short_help_str(200) in told, "short enough to be shown whole"
    for code, meaning in MEANINGS.items():
        assert f"{code:>5}  {meaning}\n" in told
    for title in ("Signing in:", "Datasets:", "Records:", "Versions:", "Operators,"):
        assert title in told
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize(("words", "command"), commands(cli), ids=lambda each: str(each))
def test_every_users_command_teaches_by_an_example(
    words: tuple[str, ...], command: click.Command
) -> None:
    told = CliRunner().invoke(cli, [*words, "--help"]).stdout
    assert max(map(len, told.splitlines())) <= 100
    if words[0] not in NOT_ON_THE_VAULT and words != ("branch", "abandon-commit"):
        assert f"datavault {' '.join(words)}" in told.partition("Example")[2], told
        assert ("--profile" in told) is (words[0] not in OFFLINE)


@pytest.mark.parametrize("words", [["--help"], ["put", "--help"], ["completion", "bash"]])
def test_help_and_completion_import_nothing_heavy(words: list[str]) -> None:
    program = f"""
import sys
from datavault.cli.main import cli
cli.main({words!r}, standalone_mode=False)
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.splitlines()[-1].split()) & set(HEAVY)


def test_words_are_completed_without_the_client() -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "_DATAVAULT_COMPLETE": "bash_complete",
        "COMP_WORDS": "datavault bra",
        "COMP_CWORD": "1",
        "PYTHONVERBOSE": "1",
    }
    done = subprocess.run([DATAVAULT], env=environment, capture_output=True, text=True, check=False)
    assert "plain,branch" in done.stdout
    assert "datavault.cli.main" in done.stderr
    assert "datavault.client" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_each_shell(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert (done.exit_code, "_DATAVAULT_COMPLETE" in done.stdout) == (0, True)


def test_a_reader_that_stops_is_no_trouble() -> None:
    """As ``| head`` does; of more than a pipe holds, so that somebody notices."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [DATAVAULT, "settings"], stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_gets_a_table_and_escapes(
    chats: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats.one("put", "chats", stdin='{"id":"a","t":"\x9b31m"}'.encode())
    monkeypatch.setattr(testing._NamedTextIOWrapper, "isatty", lambda _: True, raising=False)
    assert chats.run("get", "chats").stdout == '{"id":"a","t":"\\u009b31m"}\n'
    assert chats.run("ls", "chats").stdout.startswith("RECORD  BYTES")
