"""The Python client against the deployed API: over real connections, with real tokens."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from datavault.client import AsyncVault, ClientCredentials, Vault, errors, record
from datavault.local.grants import make_client
from tests.e2e.deployment import Deployment, Person, Tenant

AWKWARD = [".", "..", "a/b", "100%", "%2F", "ü", "?x=1#y", "a b", "+", "日本"]
ODD = b'{ "id" : "odd", "n":1.0,"e":1E5, "s":"\\u00e9\\/" }'


def numbered(count: int) -> list[bytes]:
    return [b'{"id":"k%05d","n":%d}' % (n, n) for n in range(count)]


def test_a_session(admin: Person) -> None:
    with Vault(endpoint=admin.tenant.deployment.api_url, token=admin.token) as vault:
        dataset = vault.create_dataset(name="chats", record_key="id")
        lines = [*numbered(1200), ODD]
        done = vault.append_stream(dataset.id, io.BytesIO(b"\n".join(lines)), run="may")
        assert (done.records, done.batches) == (1201, 2)
        first = vault.create_commit(dataset.id, message="May")
        assert (first.records, first.added) == (1201, 1201)
        again = vault.append_stream(dataset.id, io.BytesIO(b"\n".join(lines)), run="may")
        assert again.records == 1201
        vault.delete_record(dataset.id, "odd")
        assert list(vault.iter_records_as_lines(dataset.id, ref=first.id)) == lines
        assert list(vault.iter_records_as_lines(dataset.id, page_size=500)) == lines[:-1]
        found = vault.get_record(dataset.id, "odd", ref=first.id)
        assert (found.text, found.staged) == (ODD, False)
        with pytest.raises(errors.NotFound) as raised:
            vault.get_record(dataset.id, "odd", correlation_id="mine-1")
        assert raised.value.correlation_id == "mine-1"
        with pytest.raises(errors.BadLine) as bad:
            vault.append_stream(dataset.id, [b'{"id":"a"}', b'{"id":'])
        assert bad.value.line == 2


def test_any_id_goes_through_the_gateway(admin: Person) -> None:
    with Vault(endpoint=admin.tenant.deployment.api_url, token=admin.token) as vault:
        dataset = vault.create_dataset(name="odd")
        for name in AWKWARD:
            given = record(b'{"n":1.50}', id=name)
            assert vault.append_records(dataset.id, records=[given]).ids == [name]
            assert vault.get_record(dataset.id, name).text == b'{"n":1.50}'
        found = {each.id for each in vault.iter_records(dataset.id, page_size=3)}
        assert found == set(AWKWARD)


def test_threads_share_connections(admin: Person) -> None:
    with (
        Vault(endpoint=admin.tenant.deployment.api_url, token=admin.token) as vault,
        ThreadPoolExecutor(4) as threads,
    ):
        names = [f"part {number}" for number in range(8)]
        list(threads.map(lambda name: vault.create_dataset(name=name), names))
        assert sorted(each.name for each in vault.iter_datasets()) == names


def test_awaited_calls(admin: Person) -> None:
    async def main() -> None:
        endpoint = admin.tenant.deployment.api_url
        async with AsyncVault(endpoint=endpoint, token=admin.token) as vault:
            dataset = await vault.create_dataset(name="chats", record_key="id")
            done = await vault.append_stream(dataset.id, numbered(2500))
            assert done.batches == 3
            await vault.create_commit(dataset.id)
            found = [each async for each in vault.iter_records_as_lines(dataset.id)]
            assert found == numbered(2500)
            with pytest.raises(errors.NotFound):
                await vault.get_record(dataset.id, "nobody")

    anyio.run(main)


def test_a_service_signs_in_by_itself(deployed: Deployment, tenant: Tenant) -> None:
    issuer = deployed.cloud.issuer
    client = make_client(issuer, workspace=tenant.id, roles=["reader"], subject="pipeline")
    credentials = ClientCredentials(issuer.token_url, client.id, client.secret)
    with Vault(endpoint=deployed.api_url, credentials=credentials) as vault:
        assert vault.list_datasets().data == []
        with pytest.raises(errors.Denied):
            vault.create_dataset(name="chats")
    wrong = ClientCredentials(issuer.token_url, client.id, "wrong")
    with (
        Vault(endpoint=deployed.api_url, credentials=wrong) as vault,
        pytest.raises(errors.SignInFailed, match="401"),
    ):
        vault.list_datasets()
    with (
        Vault(endpoint=deployed.api_url, token="wrong") as vault,
        pytest.raises(errors.Unauthenticated),
    ):
        vault.list_datasets()


SCRIPT = """
from datavault.client import Vault
with Vault() as vault:
    print([each.name for each in vault.iter_datasets()])
"""


def test_a_script_needs_no_more_than_a_profile(admin: Person, tmp_path: Path) -> None:
    admin.dataset("chats")
    file = tmp_path / "datavault" / "profiles.toml"
    file.parent.mkdir()
    endpoint = admin.tenant.deployment.api_url
    file.write_text(f'[default]\nendpoint = "{endpoint}"\ntoken = "{admin.token}"\n')
    file.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("['chats']\n", "")
