"""The offline commands in this process, in a folder of their own."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datavault.cli.main import cli

# Each is found, the last two by the model, and none may be seen unless values are asked for.
CANARIES = {
    "EMAIL_ADDRESS": "canary.bird@example.org",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "US_SSN": "219-09-9999",
    "IP_ADDRESS": "203.0.113.77",
    "PERSON": "Katarina Holmgren",
    "LOCATION": "Utrecht",
}
NAMES = {"PERSON", "LOCATION"}
# Of Linux, for a system call.
PATH_BYTES_MAX = 4096
TEXT = (
    "Write to canary.bird@example.org from 203.0.113.77.\n"
    "Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, SSN 219-09-9999.\n"
    "My name is Katarina Holmgren and I live in Utrecht.\n"
)


@dataclass(frozen=True)
class Desk:
    """A folder with files, and the command given in it."""

    folder: Path

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def beyond_reach(self, name: str) -> None:
        """Have a folder below one that has too long a path to be listed, for root neither."""
        folder = os.open(name, os.O_RDONLY)
        for _ in range(PATH_BYTES_MAX // 250 + 1):
            os.mkdir("d" * 250, dir_fd=folder)
            inner = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.close(folder)

    def run(self, *words: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(cli, words, input=stdin, env={"NO_COLOR": "1"})

    def scan(self, *words: str, stdin: bytes | str = b"", exit_code: int = 0) -> str:
        """What it writes to stdout."""
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        done = self.run("scan", *words, stdin=stdin)
        assert done.exit_code == exit_code, done.output
        return done.stdout

    def found(self, *words: str, stdin: bytes | str = b"") -> list[Any]:
        """What it finds, for programs."""
        told = self.scan(*words, "--output", "jsonl", stdin=stdin)
        return [json.loads(line) for line in told.splitlines()]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)
