"""Writes the tier ``thorough`` as an ONNX graph: one text, or a part of one, at a time.

Weights are quantized per output to seven bits, activations per piece to eight, by the largest value
of each. A scale for all pieces would be spoilt by the few outliers that such networks have, and one
measured anew for each text would make it depend on its length. There is neither padding nor a mask.
"""

import math
from collections.abc import Callable

import numpy as np
import onnx
from export import ZERO_POINT, Graph, quantized_weights
from networks import Transformer
from onnx import TensorProto, helper
from torch import nn

# Places of which the network knows; longer texts are read in parts.
PLACES = 512

type Product = Callable[[Graph, str, list[nn.Linear]], list[str]]


def transformer_graph(network: Transformer, product: Product) -> onnx.ModelProto:
    """``ids`` and ``shapes`` of the pieces of a text to ``logits``, one row a piece."""
    graph = Graph()
    x = _embedded(graph, network)
    for layer in network.layers:
        mixed = _attended(graph, x, layer, product)
        (change,) = product(graph, mixed, [layer.attended])
        x = graph.normalized(graph.add("Add", x, change), layer.attended_norm)
        (inner,) = product(graph, x, [layer.inner])
        (change,) = product(graph, _gelu(graph, inner), [layer.outer])
        x = graph.normalized(graph.add("Add", x, change), layer.outer_norm)
    product(graph, x, [network.leave])
    graph.nodes[-1].output[0] = "logits"
    numbers = [
        helper.make_tensor_value_info(name, TensorProto.INT32, ["pieces"])
        for name in ("ids", "shapes")
    ]
    logits = helper.make_tensor_value_info(
        "logits", TensorProto.FLOAT, ["pieces", network.leave.out_features]
    )
    return graph.model(numbers, [logits])


def in_integers(graph: Graph, x: str, layers: list[nn.Linear]) -> list[str]:
    """Products of quantized pieces and weights."""
    largest = graph.add("ReduceMax", graph.add("Abs", x), axes=[-1], keepdims=1)
    floor, steps_max = graph.constant(np.float32(1e-8)), graph.constant(np.float32(127))
    scale = graph.add("Div", graph.add("Max", largest, floor), steps_max)
    rows = graph.quantized(graph.add("Div", x, scale), 1.0)
    results = []
    for layer in layers:
        weights, steps = quantized_weights(layer.weight)
        zero = graph.constant(np.uint8(ZERO_POINT))
        whole = graph.add("MatMulInteger", rows, graph.constant(weights.T.copy()), zero)
        real = graph.add("Mul", graph.add("Cast", whole, to=TensorProto.FLOAT), scale)
        scaled = graph.add("Mul", real, graph.constant(steps))
        results.append(graph.add("Add", scaled, graph.constant(_array(layer.bias))))
    return results


def in_reals(graph: Graph, x: str, layers: list[nn.Linear]) -> list[str]:
    """The same unquantized, to compare the rest of the graph with the network."""
    return [
        graph.add(
            "Add",
            graph.add("MatMul", x, graph.constant(_array(layer.weight).T.copy())),
            graph.constant(_array(layer.bias)),
        )
        for layer in layers
    ]


def _embedded(graph: Graph, network: Transformer) -> str:
    pieces = graph.embedded("ids", _array(network.pieces.weight))
    shapes = graph.add("Gather", graph.constant(_array(network.shapes.weight)), "shapes", axis=0)
    first, axis = graph.constant(np.array([0])), graph.constant(np.array([0]))
    table = graph.constant(_array(network.places.weight)[:PLACES])
    places = graph.add("Slice", table, first, graph.add("Shape", "ids"), axis)
    return graph.normalized(
        graph.add("Add", graph.add("Add", pieces, shapes), places), network.norm
    )


def _attended(graph: Graph, x: str, layer: nn.Module, product: Product) -> str:
    width = layer.query.in_features
    by_head = graph.constant(np.array([0, layer.heads, width // layer.heads]))
    query, key, value = (
        graph.add("Reshape", each, by_head)
        for each in product(graph, x, [layer.query, layer.key, layer.value])
    )
    query = graph.add("Transpose", query, perm=[1, 0, 2])
    key = graph.add("Transpose", key, perm=[1, 2, 0])
    value = graph.add("Transpose", value, perm=[1, 0, 2])
    root = graph.constant(np.float32(1 / math.sqrt(width // layer.heads)))
    likeness = graph.add("Mul", graph.add("MatMul", query, key), root)
    mixed = graph.add("MatMul", graph.add("Softmax", likeness, axis=-1), value)
    whole = graph.constant(np.array([0, width]))
    return graph.add("Reshape", graph.add("Transpose", mixed, perm=[1, 0, 2]), whole)


def _gelu(graph: Graph, x: str) -> str:
    root = graph.constant(np.float32(math.sqrt(2)))
    one, half = graph.constant(np.float32(1)), graph.constant(np.float32(0.5))
    share = graph.add("Add", graph.add("Erf", graph.add("Div", x, root)), one)
    return graph.add("Mul", graph.add("Mul", x, share), half)


def _array(tensor: nn.Parameter) -> np.ndarray:
    return tensor.detach().float().numpy()
