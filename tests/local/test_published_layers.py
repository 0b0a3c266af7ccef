"""A layer that several stacks publish is the same for each; only the first has it hashed."""

import base64
import hashlib
import subprocess
import sys
from typing import Any
from uuid import uuid4

from datavault.local.cloud import LocalCloud
from tests.local.rig import archive, deploy_function, deploy_stack

USES_LAYER = "import shared\ndef handler(event, context): return shared.WORD"
# The emulator's own code, in a process of its own: what it hashes is not to be seen from outside.
COUNTS_HASHES = """
import hashlib
from ministack.services import s3
from ministack.services.cloudformation import provisioners
from datavault.local.shims import published_layers

published_layers.install()
s3._create_bucket("layers", b"")
s3._put_object("layers", "k", bytes(2**21), {})
sha256, hashed = hashlib.sha256, []
hashlib.sha256 = lambda content=b"": hashed.append(len(content)) or sha256(content)
create = provisioners._RESOURCE_HANDLERS["AWS::Lambda::LayerVersion"]["create"]
for stack in ("one", "two", "three"):
    create("Layer", {"Content": {"S3Bucket": "layers", "S3Key": "k"}}, stack)
print(hashed.count(2**21))
"""


def test_a_layer_is_what_its_stack_says_whoever_published_it_before(cloud: LocalCloud) -> None:
    bucket = _bucket(cloud)
    contents = {word: archive({"python/shared.py": f"WORD = {word!r}"}) for word in ("one", "two")}
    # Of one size, so that only their bytes tell them apart.
    assert len(contents["one"]) == len(contents["two"])
    # The same object twice, the same bytes in another object, other bytes in the same object.
    for key, word in (("a", "one"), ("a", "one"), ("b", "one"), ("a", "two")):
        cloud.boto3("s3").put_object(Bucket=bucket, Key=key, Body=contents[word])
        arn = _publish(cloud, bucket, key)
        kept = cloud.boto3("lambda").get_layer_version_by_arn(Arn=arn)["Content"]
        digest = hashlib.sha256(contents[word]).digest()
        assert kept["CodeSha256"] == base64.b64encode(digest).decode()
        assert kept["CodeSize"] == len(contents[word])
        assert deploy_function(cloud, USES_LAYER, Layers=[arn]).call().payload == word


def test_a_layer_is_hashed_once_however_many_stacks_publish_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTS_HASHES], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def _bucket(cloud: LocalCloud) -> str:
    name = f"b-{uuid4().hex}"
    cloud.boto3("s3").create_bucket(Bucket=name)
    return name


def _publish(cloud: LocalCloud, bucket: str, key: str) -> str:
    """Make a layer version by a stack of its own and return its ARN."""
    content = {"S3Bucket": bucket, "S3Key": key}
    layer: Any = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": content}}
    return deploy_stack(cloud, {"L": layer}, Arn={"Ref": "L"})["Arn"]
