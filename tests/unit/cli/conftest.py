"""The command in this process, against a vault in memory through the real handlers."""

import contextlib
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from datavault.adapters.memory.vault import MemoryVault
from datavault.cli.main import cli
from datavault.client import Vault
from datavault.domain.ids import WorkspaceId
from datavault.ports import Claims
from datavault.services.workspaces import create_workspace
from tests.support.builders import OPERATOR
from tests.support.in_process import InProcessApi

ENDPOINT = "http://127.0.0.1:4566/live"


class SilentApi(InProcessApi):
    """Keeps what functions print, their metrics, out of what the command writes."""

    def __init__(self, vault: MemoryVault) -> None:
        super().__init__(vault)
        self._redirecting = threading.Lock()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._redirecting, self.silence():
            return super()._answer(request)

    def silence(self) -> contextlib.redirect_stdout[io.StringIO]:
        """Whatever prints meanwhile prints to nowhere."""
        return contextlib.redirect_stdout(io.StringIO())


@dataclass(frozen=True)
class Terminal:
    """Somebody's environment, in which commands are given."""

    api: InProcessApi
    workspace: WorkspaceId
    environment: dict[str, str]

    def run(self, *words: str, stdin: bytes = b"", **environment: str) -> Result:
        return CliRunner().invoke(
            cli, words, input=stdin, obj=self.api, env={**self.environment, **environment}
        )

    def table(self, *words: str) -> str:
        """What a command that succeeds shows to people."""
        done = self.run(*words, DATAVAULT_OUTPUT="table")
        assert done.exit_code == 0, done.output
        return done.stdout

    def lines(self, *words: str, stdin: bytes = b"") -> list[Any]:
        """What a command that succeeds writes for machines."""
        done = self.run(*words, stdin=stdin)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one(self, *words: str, stdin: bytes = b"") -> Any:
        (found,) = self.lines(*words, stdin=stdin)
        return found

    def fails(self, exit_code: int, *words: str, stdin: bytes = b"", **environment: str) -> str:
        """What a command says that ends with ``exit_code``."""
        done = self.run(*words, stdin=stdin, **environment)
        assert done.exit_code == exit_code, done.output
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.stderr

    def token(self, *roles: str, subject: str = "ada") -> str:
        expires_s = self.api.vault.clock.now_ms() // 1000 + 900
        return self.api.vault.tokens.issue(
            Claims(subject, self.workspace, roles, mfa=False, expires_s=expires_s)
        )

    def vault(self) -> Vault:
        """The same vault through the client."""
        return Vault(
            endpoint=ENDPOINT, token=self.environment["DATAVAULT_TOKEN"], transport=self.api
        )


@pytest.fixture
def nobody(tmp_path: Path) -> Terminal:
    """Somebody who has not signed in."""
    api = SilentApi(MemoryVault())
    workspace = create_workspace(api.vault, operator=OPERATOR, name="acme", stage="test").id
    environment = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "NO_COLOR": "1",
    }
    unset = ("ENDPOINT", "TOKEN", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "PROFILE", "PROFILES")
    cleared = {f"DATAVAULT_{name}": "" for name in (*unset, "OUTPUT")}
    return Terminal(api, workspace, {**environment, **cleared})


@pytest.fixture
def terminal(nobody: Terminal) -> Terminal:
    """An admin who has signed in."""
    signed_in = {"DATAVAULT_ENDPOINT": ENDPOINT, "DATAVAULT_TOKEN": nobody.token("admin")}
    return Terminal(nobody.api, nobody.workspace, {**nobody.environment, **signed_in})


@pytest.fixture
def chats(terminal: Terminal) -> Terminal:
    """A terminal, and a dataset called chats whose records have ids."""
    terminal.one("dataset", "create", "chats", "--record-key", "id")
    return terminal


Put = Callable[..., Any]


@pytest.fixture
def put(chats: Terminal) -> Put:
    """Put records, given as JSON texts, into a branch of chats and commit them."""

    def given(*records: str, branch: str = "main", message: str = "") -> Any:
        words = ("put", "chats", "--commit", "-m", message or "Put", "-b", branch)
        return chats.one(*words, stdin="\n".join(records).encode())

    return given
