"""Turns a trained network into the files that are shipped, and proves that they say the same.

The graph's logits are compared with those of the training implementation computed over the same
quantized values; they may differ by rounding alone. How much the quantizing itself changes is
printed.
"""

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from export import convolutions_graph, convolutions_scales, quantized_weights
from export_transformer import in_integers, in_reals, transformer_graph
from networks import Convolutions, Transformer, shifted
from shards import ENTITIES
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

LOGITS_APART_MAX = 1e-4
TRANSFORMER_APART_MAX = 1e-3
TAGS_KEPT_MIN = 0.985
# What decides in each tier.
_GRAPHS = {"fast": ["convolutions"], "thorough": ["convolutions", "transformer"]}
# A part of a long text is read with this much to each side; attention has no other bound.
TRANSFORMER_REACH = 32


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen on the dev sets: of each tier the temperature of its own network, and from
    which probability on a word is a name, by entity."""

    version: str
    temperatures: dict[str, float]
    thresholds: dict[str, dict[str, float]]


def publish(
    fast: Convolutions,
    thorough: Transformer,
    rows: list[dict[str, Tensor]],
    squares: list[dict[str, Tensor]],
    *,
    tokenizer_file: Path,
    target: Path,
    choices: Choices,
) -> None:
    """Write graphs, tokenizer and manifest into ``target``; the first rows set the scales.

    Raises:
        ValueError: a graph and its network differ by more than rounding.
    """
    fast.eval()
    thorough.eval()
    scales = convolutions_scales(fast, rows[:-2])
    graph = convolutions_graph(fast, scales).SerializeToString()
    for batch in rows[-2:]:
        _compare(fast, scales, graph, batch)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    files = {
        "fast.onnx": graph,
        "thorough.onnx": _transformer(thorough, squares),
        "tokenizer.json": _bare(tokenizer),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (target / name).write_bytes(contents)
    manifest = {
        "format": 3,
        "version": choices.version,
        "entities": ENTITIES,
        "tokenizer": _entry("tokenizer.json", files["tokenizer.json"]),
        "graphs": {
            "convolutions": {
                **_entry("fast.onnx", graph),
                "form": "rows",
                "reach": 1 + sum(Convolutions.DILATIONS),
                "temperature": choices.temperatures["fast"],
            },
            "transformer": {
                **_entry("thorough.onnx", files["thorough.onnx"]),
                "form": "texts",
                "reach": TRANSFORMER_REACH,
                "temperature": choices.temperatures["thorough"],
            },
        },
        "tiers": {
            tier: {
                "graphs": graphs,
                "thresholds": choices.thresholds[tier],
            }
            for tier, graphs in _GRAPHS.items()
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _transformer(network: Transformer, squares: list[dict[str, Tensor]]) -> bytes:
    """The graph in whole numbers; compared with the network, and so is the graph in reals.

    The graph in reals has the structure and not the quantizing, so that it has to say what the
    network says to the last digits.
    """
    real = _session(transformer_graph(network, in_reals).SerializeToString())
    graph = transformer_graph(network, in_integers).SerializeToString()
    whole = _session(graph)
    apart, kept, pieces = 0.0, 0, 0
    rounded = copy.deepcopy(network)
    rounded.pieces.weight.data = _as_kept(network.pieces.weight)
    for batch in squares:
        for row, mask in enumerate(batch["mask"]):
            size = int(mask.sum())
            given = {
                name: batch[name][row, :size].numpy().astype(np.int32) for name in ("ids", "shapes")
            }
            said = rounded(
                batch["ids"][row : row + 1, :size],
                batch["shapes"][row : row + 1, :size],
                mask[None, :size],
                torch.arange(size)[None],
            )[0].detach()
            reals = real.run(["logits"], given)[0]
            apart = max(apart, float(np.abs(reals - said.numpy()).max()))
            tags = whole.run(["logits"], given)[0].argmax(axis=1)
            kept += int((tags == said.numpy().argmax(axis=1)).sum())
            pieces += size
    print(f"transformer: logits within {apart:.1e}; quantizing keeps {kept / pieces:.3%} of tags")
    if apart > TRANSFORMER_APART_MAX or kept / pieces < TAGS_KEPT_MIN:
        raise ValueError("the graph does not say what the network says")
    return graph


def _as_kept(table: Tensor) -> Tensor:
    """Embeddings as the graph keeps them, in eight bits."""
    steps = torch.clamp(table.detach().abs().amax(dim=0), min=1e-8) / 127
    return torch.clamp(torch.round(table.detach() / steps), -127, 127) * steps


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def quantized_logits(
    network: Convolutions, scales: list[float], batch: dict[str, Tensor]
) -> Tensor:
    """What the graph should say: the training implementation over quantized values."""

    def through(x: Tensor, scale: float, layer: nn.Linear) -> Tensor:
        whole, steps = quantized_weights(layer.weight)
        rounded = torch.clamp(torch.round(x / np.float32(scale)), -128, 127)
        # Products of whole numbers of this size are exact in 64 bits of floating point.
        product = rounded.double() @ torch.from_numpy(whole).double().T
        return (product.float() * torch.from_numpy(steps * np.float32(scale))) + layer.bias

    table = network.pieces.weight
    steps = torch.clamp(table.abs().amax(dim=0), min=1e-8) / 127
    rows = torch.clamp(torch.round(table[batch["ids"]] / steps), -127, 127) * steps
    mask = batch["mask"]
    with torch.no_grad():
        x = (rows + network.shapes(batch["shapes"])) * mask
        x = (
            network.norms[0](functional.relu(through(shifted(x, 1), scales[0], network.enter)))
            * mask
        )
        layers = zip(
            network.DILATIONS, network.blocks, network.norms[1:], scales[1:-1], strict=True
        )
        for dilation, block, norm, scale in layers:
            x = norm(x + functional.relu(through(shifted(x, dilation), scale, block))) * mask
        return through(x, scales[-1], network.leave)


def _compare(
    network: Convolutions, scales: list[float], graph: bytes, batch: dict[str, Tensor]
) -> None:
    session = _session(graph)
    within = batch["mask"][:, 0].numpy() > 0
    texts = np.cumsum(np.diff(within, prepend=False) & within)
    rows = {"ids": batch["ids"].numpy(), "shapes": batch["shapes"].numpy(), "texts": texts}
    given = {name: values[within].astype(np.int32) for name, values in rows.items()}
    graphs = session.run(["logits"], given)[0]
    same = quantized_logits(network, scales, batch).numpy()[within]
    with torch.no_grad():
        whole = network(batch["ids"], batch["shapes"], batch["mask"]).numpy()[within]
    # An activation within an ulp of a step's edge may fall to either side of it, which is seen in
    # the pieces it reaches; most must not be touched by any.
    apart = np.median(np.abs(graphs - same).max(axis=1))
    agreed = (graphs.argmax(axis=1) == same.argmax(axis=1)).mean()
    kept = (graphs.argmax(axis=1) == whole.argmax(axis=1)).mean()
    print(
        f"graph and implementation: logits of half within {apart:.1e}, tags agree {agreed:.4%}; "
        f"quantizing keeps {kept:.3%} of the tags"
    )
    if apart > LOGITS_APART_MAX or agreed < 0.9995:
        raise ValueError("the graph does not say what the network says")


def _bare(tokenizer: Tokenizer) -> bytes:
    """Without what a model of sentences needs: special marks around a text."""
    written = json.loads(tokenizer.to_str())
    written["post_processor"] = None
    return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()


def _entry(name: str, contents: bytes) -> dict[str, object]:
    digest = hashlib.sha256(contents).hexdigest()
    return {"file": name, "bytes": len(contents), "sha256": digest}
