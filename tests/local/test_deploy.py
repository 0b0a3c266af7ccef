"""An assembly is deployed in order, once, and says what failed."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from datavault.local.assembly import stacks, zip_directory
from datavault.local.cloud import LocalCloud
from datavault.local.deploy import DeploymentFailed, deploy
from tests.local.rig import Function

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


class AssemblyOnDisk:
    """Writes what ``cdk synth`` would, in the parts that a deployment reads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.artifacts: dict[str, Any] = {}
        self.run = uuid4().hex[:8]

    def stack(
        self,
        name: str,
        template: Mapping[str, Any],
        *,
        after: tuple[str, ...] = (),
        directories: Mapping[str, Path] | None = None,
    ) -> str:
        text = json.dumps(template)
        (self.root / f"{name}.template.json").write_text(text)
        key = hashlib.sha256(text.encode()).hexdigest() + ".json"
        files = {key: self._file(f"{name}.template.json", "file", key)}
        for asset, directory in (directories or {}).items():
            files[asset] = self._file(
                str(directory.relative_to(self.root)), "zip", f"{self.run}{asset}.zip"
            )
        (self.root / f"{name}.assets.json").write_text(json.dumps({"files": files}))
        self.artifacts[f"{name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {"file": f"{name}.assets.json"},
        }
        self.artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {
                "templateFile": f"{name}.template.json",
                "stackName": f"{name}-{self.run}",
                "stackTemplateAssetObjectUrl": f"s3://{BUCKET}/{key}",
            },
            "dependencies": [*after, f"{name}.assets"],
        }
        (self.root / "manifest.json").write_text(json.dumps({"artifacts": self.artifacts}))
        return f"{name}-{self.run}"

    @staticmethod
    def _file(path: str, packaging: str, key: str) -> dict[str, Any]:
        place = {"bucketName": BUCKET, "objectKey": key}
        return {
            "source": {"path": path, "packaging": packaging},
            "destinations": {"current": place},
        }


@pytest.fixture
def assembly(tmp_path: Path) -> AssemblyOnDisk:
    return AssemblyOnDisk(tmp_path)


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


def test_stacks_are_deployed_in_order_with_parameters_and_assets(
    cloud: LocalCloud, assembly: AssemblyOnDisk
) -> None:
    code = assembly.root / "asset.code"
    code.mkdir()
    (code / "app.py").write_text(
        "import os\ndef handler(event, context): return os.environ['NAME']"
    )
    export = f"shared-{assembly.run}"
    app = assembly.stack(
        "App",
        {
            "Parameters": {"Suffix": {"Type": "String"}},
            "Resources": {
                "F": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Runtime": "python3.13",
                        "Handler": "app.handler",
                        "Role": "arn:aws:iam::000000000000:role/r",
                        "Code": {
                            "S3Bucket": {"Fn::Sub": BUCKET},
                            "S3Key": f"{assembly.run}code.zip",
                        },
                        "Environment": {
                            "Variables": {
                                "NAME": {
                                    "Fn::Join": [
                                        "",
                                        [{"Fn::ImportValue": export}, {"Ref": "Suffix"}],
                                    ]
                                }
                            }
                        },
                    },
                }
            },
            "Outputs": {"Function": {"Value": {"Ref": "F"}}},
        },
        after=("Base",),
        directories={"code": code},
    )
    output = {"Name": {"Value": "base", "Export": {"Name": export}}}
    base = assembly.stack("Base", {**bucket(), "Outputs": output})

    def run() -> dict[str, dict[str, str]]:
        return deploy(assembly.root, client=cloud.boto3, parameters={app: {"Suffix": "-local"}})

    made = run()
    assert [*made] == [base, app]
    assert made[base] == {"Name": "base"}
    assert Function(cloud, made[app]["Function"]).call().payload == "base-local"
    before = time.monotonic()
    assert run() == made
    assert time.monotonic() - before < 1


def test_a_changed_template_updates_its_stack_alone(
    cloud: LocalCloud, assembly: AssemblyOnDisk
) -> None:
    same, changed = assembly.stack("Same", bucket()), assembly.stack("Changed", bucket())
    deploy(assembly.root, client=cloud.boto3)
    assembly.stack("Changed", bucket(VersioningConfiguration={"Status": "Enabled"}))
    deploy(assembly.root, client=cloud.boto3)
    client = cloud.boto3("cloudformation")
    status = {
        name: client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        for name in (same, changed)
    }
    assert status == {same: "CREATE_COMPLETE", changed: "UPDATE_COMPLETE"}


def test_a_changed_parameter_updates_its_stack(cloud: LocalCloud, assembly: AssemblyOnDisk) -> None:
    template = {
        "Parameters": {"Word": {"Type": "String", "Default": "none"}},
        **bucket(),
        "Outputs": {"Word": {"Value": {"Ref": "Word"}}},
    }
    name = assembly.stack("Worded", template)
    words = [
        deploy(assembly.root, client=cloud.boto3, parameters={name: {"Word": word}})[name]["Word"]
        for word in ("one", "two")
    ]
    assert words == ["one", "two"]


def test_a_failure_names_the_resource_and_the_reason_and_can_be_mended(
    cloud: LocalCloud, assembly: AssemblyOnDisk
) -> None:
    taken = f"taken-{assembly.run}"
    cloud.boto3("s3").create_bucket(Bucket=taken)
    assembly.stack("Clash", bucket(BucketName=taken))
    with pytest.raises(DeploymentFailed, match=r"B \(AWS::S3::Bucket\): .*exists"):
        deploy(assembly.root, client=cloud.boto3)
    name = assembly.stack("Clash", bucket())
    assert deploy(assembly.root, client=cloud.boto3) == {name: {}}


def test_an_assembly_with_a_cycle_is_refused(assembly: AssemblyOnDisk) -> None:
    assembly.stack("One", bucket(), after=("Two",))
    assembly.stack("Two", bucket(), after=("One",))
    with pytest.raises(ValueError, match="cycle"):
        stacks(assembly.root)


def test_equal_directories_make_equal_archives(tmp_path: Path) -> None:
    for name, order in (("one", "ab"), ("two", "ba")):
        for letter in order:
            (tmp_path / name / letter).mkdir(parents=True)
            (tmp_path / name / letter / "f").write_text(letter)
            time.sleep(0.01)
    assert zip_directory(tmp_path / "one") == zip_directory(tmp_path / "two")
