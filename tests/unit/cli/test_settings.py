"""Settings on the command line, and README's table of them."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from datavault import wiring
from datavault.cli.main import cli, main
from datavault.cli.settings import settings_table

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that a test makes are gone afterwards."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_readme_has_the_table_as_it_is() -> None:
    told = "README's table of settings is not the model's: uv run datavault settings"
    assert settings_table() in README.read_text(), told


def test_every_setting_says_what_it_is_and_is_one() -> None:
    rows = [line.split(" | ") for line in settings_table().splitlines()[3:]]
    assert len(rows) > 20
    for name, _, text in rows:
        assert len(text) > 5
        with suppress(ValueError):
            wiring.Settings.read({name.strip("| `"): "1"})
            continue
        # It is known, and only the rest of its section is missing.
        with pytest.raises(ValueError, match="missing required field"):
            wiring.Settings.read({name.strip("| `"): "1"})


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dev.toml"
    file.write_text('stage = "file"\n[limits]\nkeys_max = 1\ncommits_max = 1\nnodes_bytes_max = 1')
    os.environ |= {"VAULT_STAGE": "environment", "VAULT_LIMITS__KEYS_MAX": "2"}
    words = ["--config", str(file), "--set", "limits.keys_max=3", "settings"]
    assert CliRunner().invoke(cli, words).exit_code == 0
    settings = wiring.Settings.read(os.environ)
    assert settings.stage == "environment"
    assert (settings.limits.keys_max, settings.limits.commits_max) == (3, 1)
    assert settings.aws.connect_s == 1.0


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("tables.catalogue=canary", "VAULT_TABLES__CATALOGUE is no setting"),
        ("tabels.catalog=canary", "VAULT_TABELS is no setting"),
        ("aws.read_s=canary", "VAULT_AWS__READ_S"),
        ("issuer.claims.role=canary", "VAULT_ISSUER__CLAIMS__ROLE is no setting"),
    ],
)
def test_a_setting_that_is_not_one_is_named_and_its_value_is_not(
    given: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["VAULT_STAGE"] = "dev"
    monkeypatch.setattr(sys, "argv", ["datavault", "--set", given, "maintenance", "status"])
    wiring.vault.cache_clear()
    with pytest.raises(SystemExit) as ended:
        main()
    wiring.vault.cache_clear()
    told = capsys.readouterr().err
    assert (ended.value.code, name in told, "canary" in told) == (1, True, False), told


def test_what_has_no_value_is_wrong_usage() -> None:
    done = CliRunner().invoke(cli, ["--set", "canary", "settings"])
    assert (done.exit_code, "canary" in done.output) == (2, False)
