"""Writes a trained network as an ONNX graph in INT8, operation by operation.

Weights are quantized per output column to seven bits, as eight could saturate in the products of
processors without VNNI; activations per tensor to eight bits at scales that are measured once and
fixed, so that what is found in a text does not depend on the texts beside it.
"""

from dataclasses import dataclass, field

import numpy as np
import onnx
import torch
from networks import Convolutions
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
# Of the operations that onnxruntime has beyond the standard.
RUNTIME_DOMAIN = "com.microsoft"
WEIGHT_MAX = 63
ZERO_POINT = 128
# Activations beyond this quantile are clipped: one outlier would make all steps coarser.
CLIPPED_BEYOND = 0.9999


@dataclass(slots=True)
class Graph:
    """Nodes and constants of a graph under way; each method adds an operation, names its result."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes)
        )
        return name

    def constant(self, array: NDArray[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def embedded(self, ids: str, table: NDArray[np.float32]) -> str:
        """Rows of a table that is kept in eight bits, scaled per column."""
        scale = np.maximum(np.abs(table).max(axis=0), 1e-8) / 127
        rows = np.clip(np.rint(table / scale), -127, 127).astype(np.int8)
        taken = self.add("Gather", self.constant(rows), ids, axis=0)
        whole = self.add("Cast", taken, to=TensorProto.FLOAT)
        return self.add("Mul", whole, self.constant(scale.astype(np.float32)))

    def quantized(self, x: str, scale: float) -> str:
        step = self.constant(np.float32(scale))
        return self.add("QuantizeLinear", x, step, self.constant(np.uint8(ZERO_POINT)))

    def product(self, x: str, scale: float, layer: nn.Linear) -> str:
        """``layer`` of an ``x`` quantized at ``scale``."""
        weights, steps = quantized_weights(layer.weight)
        # Scaled within the product, which does not go through memory three times more.
        return self.add(
            "MatMulIntegerToFloat",
            x,
            self.constant(weights.T.copy()),
            self.constant(np.float32(1)),
            self.constant((steps * scale).astype(np.float32)),
            self.constant(np.uint8(ZERO_POINT)),
            "",
            self.constant(_array(layer.bias)),
            domain=RUNTIME_DOMAIN,
        )

    def neighbours(self, texts: str, by: int) -> str:
        """``[n, 3]``: of each row, the places of that ``by`` before it, its own and that ``by``
        after it; -1 where there is none in the same of ``texts``."""
        edge, axis = self.constant(np.full(by, -1, dtype=np.int32)), self.constant(np.array([0]))
        first, after = self.constant(np.array([0])), self.constant(np.array([2 * by]))
        count, end = self.add("Shape", texts), self.constant(np.array([2**31 - 1]))
        padded = self.add("Concat", edge, texts, edge, axis=0)
        earlier = self.add("Slice", padded, first, count, axis)
        later = self.add("Slice", padded, after, end, axis)
        size = self.add("Squeeze", count, axis)
        own = self.add("Range", self.constant(np.int64(0)), size, self.constant(np.int64(1)))
        step, absent = self.constant(np.int64(by)), self.constant(np.int64(-1))
        columns = (
            self.add(
                "Where", self.add("Equal", earlier, texts), self.add("Sub", own, step), absent
            ),
            own,
            self.add("Where", self.add("Equal", later, texts), self.add("Add", own, step), absent),
        )
        second = self.constant(np.array([1]))
        return self.add(
            "Concat", *(self.add("Unsqueeze", each, second) for each in columns), axis=1
        )

    def beside(self, x: str, neighbours: str, width: int) -> str:
        """``networks.shifted`` of quantized rows, those of other texts taken for zero."""
        nothing = self.constant(np.full((1, width), ZERO_POINT, dtype=np.uint8))
        rows = self.add("Gather", self.add("Concat", x, nothing, axis=0), neighbours, axis=0)
        return self.add("Reshape", rows, self.constant(np.array([-1, 3 * width])))

    def normalized(self, x: str, norm: nn.LayerNorm) -> str:
        scale, bias = self.constant(_array(norm.weight)), self.constant(_array(norm.bias))
        return self.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=norm.eps)

    def model(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, "names", inputs, outputs, list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME_DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 9
        onnx.checker.check_model(model, full_check=True)
        return model


def convolutions_graph(network: Convolutions, scales: list[float]) -> onnx.ModelProto:
    """The tier ``fast``: ``ids``, ``shapes``, ``texts`` to ``logits``, one row a piece.

    Texts stand right behind one another; ``texts`` numbers them, and none sees into another. The
    network parts them by masked gaps instead, which is the same to it and a quarter more work on
    texts of 25 pieces.
    """
    graph = Graph()
    near = {by: graph.neighbours("texts", by) for by in sorted({*network.DILATIONS})}
    width = network.enter.out_features
    pieces = graph.embedded("ids", _array(network.pieces.weight))
    shapes = graph.add("Gather", graph.constant(_array(network.shapes.weight)), "shapes", axis=0)
    x = graph.quantized(graph.add("Add", pieces, shapes), scales[0])
    beside = graph.beside(x, near[1], network.pieces.embedding_dim)
    x = graph.add("Relu", graph.product(beside, scales[0], network.enter))
    x = graph.normalized(x, network.norms[0])
    layers = zip(network.DILATIONS, network.blocks, network.norms[1:], scales[1:-1], strict=True)
    for dilation, block, norm, scale in layers:
        beside = graph.beside(graph.quantized(x, scale), near[dilation], width)
        change = graph.add("Relu", graph.product(beside, scale, block))
        x = graph.normalized(graph.add("Add", x, change), norm)
    logits = graph.product(graph.quantized(x, scales[-1]), scales[-1], network.leave)
    graph.nodes[-1].output[0] = "logits"
    rows = [
        helper.make_tensor_value_info(name, TensorProto.INT32, ["pieces"])
        for name in ("ids", "shapes", "texts")
    ]
    tags = network.leave.out_features
    assert logits == graph.nodes[-1].name
    return graph.model(
        rows, [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pieces", tags])]
    )


def convolutions_scales(network: Convolutions, batches: list[dict[str, Tensor]]) -> list[float]:
    """The step of the activations before each product, from what some batches give."""
    inputs: list[list[Tensor]] = []
    hooks = []
    for number, layer in enumerate((network.enter, *network.blocks, network.leave)):
        inputs.append([])

        def look(_: nn.Module, given: tuple[Tensor], number: int = number) -> None:
            inputs[number].append(given[0].detach().abs().flatten()[::7])

        hooks.append(layer.register_forward_pre_hook(look))
    with torch.no_grad():
        for batch in batches:
            network(batch["ids"], batch["shapes"], batch["mask"])
    for hook in hooks:
        hook.remove()
    return [float(np.quantile(torch.cat(seen).numpy(), CLIPPED_BEYOND)) / 127 for seen in inputs]


def quantized_weights(weight: Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """``[out, in]`` in seven bits, and the step of each output."""
    array = _array(weight)
    steps = np.maximum(np.abs(array).max(axis=1), 1e-8) / WEIGHT_MAX
    whole = np.clip(np.rint(array / steps[:, None]), -WEIGHT_MAX, WEIGHT_MAX)
    return whole.astype(np.int8), steps.astype(np.float32)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().numpy()
