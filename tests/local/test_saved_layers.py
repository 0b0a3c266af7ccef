"""A cloud with state saves what layers hold once, and has it again afterwards."""

import os
from pathlib import Path

from datavault.local.cloud import LocalCloud
from tests.local.rig import Function, archive, deploy_function

USES_LAYER = "import shared\ndef handler(event, context): return shared.WORD"


def test_a_layer_is_saved_once_however_often_it_was_published(tmp_path: Path) -> None:
    # Hex does not compress in an archive of stored files, so that its size shows.
    noise = os.urandom(2**20).hex()
    content = archive({"python/shared.py": f"WORD = 'layer'\nNOISE = '{noise}'\n"})
    with LocalCloud.start(state=tmp_path) as cloud:
        client = cloud.boto3("lambda")
        versions = [
            client.publish_layer_version(LayerName=name, Content={"ZipFile": content})
            for name in ("one", "two", "two")
        ]
        arn = versions[1]["LayerVersionArn"]
        name = deploy_function(cloud, USES_LAYER, Layers=[arn]).name
    saved = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert len(content) < saved < 1.5 * len(content)
    for _ in range(2):
        with LocalCloud.start(state=tmp_path) as cloud:
            assert Function(cloud, name).call().payload == "layer"
            for version in versions:
                kept = cloud.boto3("lambda").get_layer_version_by_arn(
                    Arn=version["LayerVersionArn"]
                )
                assert kept["Content"]["CodeSha256"] == version["Content"]["CodeSha256"]
