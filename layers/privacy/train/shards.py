"""Training texts as arrays on disk: pieces, shapes and tags, one shard after the other.

Tags are BIO over ``ENTITIES``; ``IGNORED`` marks pieces that teach nothing. A shard is a pass over
the marked corpora, with people and places renamed in half of it, among generated texts.
"""

import random
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
from augment import augmented
from corpora import TRAINING, in_documents, renamed
from gazetteer import sources_in
from generate import Generator, Labelled
from numpy.typing import NDArray

from datavault.adapters.ner.pieces import Pieces, Reader

ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS")
TAGS = 1 + 2 * len(ENTITIES)
IGNORED = -100
PIECES_MAX = 400


def tagged(labelled: Labelled, pieces: Pieces) -> NDArray[np.int8]:
    """One tag a piece: 0 outside, ``2e + 1`` where entity ``e`` begins, ``2e + 2`` within."""
    tags = np.zeros(len(pieces), dtype=np.int8)
    for start, end, entity in labelled.spans:
        within = np.flatnonzero((pieces.ends > start) & (pieces.starts < end))
        if not len(within):
            continue
        if entity is None:
            tags[within] = IGNORED
        else:
            number = ENTITIES.index(entity)
            tags[within] = 2 * number + 2
            tags[within[0]] = 2 * number + 1
    return tags


def training_texts(data: Path, generator: Generator, draw: random.Random) -> Iterator[Labelled]:
    """A pass over all corpora, each text written in one of many ways."""
    for corpus in TRAINING:
        for use in range(ceil(corpus.uses)):
            for each in in_documents(corpus.read(data / corpus.path), draw):
                if draw.random() > corpus.uses - use:
                    continue
                if "ler" in each.source and not each.spans and draw.random() < 0.8:
                    continue  # Seven in eight of these judgments name nobody.
                yield renamed(each, generator, draw) if draw.random() < 0.6 else each


def write_shard(
    target: Path, *, data: Path, tokenizer_file: Path, seed: int, generated: int
) -> None:
    """One pass, shuffled, with ``generated`` texts between."""
    draw = random.Random(seed)
    more = data / "more"
    lists = sources_in(more, tokenizer_file.parent / "vocab.txt")
    generator = Generator(seed, lists)
    reader = Reader.of(tokenizer_file.read_text())
    texts = [*training_texts(data, generator, draw), *(generator.text() for _ in range(generated))]
    draw.shuffle(texts)
    ids, shapes, tags, lengths = [], [], [], []
    for each in texts:
        written = augmented(each, draw)
        pieces = reader.pieces([written.text])
        labels = tagged(written, pieces)
        for at in range(0, len(pieces), PIECES_MAX):
            part = slice(at, at + PIECES_MAX)
            ids.append(pieces.ids[part])
            shapes.append(pieces.shapes[part].astype(np.uint8))
            tags.append(labels[part])
            lengths.append(len(ids[-1]))
    unfinished = target.with_suffix(".part.npz")
    np.savez(
        unfinished,
        ids=np.concatenate(ids),
        shapes=np.concatenate(shapes),
        tags=np.concatenate(tags),
        lengths=np.asarray(lengths, dtype=np.int32),
    )
    unfinished.rename(target)
