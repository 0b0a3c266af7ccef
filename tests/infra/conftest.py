"""All stages, synthesized once, as plain dictionaries.

The archives are stand-ins: what is in a layer is `test_layers`' concern. The validators are off
but for one test, which runs in a process of its own.
"""

import fcntl
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# The CDK's Node process reads it when it starts, which is when the CDK is imported.
os.environ["CDK_VALIDATION"] = "false"

from infra import app as entry
from infra.layers import Archives
from infra.names import Row
from infra.stages import Stage
from layers import build

type Json = dict[str, Any]

STAGES = ("local", "dev", "staging", "prod")


@dataclass(frozen=True, slots=True)
class Assembly:
    """The templates of one stage."""

    stage: Stage
    folder: Path

    def stacks(self) -> dict[str, Json]:
        """All templates, by group."""
        return _templates(self.folder, f"DataVault-{self.stage.name}-")

    def resources(self, kind: str, group: str | None = None) -> dict[str, Json]:
        """The resources of a type, by logical id, in one group or all."""
        return {
            f"{name}/{logical_id}": resource
            for name, template in self.stacks().items()
            if group in {None, name}
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def function(self, row: Row) -> Json:
        """The properties of a row's function."""
        wanted = f"datavault-{self.stage.name}-{row.name.replace('_', '-')}"
        (found,) = (
            resource["Properties"]
            for resource in self.resources("AWS::Lambda::Function").values()
            if resource["Properties"]["FunctionName"] == wanted
        )
        properties: Json = found
        return properties

    def statements(self, row: Row) -> dict[str, Json]:
        """What the role of a row's function allows, by ``Sid``, as plain text."""
        role_id = self.function(row)["Role"]["Fn::GetAtt"][0]
        (role,) = (
            resource["Properties"]
            for name, resource in self.resources("AWS::IAM::Role").items()
            if name == f"{row.capability.capitalize()}/{role_id}"
        )
        assert "ManagedPolicyArns" not in role
        (policy,) = role["Policies"]
        statements: list[Json] = plain(policy["PolicyDocument"]["Statement"])
        return {statement["Sid"]: statement for statement in statements}


@cache
def _templates(folder: Path, prefix: str) -> dict[str, Json]:
    """Read once: some thousand tests look at each."""
    return {
        path.name.removeprefix(prefix).removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(folder.glob(f"{prefix}*.template.json"))
    }


def plain(value: Any) -> Any:
    """A template's value with joins and references written out as text."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(plain(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return f"<{name}>"
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
    return value


def stand_ins(folder: Path) -> Archives:
    """Archives that are different from each other and hold nothing."""

    def made(name: str) -> Path:
        path = folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("name", name)
        return path

    return Archives(
        library=made("library"),
        functions=made("functions"),
        third_party={name: made(name) for name in build.LAYERS},
    )


@pytest.fixture(scope="session")
def given() -> Mapping[str, object]:
    return json.loads((build.ROOT / "cdk.json").read_text())["context"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def assemblies(
    tmp_path_factory: pytest.TempPathFactory, given: Mapping[str, object]
) -> Mapping[str, Assembly]:
    """Every stage, each synthesized by whichever process of this run takes it first."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    archives = stand_ins(tmp_path_factory.mktemp("archives"))
    stages = [Stage.named(name, entry.stages(given)) for name in STAGES]
    for wait in (fcntl.LOCK_NB, 0):
        for stage in stages:
            with Path(shared, f"{stage.name}.lock").open("wb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | wait)
                except BlockingIOError:
                    continue
                if not Path(shared, stage.name).is_dir():
                    out = tmp_path_factory.mktemp(stage.name)
                    entry.app(stage, archives=archives, given=given, out=out).synth()
                    out.rename(Path(shared, stage.name))
    return {stage.name: Assembly(stage, Path(shared, stage.name)) for stage in stages}


@pytest.fixture(params=STAGES)
def assembly(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    return assemblies[request.param]


@pytest.fixture
def prod(assemblies: Mapping[str, Assembly]) -> Assembly:
    return assemblies["prod"]
