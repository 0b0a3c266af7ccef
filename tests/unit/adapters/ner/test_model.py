"""A names model is used as it was published, or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from datavault.adapters.ner import model
from datavault.adapters.ner.model import MANIFEST, load, names_model
from datavault.domain.errors import Corrupt, Invalid
from datavault.domain.privacy.tiers import Tier

SHIPPED = Path(__file__).parents[4] / "layers" / "privacy" / "model"
FILES = ("fast.onnx", "tokenizer.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def test_the_shipped_model_loads(folder: Path) -> None:
    assert load(folder, Tier.FAST).version.endswith("-fast")


def test_a_process_loads_it_once() -> None:
    assert names_model(Tier.FAST) is names_model(Tier.FAST)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(Corrupt, match=name):
        load(folder, Tier.FAST)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused(folder: Path, name: str) -> None:
    contents = bytearray((folder / name).read_bytes())
    contents[len(contents) // 2] ^= 1
    (folder / name).write_bytes(contents)
    with pytest.raises(Corrupt, match="not the one that was published"):
        load(folder, Tier.FAST)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(Corrupt, match="bytes, not"):
        load(folder, Tier.FAST)


def test_a_manifest_that_is_none_is_refused(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")
    with pytest.raises(Corrupt, match="not a manifest"):
        load(folder, Tier.FAST)


def test_a_manifest_with_fewer_entities_than_the_graph_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    entity = manifest["entities"].pop()
    del manifest["tiers"]["fast"]["thresholds"][entity]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Corrupt, match="entities"):
        load(folder, Tier.FAST)


def test_a_manifest_of_another_format_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["format"] += 1
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Corrupt, match="format"):
        load(folder, Tier.FAST)


def test_a_tier_that_is_not_shipped_is_refused_by_name(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["tiers"]["thorough"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Invalid, match="no tier thorough"):
        load(folder, Tier.THOROUGH)


def test_a_tier_without_a_graph_or_a_threshold_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    fast = manifest["tiers"]["fast"]
    for changed, told in (
        ({"graphs": ["convolutions", "absent"]}, "does not describe"),
        ({"graphs": []}, "not a manifest"),
        ({"thresholds": {"PERSON": 0.5}}, "one threshold for each entity"),
    ):
        manifest["tiers"]["fast"] = fast | changed
        (folder / MANIFEST).write_text(json.dumps(manifest))
        with pytest.raises(Corrupt, match=told):
            load(folder, Tier.FAST)


def test_a_larger_graph_that_is_missing_is_refused_by_the_tier_that_uses_it(folder: Path) -> None:
    (folder / "thorough.onnx").unlink()
    assert load(folder, Tier.FAST).version.endswith("-fast")
    with pytest.raises(Corrupt, match=r"thorough\.onnx"):
        load(folder, Tier.THOROUGH)


def test_without_a_model_nothing_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model, "_PLACES", (tmp_path,))
    names_model.cache_clear()
    with pytest.raises(Corrupt, match="not installed"):
        names_model(Tier.FAST)
