"""A names model as files: a manifest, a tokenizer, and the graphs of each tier.

Every file is read once, checked against the manifest's digest and size, and only then used. A
model that is missing or altered is refused; nothing ever falls back to finding less.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from datavault.adapters.ner.networks import InRows, Network, OneByOne, Together, tags_of
from datavault.adapters.ner.pieces import SHAPES, Reader
from datavault.domain.errors import Corrupt, Invalid
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import Tier

FORMAT = 3
MANIFEST = "manifest.json"
# No probability reaches it.
_NEVER = 2.0
# In a function's layer, in a wheel, and in a checkout.
_PLACES = (
    Path("/opt/privacy/model"),
    Path(__file__).parent / "model",
    Path(__file__).parents[5] / "privacy" / "model",
)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    bytes: int
    sha256: str


class _Form(StrEnum):
    """How a graph takes texts."""

    ROWS = "rows"
    TEXTS = "texts"


class _Graph(_File, frozen=True, forbid_unknown_fields=True):
    """``reach`` is how many pieces to each side of one are looked at, or decide on it."""

    form: _Form
    reach: int
    temperature: float


class _Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The graphs that decide together, by name. ``thresholds`` are on the probability that the
    surest word of a span is a name."""

    graphs: Annotated[list[str], msgspec.Meta(min_length=1)]
    thresholds: dict[Entity, float]


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    version: str
    entities: list[Entity]
    tokenizer: _File
    graphs: dict[str, _Graph]
    tiers: dict[Tier, _Tier]


@dataclass(frozen=True, slots=True)
class NamesModel:
    """A loaded tier. May be used by several threads at once."""

    version: str
    entities: tuple[Entity, ...]
    thresholds: NDArray[np.float32]
    reader: Reader
    network: Network

    def looking_for(
        self, entities: Iterable[Entity], *, threshold: float | None = None
    ) -> "NamesModel":
        """The model that finds these alone, by one threshold for all if it is given."""
        wanted = frozenset(entities)
        thresholds = [
            (own if threshold is None else threshold) if entity in wanted else _NEVER
            for entity, own in zip(self.entities, self.thresholds.tolist(), strict=True)
        ]
        return replace(self, thresholds=np.array(thresholds, dtype=np.float32))


@cache
def names_model(tier: Tier) -> NamesModel:
    """The model of this installation, loaded once in a process.

    Raises:
        Corrupt: it is not where it should be, or is not what was published.
        Invalid: it has no such tier.
    """
    for place in _PLACES:
        if (place / MANIFEST).is_file():
            return load(place, tier)
    raise Corrupt("the names model is not installed: there is no manifest")


def load(folder: Path, tier: Tier) -> NamesModel:
    """The model in a folder; errors are those of ``names_model``."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
    except OSError as error:
        raise Corrupt(f"the names model's {MANIFEST} cannot be read") from error
    except msgspec.DecodeError as error:
        raise Corrupt(f"the names model's {MANIFEST} is not a manifest: {error}") from error
    if manifest.format != FORMAT:
        raise Corrupt(f"the names model is of format {manifest.format}, not {FORMAT}")
    if tier not in manifest.tiers:
        had = ", ".join(manifest.tiers)
        raise Invalid(f"the names model has no tier {tier}, but {had}", field="tier")
    chosen = manifest.tiers[tier]
    if set(chosen.thresholds) != set(manifest.entities):
        raise Corrupt(f"the names model's tier {tier} has not one threshold for each entity")
    networks = tuple(_network(folder, manifest, name) for name in chosen.graphs)
    return NamesModel(
        version=f"{manifest.version}-{tier}",
        entities=tuple(manifest.entities),
        thresholds=np.array([chosen.thresholds[each] for each in manifest.entities], np.float32),
        reader=Reader.of(_contents(folder, manifest.tokenizer).decode()),
        network=networks[0] if len(networks) == 1 else Together(networks),
    )


def _network(folder: Path, manifest: _Manifest, name: str) -> Network:
    graph = manifest.graphs.get(name)
    if graph is None:
        raise Corrupt("the names model's manifest names a graph that it does not describe")
    session = _session(_contents(folder, graph))
    if (tags := tags_of(session)) != 1 + 2 * len(manifest.entities):
        raise Corrupt(f"the names model gives {tags} tags for {len(manifest.entities)} entities")
    if graph.form is _Form.ROWS:
        return InRows(session, graph.reach, graph.temperature)
    return OneByOne(session, graph.reach, graph.temperature)


def _contents(folder: Path, expected: _File) -> bytes:
    try:
        contents = (folder / expected.file).read_bytes()
    except OSError as error:
        raise Corrupt(f"the names model's {expected.file} cannot be read") from error
    if len(contents) != expected.bytes:
        raise Corrupt(
            f"the names model's {expected.file} has {len(contents)} bytes, not {expected.bytes}"
        )
    if hashlib.sha256(contents).hexdigest() != expected.sha256:
        raise Corrupt(f"the names model's {expected.file} is not the one that was published")
    return contents


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # A graph this small is slower on two threads than on one; texts are what runs side by side.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Rows differ in length, so that memory planned for one would rarely serve the next.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


assert SHAPES == 36  # What the graphs' tables of shapes hold.
