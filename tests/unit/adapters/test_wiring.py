"""What the environment may say, and what is built of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from datavault.adapters.oidc.tokens import LIFETIME_S_MAX
from datavault.local.serve import TOKEN_LIFETIME_S
from datavault.wiring import AwsVault, Settings, vault

ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "SECRET",
    "VAULT_STAGE": "test",
    "VAULT_TABLES__CATALOG": "c",
    "VAULT_TABLES__STAGING": "s",
    "VAULT_TABLES__LEDGER": "l",
    "VAULT_OBJECTS__BUCKET": "b",
    "VAULT_ISSUER__URL": "https://issuer",
    "VAULT_ISSUER__AUDIENCE": "datavault",
    "VAULT_ISSUER__JWKS_URL": "https://issuer/keys",
    "VAULT_ISSUER__CLAIMS__WORKSPACE": "custom:workspace",
    "VAULT_ISSUER__LIFETIME_S_MAX": "900",
    "VAULT_AWS__READ_S": "2.5",
    "VAULT_LIMITS__KEYS_MAX": "7",
    "PATH": "/bin",
}


def test_the_environment_names_sections_and_fields() -> None:
    settings = Settings.read(ENVIRONMENT)
    assert settings.stage == "test"
    assert settings.tables is not None
    assert settings.tables.ledger == "l"
    assert settings.issuer is not None
    assert settings.issuer.claims.workspace == "custom:workspace"
    assert settings.issuer.claims.subject == "sub"
    assert settings.issuer.lifetime_s_max == 900
    assert (settings.aws.connect_s, settings.aws.read_s) == (1.0, 2.5)
    assert settings.limits.keys_max == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VAULT_TABELS__CATALOG", "c"),
        ("VAULT_TABLES__CATALOGUE", "c"),
        ("VAULT_ISSUER__CLAIMS__ROLE", "roles"),
        ("VAULT_STAGE", ""),
        ("VAULT_AWS__READ_S", "soon"),
        ("VAULT_AWS__READ_S", "0"),
        ("VAULT_LIMITS__KEYS_MAX", "-1"),
        ("VAULT_ISSUER__LIFETIME_S_MAX", "-1"),
        ("VAULT_STAGE__NAME", "x"),
        ("VAULT_OBJECTS", "b"),
    ],
)
def test_what_is_misspelt_or_out_of_bounds_is_refused(name: str, value: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Settings.read(ENVIRONMENT | {name: value})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "prod.toml"
    file.write_text(
        'stage = "prod"\n[tables]\ncatalog = "c"\nstaging = "s"\nledger = "l"\n[aws]\nread_s = 3\n'
    )
    settings = Settings.read({"VAULT_FILE": str(file), "VAULT_TABLES__LEDGER": "mine"})
    assert settings.stage == "prod"
    assert settings.tables is not None
    assert (settings.tables.catalog, settings.tables.ledger) == ("c", "mine")
    assert settings.aws.read_s == 3.0


def test_a_port_is_built_once_and_only_when_used() -> None:
    built = AwsVault(ENVIRONMENT)
    assert built.catalog is built.catalog
    assert built.objects is built.objects
    assert built.tokens is built.tokens
    bare = AwsVault({})
    assert bare.clock.now_ms() > 0
    with pytest.raises(ValueError, match="VAULT_TABLES is not set"):
        _ = bare.catalog
    with pytest.raises(ValueError, match="AWS_REGION is not set"):
        _ = bare.keyring


def test_a_token_may_last_by_default_as_long_as_a_local_issuer_makes_it() -> None:
    unset = {name: ENVIRONMENT[name] for name in ENVIRONMENT if "LIFETIME" not in name}
    settings = Settings.read(unset)
    assert settings.issuer is not None
    assert settings.issuer.lifetime_s_max == TOKEN_LIFETIME_S == LIFETIME_S_MAX


def test_a_process_has_one_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    vault.cache_clear()
    try:
        assert vault() is vault()
        assert vault().settings.stage == "test"
    finally:
        vault.cache_clear()


def test_importing_and_building_loads_nothing_heavy() -> None:
    code = (
        "import sys; from datavault.wiring import AwsVault;"
        f"v = AwsVault({ENVIRONMENT!r}); v.catalog, v.objects, v.keyring, v.clock;"
        "print(*sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"boto3", "botocore", "urllib3", "requests", "pydantic", "pydantic_settings", "jwt"}
    assert heavy.isdisjoint(printed.stdout.split())
