"""A names model as files: a manifest, a tokenizer, and a graph for each tier.

Every file is read once, checked against the manifest's digest and size, and only then used. A
model that is missing or altered is refused; nothing ever falls back to finding less.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from datavault.adapters.ner.pieces import SHAPES, Pieces, Reader
from datavault.domain.errors import Corrupt, Invalid
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import Tier

FORMAT = 1
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


class _Graph(_File, frozen=True, forbid_unknown_fields=True):
    """``reach`` is how many pieces to each side of one decide on it; rows of texts are parted by
    ``gap`` masked pieces. ``thresholds`` are on the probability that the surest word of a span is a
    name."""

    reach: int
    gap: int
    temperature: float
    thresholds: dict[Entity, float]


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    version: str
    entities: list[Entity]
    tokenizer: _File
    tiers: dict[Tier, _Graph]


@dataclass(frozen=True, slots=True)
class NamesModel:
    """A loaded tier. Tag 0 is outside, ``2e + 1`` where entity ``e`` begins, ``2e + 2`` within.

    May be used by several threads at once; each call computes on the thread that makes it.
    """

    version: str
    entities: tuple[Entity, ...]
    thresholds: NDArray[np.float32]
    reach: int
    gap: int
    reader: Reader
    _session: onnxruntime.InferenceSession
    _temperature: float

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

    def probabilities(self, pieces: Pieces, parts: Sequence[slice]) -> NDArray[np.float32]:
        """Of each piece of each part, part after part, the probability of each tag.

        The parts are computed together, and what is said of one does not depend on the others.
        """
        size = sum(part.stop - part.start + self.gap for part in parts)
        ids = np.zeros(size, dtype=np.int32)
        shapes = np.zeros(size, dtype=np.int32)
        mask = np.zeros((size, 1), dtype=np.float32)
        at = 0
        for part in parts:
            end = at + part.stop - part.start
            ids[at:end], shapes[at:end], mask[at:end] = pieces.ids[part], pieces.shapes[part], 1
            at = end + self.gap
        given = {"ids": ids, "shapes": shapes, "mask": mask}
        logits: NDArray[np.float32] = self._session.run(["logits"], given)[0]
        logits = logits[mask[:, 0] > 0]
        powers: NDArray[np.float32] = np.exp(
            (logits - logits.max(axis=1, keepdims=True)) / self._temperature
        )
        powers /= powers.sum(axis=1, keepdims=True)
        return powers


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
    graph = manifest.tiers[tier]
    reader = Reader.of(_contents(folder, manifest.tokenizer).decode())
    session = _session(_contents(folder, graph))
    tags = session.get_outputs()[0].shape[1]
    if tags != 1 + 2 * len(manifest.entities) or set(graph.thresholds) != set(manifest.entities):
        raise Corrupt(f"the names model gives {tags} tags for {len(manifest.entities)} entities")
    return NamesModel(
        version=f"{manifest.version}-{tier}",
        entities=tuple(manifest.entities),
        thresholds=np.array([graph.thresholds[each] for each in manifest.entities], np.float32),
        reach=graph.reach,
        gap=graph.gap,
        reader=reader,
        _session=session,
        _temperature=graph.temperature,
    )


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
