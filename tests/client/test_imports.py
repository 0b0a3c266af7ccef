"""What importing the client costs: the command waits for it, and services use it."""

import subprocess
import sys

HEAVY = ("httpx", "pydantic", "msgspec", "numpy", "anyio", "click")
# The client talks HTTP; who uses it need not have what the vault is made of.
FOREIGN = ("boto3", "botocore", "obstore", "cryptography", "aws_lambda_powertools")


def modules_after(program: str) -> set[str]:
    program = f"{program}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_client_imports_nothing_heavy() -> None:
    found = modules_after("from datavault.client import Vault, AsyncVault, errors")
    assert not found & {*HEAVY, *FOREIGN}


def test_calling_a_vault_takes_nothing_of_the_vaults_own() -> None:
    program = """
from datavault.client import Behaviour, NO_RETRIES, Vault, errors, record
with Vault(
    endpoint="http://127.0.0.1:1", token="t", behaviour=Behaviour(retries=NO_RETRIES)
) as vault:
    for call in (vault.check_live, lambda: vault.append_records("ds", records=[record({"a": 1})])):
        try:
            call()
        except errors.ConnectionFailed:
            pass
"""
    found = modules_after(program)
    assert {"httpx", "datavault.contracts.records"} <= found
    assert not found & set(FOREIGN)
    assert "numpy" not in found
