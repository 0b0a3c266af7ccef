"""A cloud starts, stays on loopback, keeps what it is told to keep and leaves nothing."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from datavault.local.cloud import CloudFailed, LocalCloud, Permissions
from tests.local.rig import Function, deploy_function, deploy_stack, request
from tests.local.test_api_gateway import AUTHORIZER, ECHO, api_resources

SLEEPER = "import time\ndef handler(event, context): time.sleep(event)"


def members(group: int) -> list[int]:
    """The processes of a group, read from /proc so that no tool is needed."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def becomes(condition: Callable[[], bool], *, within_s: float = 30) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def group_of(cloud: LocalCloud) -> int:
    return cloud._process.pid


def test_a_stopped_cloud_leaves_no_process_and_no_file() -> None:
    with LocalCloud.start() as cloud:
        sleeper = deploy_function(cloud, SLEEPER, Timeout=60)
        cloud.boto3("lambda").invoke(
            FunctionName=sleeper.name, InvocationType="Event", Payload=b"50"
        )
        assert becomes(lambda: len(members(group_of(cloud))) == 2)
        home, group = cloud.home, group_of(cloud)
    assert members(group) == []
    assert not home.exists()


def test_a_cloud_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    source = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from datavault.local.cloud import LocalCloud\n"
        f"cloud = LocalCloud.start(state=Path({str(tmp_path)!r}))\n"
        "print(cloud._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        group = int(owner.stdout.readline())
        assert members(group)
        owner.send_signal(signal.SIGKILL)
    assert becomes(lambda: not members(group))


def test_a_cloud_answers_on_loopback_only(cloud: LocalCloud) -> None:
    port = int(cloud.endpoint.rsplit(":", 1)[1])
    listening = [
        line.split()[1].split(":")
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in io.StringIO(Path(table).read_text()).readlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert [address for address, where in listening if int(where, 16) == port] == ["0100007F"]


def test_clouds_run_side_by_side(cloud: LocalCloud) -> None:
    name = f"bucket-{uuid4().hex}"
    with LocalCloud.start() as other:
        other.boto3("s3").create_bucket(Bucket=name)
        assert other.endpoint != cloud.endpoint
        buckets = cloud.boto3("s3").list_buckets()["Buckets"]
        assert name not in [bucket["Name"] for bucket in buckets]


def test_a_taken_port_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        LocalCloud.start(port=taken.getsockname()[1])


def test_a_cloud_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("not a directory")
    with pytest.raises(CloudFailed, match="FileExistsError"):
        LocalCloud.start(state=tmp_path)


def test_an_endpoint_in_the_environment_reaches_no_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://192.0.2.1")
    with LocalCloud.start() as other:
        probe = deploy_function(
            other, "import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL']"
        )
        assert probe.call().payload == other.endpoint


def fill(cloud: LocalCloud) -> dict[str, Any]:
    """Put one thing of each kind into a cloud."""
    bucket, table = f"bucket-{uuid4().hex}", f"table-{uuid4().hex}"
    s3, dynamodb, kms = (cloud.boto3(each) for each in ("s3", "dynamodb", "kms"))
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a/é", Body=b"0123456789", Metadata={"m": "1"})
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=table, Item={"p": {"S": "k"}, "b": {"B": b"\0\xff"}})
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    echo, authorizer = deploy_function(cloud, ECHO), deploy_function(cloud, AUTHORIZER)
    api = deploy_stack(
        cloud,
        {
            **api_resources(echo.arn, authorizer.arn),
            "Locked": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": f"locked-{uuid4().hex}",
                    "ObjectLockEnabled": True,
                },
            },
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"SecretString": "hidden"},
            },
        },
        ApiId={"Ref": "Api"},
        Locked={"Ref": "Locked"},
        Secret={"Ref": "Secret"},
    )
    return {"bucket": bucket, "table": table, "blobs": (old, new), "echo": echo.name, **api}


def test_a_restart_with_state_keeps_everything(tmp_path: Path) -> None:
    with LocalCloud.start(state=tmp_path) as cloud:
        made = fill(cloud)
        endpoint, token_key = cloud.endpoint, cloud.issuer.key_id
    with LocalCloud.start(state=tmp_path) as cloud:
        assert (cloud.endpoint, cloud.issuer.key_id) == (endpoint, token_key)
        s3, dynamodb, kms = (cloud.boto3(each) for each in ("s3", "dynamodb", "kms"))
        read = s3.get_object(Bucket=made["bucket"], Key="a/é")
        assert (read["Body"].read(), read["Metadata"]) == (b"0123456789", {"m": "1"})
        ranged = s3.get_object(Bucket=made["bucket"], Key="a/é", Range="bytes=2-4")
        assert ranged["Body"].read() == b"234"
        row = dynamodb.get_item(TableName=made["table"], Key={"p": {"S": "k"}})["Item"]
        assert row["b"] == {"B": b"\0\xff"}
        opened = [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in made["blobs"]]
        assert opened == [b"old", b"new"]
        assert Function(cloud, made["echo"]).call({"headers": {}}).payload["statusCode"] == 200
        base = cloud.api_url(made["ApiId"], "local")
        assert request(f"{base}/records/a%2Fb").json()["pathParameters"] == {"record_id": "a%2Fb"}
        assert request(f"{base}/guarded/x").json()["code"] == "unauthenticated"
        secret = cloud.boto3("secretsmanager").get_secret_value(SecretId=made["Secret"])
        assert secret["SecretString"] == "hidden"
        lock = s3.get_object_lock_configuration(Bucket=made["Locked"])
        assert lock["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
        stacks = cloud.boto3("cloudformation").describe_stacks()["Stacks"]
        assert [each["StackStatus"] for each in stacks] == ["CREATE_COMPLETE"]


def test_the_state_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "state"
    with LocalCloud.start(state=home):
        assert os.stat(home).st_mode & 0o077 == 0
        assert os.stat(home / "issuer.pem").st_mode & 0o077 == 0


def test_enforced_permissions_stop_a_function_that_its_role_does_not_allow() -> None:
    reader = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    return len(boto3.client('s3').list_buckets()['Buckets'])"
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    with LocalCloud.start(permissions=Permissions.ENFORCED) as cloud:
        iam = cloud.boto3("iam")
        roles = {
            name: iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=policy({**trust, "Action": "sts:AssumeRole"}),
            )["Role"]["Arn"]
            for name in ("may", "may-not")
        }
        iam.put_role_policy(RoleName="may", PolicyName="list", PolicyDocument=policy(allowed))
        called = {
            name: deploy_function(cloud, reader, Role=arn).call() for name, arn in roles.items()
        }
    assert called["may"].payload == 0
    assert "AccessDenied" in called["may-not"].payload["errorMessage"]


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} .* cannot be taken"):
            LocalCloud.start(port=port)
