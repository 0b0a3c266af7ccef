"""The hook for pre-commit: its entry, run as pre-commit runs it."""

import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from tests.unit.cli.privacy.conftest import Desk

ROOT = Path(__file__).parents[4]


def test_the_hook_refuses_a_secret_and_lets_the_rest_pass(desk: Desk) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    command, *words = shlex.split(hook["entry"])
    entry = [str(Path(sys.executable).with_name(command)), *words]
    secret = "AKIA" + "QYLPMN5HHHFPZAM2"
    clean, dirty = (
        desk.write("a.py", "print('jo@example.org')\n"),
        desk.write("b.py", f'k = "{secret}"'),
    )
    for files, exit_code in (([clean], 0), ([clean, dirty], 11)):
        done = subprocess.run([*entry, *files], capture_output=True, text=True, check=False)
        assert done.returncode == exit_code, done.stderr
        assert secret not in done.stdout + done.stderr
    assert "b.py:1:6: SECRET (" in done.stdout
    assert hook["language"] == "python"
