"""Our AWS clients against boto3: ``uv run python -m tests.benchmarks.clients``.

CPU and wall time of this process for one DynamoDB GetItem, one KMS Decrypt and one 64 KiB range
of an S3 object, on the local cloud, interleaved in one run; medians of batches. Imports are
timed in processes of their own, with ``.pyc``.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from datavault.domain.rows import Key, Put, Table
from datavault.local.cloud import REGION
from tests.contract.played import BUCKET, play_aws

BATCHES = 15
CALLS = 60
WARM_UP_CALLS = 20
IMPORTS = 7
RANGE_BYTES = 64 * 1024

IMPORTED = {
    "wiring (ports, domain, clients)": "import datavault.wiring",
    "  and the three ports built": (
        "from datavault.wiring import AwsVault; v = AwsVault({'AWS_REGION': 'us-east-1',"
        "'AWS_ACCESS_KEY_ID': 'a', 'AWS_SECRET_ACCESS_KEY': 's',"
        "'VAULT_TABLES__CATALOG': 'c', 'VAULT_TABLES__STAGING': 's', 'VAULT_TABLES__LEDGER': 'l',"
        "'VAULT_OBJECTS__BUCKET': 'bucket'}); v.catalog, v.objects._patient, v.keyring"
    ),
    "boto3 with three clients": (
        "import boto3; s = boto3.Session('a', 's', region_name='us-east-1');"
        "[s.client(x) for x in ('dynamodb', 's3', 'kms')]"
    ),
    "botocore.auth": "import botocore.auth",
    "urllib3": "import urllib3",
    "http.client": "import http.client",
    "ssl, default context": "import ssl; ssl.create_default_context()",
    "numpy": "import numpy",
    "msgspec": "import msgspec",
    "pydantic": "from pydantic import BaseModel",
    "obstore": "import obstore",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Microseconds a call: the median of batches."""

    cpu_us: float
    wall_us: float


def main() -> None:
    """Measure and print."""
    with play_aws() as played:
        key = Key(Table.CATALOG, "benchmark", "row")
        played.vault.catalog.put_many([Put(key, {f"a{n}": "x" * 50 for n in range(6)})])
        played.vault.objects.put("benchmark/object", [os.urandom(4 << 20)])
        kek = played.vault.keyring.create(description="benchmark", tags={})
        _, wrapped = played.vault.keyring.generate(kek, {"store": "s"})
        at = {"pk": {"S": key.partition}, "sk": {"S": key.sort}}
        table = played.environment["VAULT_TABLES__CATALOG"]
        extent = f"bytes=65536-{65536 + RANGE_BYTES - 1}"
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "DynamoDB GetItem": (
                lambda: played.vault.catalog.get(key),
                lambda: played.dynamodb.get_item(TableName=table, Key=at, ConsistentRead=True),
            ),
            "KMS Decrypt": (
                lambda: played.vault.keyring.unwrap(kek, wrapped, {"store": "s"}),
                lambda: played.kms.decrypt(
                    KeyId=kek, CiphertextBlob=wrapped, EncryptionContext={"store": "s"}
                ),
            ),
            "S3 GET of 64 KiB": (
                lambda: played.vault.objects.get_range("benchmark/object", 65536, RANGE_BYTES),
                lambda: played.s3.get_object(Bucket=BUCKET, Key="benchmark/object", Range=extent)[
                    "Body"
                ].read(),
            ),
        }
        print(f"{'call':20} {'cpu us':>9} {'boto3':>9} {'ratio':>6} {'wall us':>9} {'boto3':>9}")
        for name, (ours, boto3s) in pairs.items():
            mine, other = _compare(ours, boto3s)
            ratio = mine.cpu_us / other.cpu_us
            print(
                f"{name:20} {mine.cpu_us:9.0f} {other.cpu_us:9.0f} {ratio:6.2f}"
                f" {mine.wall_us:9.0f} {other.wall_us:9.0f}"
            )
    print(f"\n{'import':34} {'cpu ms':>7} {'wall ms':>8}")
    for name, code in IMPORTED.items():
        cpu_ms, wall_ms = _import_ms(code)
        print(f"{name:34} {cpu_ms:7.0f} {wall_ms:8.0f}")


def _compare(ours: Callable[[], object], boto3s: Callable[[], object]) -> tuple[Figure, Figure]:
    for call in (ours, boto3s):
        for _ in range(WARM_UP_CALLS):
            call()
    mine, other = [], []
    for _ in range(BATCHES):
        mine.append(_batch(ours))
        other.append(_batch(boto3s))
    return _median(mine), _median(other)


def _batch(call: Callable[[], object]) -> Figure:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(CALLS):
        call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Figure(cpu / CALLS * 1e6, wall / CALLS * 1e6)


def _median(figures: list[Figure]) -> Figure:
    return Figure(
        statistics.median(figure.cpu_us for figure in figures),
        statistics.median(figure.wall_us for figure in figures),
    )


def _import_ms(code: str) -> tuple[float, float]:
    """CPU and wall time beyond an empty interpreter's."""
    timed = f"import time; cpu, wall = time.process_time(), time.perf_counter(); {code}; "
    timed += "print(time.process_time() - cpu, time.perf_counter() - wall)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "AWS_DEFAULT_REGION": REGION}
    runs = []
    for _ in range(IMPORTS + 1):
        printed = subprocess.run(
            [sys.executable, "-c", timed], env=environment, capture_output=True, check=True
        ).stdout
        cpu_s, wall_s = map(float, printed.split())
        runs.append((cpu_s * 1e3, wall_s * 1e3))
    measured = runs[1:]  # The first one may write the .pyc.
    return statistics.median(cpu for cpu, _ in measured), statistics.median(
        wall for _, wall in measured
    )


if __name__ == "__main__":
    main()
