"""The two networks, in plain operations that the exported graphs repeat one by one.

``Convolutions`` is the tier ``fast``: embeddings of pieces and shapes, then dilated convolutions
written as products of shifted copies. ``Transformer`` is the tier ``thorough``: MiniLM's layers
with an embedding of shapes added. Both give a logit for each tag of each piece.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SHAPES = 36


class Convolutions(nn.Module):
    """Texts lie one behind the other in one row, parted by masked gaps; so there is no padding.

    A gap as wide as the widest dilation keeps neighbours apart, since every block begins at zero
    there.
    """

    DILATIONS = (1, 2, 4, 8, 1, 2, 4)
    GAP = 8

    def __init__(self, pieces: int, tags: int, *, embedded: int = 128, width: int = 256) -> None:
        super().__init__()
        self.pieces = nn.Embedding(pieces, embedded)
        self.shapes = nn.Embedding(SHAPES, embedded)
        self.enter = nn.Linear(3 * embedded, width)
        self.blocks = nn.ModuleList(nn.Linear(3 * width, width) for _ in self.DILATIONS)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(len(self.DILATIONS) + 1))
        self.leave = nn.Linear(width, tags)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, shapes: Tensor, mask: Tensor) -> Tensor:
        """Logits ``[pieces, tags]``; ``mask`` is ``[pieces, 1]``, 0 in gaps."""
        x = (self.pieces(ids) + self.shapes(shapes)) * mask
        x = self.norms[0](functional.relu(self.enter(shifted(x, 1)))) * mask
        for dilation, block, norm in zip(self.DILATIONS, self.blocks, self.norms[1:], strict=True):
            change = functional.relu(block(shifted(x, dilation)))
            x = norm(x + self.dropout(change)) * mask
        return self.leave(x)


def shifted(x: Tensor, by: int) -> Tensor:
    """Each row beside the rows ``by`` before and after it: ``[n, d]`` to ``[n, 3 d]``."""
    before = functional.pad(x[:-by], (0, 0, by, 0))
    after = functional.pad(x[by:], (0, 0, 0, by))
    return torch.cat((before, x, after), dim=1)


class Transformer(nn.Module):
    """MiniLM (L6, 384 wide, 12 heads) under its published weights, reading shapes as well."""

    WIDTH, HEADS, INNER = 384, 12, 1536

    def __init__(self, pieces: int, tags: int, *, layers: int = 6) -> None:
        super().__init__()
        self.pieces = nn.Embedding(pieces, self.WIDTH)
        self.places = nn.Embedding(512, self.WIDTH)
        self.shapes = nn.Embedding(SHAPES, self.WIDTH)
        self.norm = nn.LayerNorm(self.WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(
            _Layer(self.WIDTH, self.HEADS, self.INNER) for _ in range(layers)
        )
        self.leave = nn.Linear(self.WIDTH, tags)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, shapes: Tensor, mask: Tensor, places: Tensor) -> Tensor:
        """Logits ``[texts, pieces, tags]``; ``mask`` is ``[texts, pieces]``, false in padding."""
        x = self.pieces(ids) + self.places(places) + self.shapes(shapes)
        x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x, mask)
        return self.leave(x)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=1e-12)
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)
        self.outer_norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        texts, pieces, width = x.shape

        def by_head(projected: Tensor) -> Tensor:
            return projected.view(texts, pieces, self.heads, width // self.heads).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            by_head(self.query(x)),
            by_head(self.key(x)),
            by_head(self.value(x)),
            attn_mask=mask[:, None, None, :],
        )
        mixed = mixed.transpose(1, 2).reshape(texts, pieces, width)
        x = self.attended_norm(x + self.dropout(self.attended(mixed)))
        return self.outer_norm(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))


def published(network: Transformer, weights: dict[str, Tensor]) -> None:
    """Fill a transformer from MiniLM's weights by their published names; shapes start at zero."""
    with torch.no_grad():
        network.pieces.weight.copy_(weights["embeddings.word_embeddings.weight"])
        network.places.weight.copy_(weights["embeddings.position_embeddings.weight"])
        network.places.weight.add_(weights["embeddings.token_type_embeddings.weight"][0])
        network.shapes.weight.zero_()
        _copy(network.norm, weights, "embeddings.LayerNorm")
        for number, layer in enumerate(network.layers):
            named = f"encoder.layer.{number}."
            _copy(layer.query, weights, named + "attention.self.query")
            _copy(layer.key, weights, named + "attention.self.key")
            _copy(layer.value, weights, named + "attention.self.value")
            _copy(layer.attended, weights, named + "attention.output.dense")
            _copy(layer.attended_norm, weights, named + "attention.output.LayerNorm")
            _copy(layer.inner, weights, named + "intermediate.dense")
            _copy(layer.outer, weights, named + "output.dense")
            _copy(layer.outer_norm, weights, named + "output.LayerNorm")


def principal(embeddings: Tensor, width: int) -> Tensor:
    """The embeddings' first principal components, scaled to a spread of one tenth."""
    centred = embeddings - embeddings.mean(dim=0)
    _, _, directions = torch.linalg.svd(centred.T @ centred)
    reduced = centred @ directions[:width].T
    return reduced * (0.1 / reduced.std())


def _copy(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    module.bias.copy_(weights[f"{name}.bias"])
