"""A CDK cloud assembly on disk: its stacks in the order they depend on each other."""

import graphlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STACK = "aws:cloudformation:stack"
ASSETS = "cdk:asset-manifest"
# The first instant a zip can express; a fixed one makes equal directories equal archives.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, or a directory to be zipped, and the places in S3 where it is expected.

    Names may hold ``${AWS::AccountId}``, ``${AWS::Region}`` and ``${AWS::Partition}``.
    """

    source: Path
    zipped: bool
    places: tuple[tuple[str, str], ...]

    def content(self) -> bytes:
        return zip_directory(self.source) if self.zipped else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Stack:
    """One CloudFormation stack of an assembly."""

    name: str
    template: Path
    template_place: tuple[str, str]
    assets: tuple[Asset, ...]
    parameters: Mapping[str, str]


def stacks(assembly: Path) -> list[Stack]:
    """Read the stacks of ``assembly``, each after those it depends on."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    order = graphlib.TopologicalSorter(
        {name: artifact.get("dependencies", ()) for name, artifact in artifacts.items()}
    )
    return [
        _stack(assembly, artifacts, name)
        for name in order.static_order()
        if artifacts[name]["type"] == STACK
    ]


def zip_directory(directory: Path) -> bytes:
    """Archive a directory; equal names, modes and bytes make equal archives."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(_files(directory)):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), ZIP_EPOCH)
            executable = path.stat().st_mode & stat.S_IXUSR
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _files(directory: Path) -> list[Path]:
    return [
        Path(root, name)
        for root, _, names in os.walk(directory, followlinks=True)
        for name in names
    ]


def _stack(assembly: Path, artifacts: Mapping[str, Any], name: str) -> Stack:
    artifact = artifacts[name]
    properties = artifact["properties"]
    bucket, _, key = properties["stackTemplateAssetObjectUrl"].removeprefix("s3://").partition("/")
    return Stack(
        name=properties.get("stackName", name),
        template=assembly / properties["templateFile"],
        template_place=(bucket, key),
        assets=tuple(
            asset
            for dependency in artifact.get("dependencies", ())
            if artifacts[dependency]["type"] == ASSETS
            for asset in _assets(assembly / artifacts[dependency]["properties"]["file"])
        ),
        parameters=properties.get("parameters", {}),
    )


def _assets(manifest: Path) -> list[Asset]:
    files = json.loads(manifest.read_text()).get("files", {})
    return [
        Asset(
            source=manifest.parent / file["source"]["path"],
            zipped=file["source"].get("packaging") == "zip",
            places=tuple(
                (place["bucketName"], place["objectKey"]) for place in file["destinations"].values()
            ),
        )
        for file in files.values()
    ]
