"""Texts of shards as batches of either network, with the teacher's opinion where it has one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from networks import Convolutions
from shards import IGNORED, TAGS
from torch import Tensor

BATCH_PIECES = {"fast": 6144, "thorough": 1024}
# Of the pieces so many are hidden from a network, so that it learns to go by what stands around.
HIDDEN_SHARE = {"fast": 0.1, "thorough": 0.05}
UNKNOWN = 100


@dataclass(frozen=True, slots=True)
class Text:
    ids: np.ndarray
    shapes: np.ndarray
    tags: np.ndarray
    soft: np.ndarray | None


def texts_of(shard: Path, *, soft: bool) -> list[Text]:
    arrays = np.load(shard)
    bounds = np.concatenate(([0], np.cumsum(arrays["lengths"])))
    opinion_file = shard.with_suffix(".soft.npy")
    opinions = np.load(opinion_file) if soft and opinion_file.exists() else None
    ids, shapes, tags = arrays["ids"], arrays["shapes"], arrays["tags"]
    return [
        Text(ids[a:b], shapes[a:b], tags[a:b], None if opinions is None else opinions[a:b])
        for a, b in pairwise(bounds)
        if b > a
    ]


def rows(texts: list[Text], draw: np.random.Generator) -> Iterator[dict[str, Tensor]]:
    """Batches for ``Convolutions``: texts behind one another with gaps."""
    order = draw.permutation(len(texts))
    batch: list[Text] = []
    size = 0
    for number in order:
        batch.append(texts[number])
        size += len(texts[number].ids) + Convolutions.GAP
        if size >= BATCH_PIECES["fast"]:
            ready = row(batch)
            yield _partly_hidden(ready, HIDDEN_SHARE["fast"], draw)
            batch, size = [], 0


def row(texts: list[Text]) -> dict[str, Tensor]:
    size = sum(len(text.ids) + Convolutions.GAP for text in texts)
    ids, shapes = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    tags, mask = np.full(size, IGNORED, dtype=np.int64), np.zeros((size, 1), dtype=np.float32)
    soft = np.zeros((size, TAGS), dtype=np.float32)
    at = 0
    for text in texts:
        end = at + len(text.ids)
        ids[at:end], shapes[at:end], tags[at:end], mask[at:end] = (
            text.ids,
            text.shapes,
            text.tags,
            1,
        )
        if text.soft is not None:
            soft[at:end] = text.soft
        at = end + Convolutions.GAP
    return {
        "ids": torch.from_numpy(ids),
        "shapes": torch.from_numpy(shapes),
        "mask": torch.from_numpy(mask),
        "tags": torch.from_numpy(tags),
        "soft": torch.from_numpy(soft),
    }


def squares(texts: list[Text], draw: np.random.Generator) -> Iterator[dict[str, Tensor]]:
    """Batches for ``Transformer``: texts of like length, padded; their places start anywhere."""
    noisy = np.array([len(text.ids) for text in texts]) * draw.uniform(0.85, 1.15, len(texts))
    order = np.argsort(noisy)
    groups, group, longest = [], [], 0
    for number in order:
        longest = max(longest, len(texts[number].ids))
        if (len(group) + 1) * longest > BATCH_PIECES["thorough"]:
            groups.append(group)
            group, longest = [], len(texts[number].ids)
        group.append(number)
    for chosen in draw.permutation(len(groups)):
        ready = square([texts[number] for number in groups[chosen]], draw)
        yield _partly_hidden(ready, HIDDEN_SHARE["thorough"], draw)


def square(texts: list[Text], draw: np.random.Generator) -> dict[str, Tensor]:
    longest = max(len(text.ids) for text in texts)
    shape = (len(texts), longest)
    ids, shapes = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    tags, mask = np.full(shape, IGNORED, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    for number, text in enumerate(texts):
        size = len(text.ids)
        ids[number, :size], shapes[number, :size] = text.ids, text.shapes
        tags[number, :size], mask[number, :size] = text.tags, True
    places = draw.integers(0, 512 - longest + 1) + np.arange(longest)
    return {
        "ids": torch.from_numpy(ids),
        "shapes": torch.from_numpy(shapes),
        "mask": torch.from_numpy(mask),
        "tags": torch.from_numpy(tags),
        "places": torch.from_numpy(places[None].repeat(len(texts), 0)),
    }


def _partly_hidden(
    batch: dict[str, Tensor], share: float, draw: np.random.Generator
) -> dict[str, Tensor]:
    ids = batch["ids"]
    ids[torch.from_numpy(draw.random(tuple(ids.shape)) < share)] = UNKNOWN
    return batch
