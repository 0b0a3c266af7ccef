"""Texts as a names model reads them: word pieces, and how each was written.

The vocabulary is in lower case and without accents; what it thereby forgets of a piece (its case,
whether a space or a line break stands before it, letters beyond ASCII) comes back as its shape.
The training script reads texts through this module, so that a model sees what it was trained on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

SHAPES = 36
# What is given to the tokenizer at once; it keeps some hundred bytes a character.
STRETCH_CHARACTERS_MAX = 4096

_SPACE, _LINE, _UPPER, _CASED = 1, 2, 4, 8
# Letters with case beyond the Basic Multilingual Plane are a few historic scripts.
_CLASSED = 0x10000
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of some texts, one row each, text after text.

    Those of text ``t`` are ``bounds[t]`` to ``bounds[t + 1]``. ``starts`` and ``ends`` count code
    points of all texts behind one another with one more between; text ``t`` begins at
    ``offsets[t]``. ``heads`` are true where a word or a mark begins, false where a piece goes on
    with the one before it.
    """

    ids: NDArray[np.int32]
    shapes: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    heads: NDArray[np.bool_]
    bounds: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Reader:
    """A tokenizer; ``going_on`` tells of each id of its vocabulary whether it continues a word."""

    tokenizer: Tokenizer
    going_on: NDArray[np.bool_]

    @classmethod
    def of(cls, tokenizer_json: str) -> "Reader":
        """By the form in which the library ``tokenizers`` keeps its tokenizers."""
        tokenizer = Tokenizer.from_str(tokenizer_json)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        going_on = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_)
        for token, number in tokenizer.get_vocab().items():
            going_on[number] = token.startswith("##")
        return cls(tokenizer, going_on)

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Read texts, whatever they hold and however long they are."""
        ids: list[int] = []
        ends: list[tuple[int, int]] = []
        bounds, offsets, moves = [0], [], []
        at = 0
        for text in texts:
            # The tokenizer takes no lone surrogates; a character for each keeps the offsets.
            readable = text if text.isascii() else _SURROGATE.sub("\ufffd", text)
            for start, end in _stretches(readable):
                encoding = self.tokenizer.encode(readable[start:end], add_special_tokens=False)
                ids += encoding.ids
                ends += encoding.offsets
                moves.append((at + start, len(encoding.ids)))
            bounds.append(len(ids))
            offsets.append(at)
            at += len(text) + 1
        moved = np.repeat(*np.array(moves, dtype=np.int64).reshape(-1, 2).T)
        places = np.array(ends, dtype=np.int64).reshape(-1, 2) + moved[:, None]
        numbers = np.array(ids, dtype=np.int32)
        heads = ~self.going_on[numbers]
        # A text may be cut within a word, and no word goes on into the next text.
        firsts = np.array(bounds[:-1], dtype=np.int64)
        heads[firsts[firsts < len(heads)]] = True
        shapes = _shapes("\n".join(texts), places[:, 0], places[:, 1])
        return Pieces(
            numbers,
            shapes,
            places[:, 0],
            places[:, 1],
            heads,
            np.array(bounds, dtype=np.int64),
            np.array(offsets, dtype=np.int64),
        )


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where to cut a long text, at spaces if there are any, so that reading takes linear time."""
    start = 0
    while len(text) - start > STRETCH_CHARACTERS_MAX:
        limit = start + STRETCH_CHARACTERS_MAX
        cut = max(text.rfind(" ", start, limit), text.rfind("\n", start, limit))
        end = cut if cut > start else limit
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)


def _shapes(text: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int32]:
    """Six ways of case times three of what stands before times two of alphabet."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = _classes()[np.minimum(codes, _CLASSED - 1)]
    uppers, cased = _running(classes & _UPPER), _running(classes & _CASED)
    upper_count = uppers[ends] - uppers[starts]
    cased_count = cased[ends] - cased[starts]
    first_upper = uppers[starts + 1] > uppers[starts]
    case = np.full(len(starts), 5, dtype=np.int32)
    case[(upper_count == 1) & first_upper] = 2
    case[(upper_count == cased_count) & (cased_count > 1)] = 3
    case[(upper_count == 1) & (ends - starts == 1)] = 4
    case[upper_count == 0] = 1
    case[cased_count == 0] = 0
    spaces, lines, wide = (
        _running(classes & _SPACE),
        _running(classes & _LINE),
        _running(codes > 127),
    )
    since = np.zeros_like(starts)
    since[1:] = ends[:-1]
    before = (spaces[starts] > spaces[since]).astype(np.int32)
    before[lines[starts] > lines[since]] = 2
    before[:1] = 2
    return case * 6 + before * 2 + (wide[ends] > wide[starts])


def _running(marks: NDArray[np.generic]) -> NDArray[np.int64]:
    """How many are marked before each place, and one more for the end."""
    counts = np.zeros(len(marks) + 1, dtype=np.int64)
    np.cumsum(marks.astype(np.bool_), out=counts[1:])
    return counts


@cache
def _classes() -> NDArray[np.uint8]:
    classes = np.zeros(_CLASSED, dtype=np.uint8)
    for code in range(_CLASSED):
        character = chr(code)
        if character.isspace():
            classes[code] = _SPACE | (_LINE if character in "\n\r\v\f\x85\u2028\u2029" else 0)
        elif character.isupper() or character.istitle():
            classes[code] = _UPPER | _CASED
        elif character.islower():
            classes[code] = _CASED
    return classes
