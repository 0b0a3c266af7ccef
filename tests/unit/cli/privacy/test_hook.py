"""The hook for pre-commit: its entry, run as pre-commit runs it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.privacy.conftest import Desk

ROOT = Path(__file__).parents[4]


TOKEN = "ghp_" + "aB3dE5fG7h" * 3 + "iJ9kL1"
LOCATORS = (
    f"https://x.example/cb?access_token={TOKEN}",
    "https://x.example.com/v1?api_key=sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "mysql://db.example.com:3306/app?user=app&password=tr0ub4dor-and-3",
)


@pytest.mark.parametrize("locator", LOCATORS)
def test_a_secret_in_a_locator_is_found_like_any_other(desk: Desk, locator: str) -> None:
    name = desk.write("c.py", f'url = "{locator}"\n')
    done = desk.run("scan", name, "--tier", "patterns", "--fail-on", "SECRET")
    assert done.exit_code == 11, done.output
    assert locator[-8:] not in done.output


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
