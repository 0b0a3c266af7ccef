"""Reads the networks back from the graphs that are shipped, so that training can go on from them.

A graph has its weights in seven bits and its embeddings in eight; what they stand for becomes the
network's weights. So nothing that the graph says is lost, but the optimizer's state and whatever
quantizing had rounded away are. The order of a graph's operations is that of its network's layers.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from networks import Convolutions, Transformer
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn


def recovered(network: Convolutions | Transformer, graph: Path) -> None:
    """Fill ``network`` with the weights of the ``graph`` that was written of such a one.

    Raises:
        ValueError: the graph has other layers than the network, or layers of another size.
    """
    written = _Written(onnx.load(graph))
    with torch.no_grad():
        _fill(network.pieces.weight, written.pieces())
        _fill(network.shapes.weight, written.shapes())
        match network:
            case Convolutions():
                layers = [network.enter, *network.blocks, network.leave]
                weights, norms = written.scaled_products(), [*network.norms]
            case Transformer():
                _fill(network.places.weight, written.places())
                layers = [each for layer in network.layers for each in _products(layer)]
                layers.append(network.leave)
                weights = written.whole_products()
                norms = [network.norm]
                for layer in network.layers:
                    norms += [layer.attended_norm, layer.outer_norm]
        for layer, (weight, bias) in zip(layers, weights, strict=True):
            _fill(layer.weight, weight)
            _fill(layer.bias, bias)
        for norm, (weight, bias) in zip(norms, written.norms(), strict=True):
            _fill(norm.weight, weight)
            _fill(norm.bias, bias)


class _Written:
    """The constants of a graph, by what they are to its operations, in the graph's order."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._nodes = model.graph.node
        self._arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        self._taking = {name: node for node in self._nodes for name in node.input}

    def pieces(self) -> NDArray[np.float32]:
        looked_up = self._looked_up("ids")
        scaled = self._taking[self._taking[looked_up.output[0]].output[0]]
        whole = self._arrays[looked_up.input[0]]
        return whole.astype(np.float32) * self._arrays[scaled.input[1]]

    def shapes(self) -> NDArray[np.float32]:
        return self._arrays[self._looked_up("shapes").input[0]]

    def places(self) -> NDArray[np.float32]:
        (cut,) = self._of("Slice")
        return self._arrays[cut.input[0]]

    def norms(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return [
            (self._arrays[node.input[1]], self._arrays[node.input[2]])
            for node in self._of("LayerNormalization")
        ]

    def scaled_products(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Weights ``[out, in]`` and biases of products that scale by the step of what they take."""
        quantizing, products = self._of("QuantizeLinear"), self._of("MatMulIntegerToFloat")
        for before, node in zip(quantizing, products, strict=True):
            step = self._arrays[before.input[1]]
            whole, scales = self._arrays[node.input[1]], self._arrays[node.input[3]]
            yield whole.T * (scales / step)[:, None], self._arrays[node.input[6]]

    def whole_products(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Weights ``[out, in]`` and biases of products that are scaled behind them."""
        for node in self._of("MatMulInteger"):
            real = self._taking[self._taking[node.output[0]].output[0]]
            scaled = self._taking[real.output[0]]
            added = self._taking[scaled.output[0]]
            whole, steps = self._arrays[node.input[1]], self._arrays[scaled.input[1]]
            yield whole.T * steps[:, None], self._arrays[added.input[1]]

    def _of(self, kind: str) -> list[onnx.NodeProto]:
        return [node for node in self._nodes if node.op_type == kind]

    def _looked_up(self, by: str) -> onnx.NodeProto:
        (node,) = (node for node in self._of("Gather") if node.input[1] == by)
        return node


def _products(layer: nn.Module) -> list[nn.Linear]:
    """A transformer layer's products in the order in which the graph has them."""
    return [layer.query, layer.key, layer.value, layer.attended, layer.inner, layer.outer]


def _fill(parameter: torch.Tensor, array: NDArray[np.generic]) -> None:
    if parameter.shape != array.shape:
        raise ValueError(
            f"{list(array.shape)} in the graph, {list(parameter.shape)} in the network"
        )
    parameter.copy_(torch.from_numpy(np.array(array, dtype=np.float32)))
