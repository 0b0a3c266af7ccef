"""Turns a trained network into the files that are shipped, and proves that they say the same.

The graph's logits are compared with those of the training implementation computed over the same
quantized values; they may differ by rounding alone. How much the quantizing itself changes is
printed.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from export import convolutions_graph, convolutions_scales, quantized_weights
from networks import Convolutions, shifted
from shards import ENTITIES
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

LOGITS_APART_MAX = 1e-4


def publish(
    network: Convolutions,
    batches: list[dict[str, Tensor]],
    *,
    tokenizer_file: Path,
    target: Path,
    version: str,
    thresholds: dict[str, float],
    temperature: float,
) -> None:
    """Write graph, tokenizer and manifest into ``target``; the first batches set the scales.

    Raises:
        ValueError: the graph and the network differ by more than rounding.
    """
    network.eval()
    scales = convolutions_scales(network, batches[:-2])
    graph = convolutions_graph(network, scales).SerializeToString()
    for batch in batches[-2:]:
        _compare(network, scales, graph, batch)
    target.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    files = {"fast.onnx": graph, "tokenizer.json": _bare(tokenizer)}
    for name, contents in files.items():
        (target / name).write_bytes(contents)
    manifest = {
        "format": 1,
        "version": version,
        "entities": ENTITIES,
        "tokenizer": _entry("tokenizer.json", files["tokenizer.json"]),
        "tiers": {
            "fast": {
                **_entry("fast.onnx", graph),
                "reach": 1 + sum(Convolutions.DILATIONS),
                "gap": Convolutions.GAP,
                "temperature": temperature,
                "thresholds": thresholds,
            }
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


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
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {
        "ids": batch["ids"].numpy().astype(np.int32),
        "shapes": batch["shapes"].numpy().astype(np.int32),
        "mask": batch["mask"].numpy(),
    }
    within = batch["mask"][:, 0].numpy() > 0
    graphs = session.run(["logits"], given)[0][within]
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
