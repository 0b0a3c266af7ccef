"""A JSON text as its leaves, each with its place and its bytes, and the text with leaves changed.

Leaves are keys, strings, numbers, ``true`` and ``false``. Whatever is not changed stays as it is,
byte for byte: white space, the spelling of numbers, escapes in strings, also those beside a
change within one string.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import msgspec

from datavault.domain.errors import Invalid, TooLarge
from datavault.domain.json_text import require_json, require_shallow
from datavault.domain.privacy.pointers import Tokens
from datavault.domain.records import RECORD_BYTES_MAX

# 60 MB of leaves at most while a record is worked on.
LEAVES_MAX = 200_000
# Commas, colons and white space tell nothing that valid JSON does not tell without them.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|[^ \t\r\n{}\[\],:"]++', re.DOTALL)
# A string's characters as they are written, one code point each.
_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]",
    re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
# First bytes of tokens; those in ``_STRUCTURE`` begin no leaf.
_OBJECT, _ARRAY, _NULL, _QUOTE = b'{[n"'
_TRUTHS = b"tf"
_STRUCTURE = frozenset(b"{}[]n")


class LeafKind(Enum):
    """What a leaf is in the text."""

    KEY = auto()
    STRING = auto()
    NUMBER = auto()
    TRUTH = auto()


# Places and leaves are made by the hundred thousand, and freezing them takes half of the walk's
# time; nobody changes them.
@dataclass(slots=True, eq=False)
class Place:
    """Where a value stands: in which place, and there under which token.

    ``owner`` is the number of the object of which the token is a key; ``None`` in an array.
    """

    within: "Place | None"
    token: str
    owner: int | None

    def path(self) -> Iterator["Place"]:
        """The places from the outermost to this one."""
        found = [self]
        while (outer := found[-1].within) is not None:
            found.append(outer)
        return reversed(found)


def tokens_of(place: Place | None) -> Tokens:
    """The reference tokens that lead there."""
    return () if place is None else tuple(each.token for each in place.path())


@dataclass(slots=True, eq=False)
class Leaf:
    """Bytes ``[start, end)`` of the text. ``text`` is the string, or the number as written.

    A key's ``place`` is that of the value that it names.
    """

    kind: LeafKind
    start: int
    end: int
    text: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Edit:
    """``text[start:end]`` of a leaf, in code points, becomes ``text``."""

    start: int
    end: int
    text: str


class Notation(Protocol):
    """How a record is written: where its leaves are in it, and what it is with some changed."""

    def leaves(self, body: bytes, field: str, /) -> list[Leaf]:
        """The leaves in their order; raises, with ``field``, what is wrong with ``body``."""
        ...

    def rewritten(self, body: bytes, changes: Iterable[tuple[Leaf, Sequence[Edit]]], /) -> bytes:
        """``body`` with the leaves changed, which come in its order, and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class JsonNotation:
    """JSON texts of so many bytes and leaves, named in errors by what they are."""

    what: str = "a record"
    bytes_max: int = RECORD_BYTES_MAX
    leaves_max: int = LEAVES_MAX

    def leaves(self, body: bytes, field: str, /) -> list[Leaf]:
        """As ``read_leaves``."""
        if len(body) > self.bytes_max:
            told = f"{self.what} has at most {self.bytes_max} bytes, this has {len(body)}"
            raise TooLarge(told, field=field)
        require_json(body, field)
        require_shallow(body, field)
        leaves: list[Leaf] = []
        for leaf in _walk(body, field):
            if len(leaves) == self.leaves_max:
                told = f"{self.what} has at most {self.leaves_max} keys and values"
                raise TooLarge(told, field=field)
            leaves.append(leaf)
        return leaves

    def rewritten(self, body: bytes, changes: Iterable[tuple[Leaf, Sequence[Edit]]], /) -> bytes:
        """``body`` with the leaves changed; a number or a truth that is none becomes a string."""
        return rewritten(body, changes, _literal)


RECORDS = JsonNotation()


def read_leaves(body: bytes, field: str) -> list[Leaf]:
    """The leaves of one JSON text (RFC 8259), in its order.

    Raises:
        Malformed: not UTF-8, or not JSON.
        TooLarge: more than ``RECORD_BYTES_MAX`` bytes, or more than ``LEAVES_MAX`` leaves.
        Invalid: nested too deep, or a key stands twice in an object.
    """
    return RECORDS.leaves(body, field)


class _Container:
    """An object or an array that has begun and not ended."""

    __slots__ = ("count", "key", "keys", "owner", "place")

    def __init__(self, place: Place | None, owner: int | None) -> None:
        self.place = place
        self.owner = owner
        self.key: Place | None = None
        self.keys: set[str] = set()
        self.count = 0

    def next_place(self) -> Place | None:
        """Where the value stands that begins now."""
        if self.owner is None:
            self.count += 1
            return Place(self.place, str(self.count - 1), None)
        place, self.key = self.key, None
        return place

    def named(self, text: str) -> Place | None:
        """Where the value will stand that is called so; ``None`` if another one is."""
        if text in self.keys:
            return None
        self.keys.add(text)
        self.key = Place(self.place, text, self.owner)
        return self.key


class _Top:
    """Around the outermost value."""

    __slots__ = ()
    owner = key = None

    def next_place(self) -> None:
        return None


def _walk(body: bytes, field: str) -> Iterator[Leaf]:
    """One pass over valid JSON; a line for each kind of token, as there are many of them."""
    around: list[_Container | _Top] = [_Top()]
    inside: _Container | _Top = around[0]
    objects = 0
    for found in _TOKEN.finditer(body):
        token = found[0]
        first = token[0]
        if first == _QUOTE:
            text: str = msgspec.json.decode(token) if b"\\" in token else token[1:-1].decode()
            if inside.owner is None or inside.key is not None:
                yield Leaf(LeafKind.STRING, *found.span(), text, inside.next_place())
                continue
            place = inside.named(text)
            if place is None:
                raise Invalid("a key stands twice in one object", field=field)
            yield Leaf(LeafKind.KEY, *found.span(), text, place)
        elif first not in _STRUCTURE:
            kind = LeafKind.TRUTH if first in _TRUTHS else LeafKind.NUMBER
            yield Leaf(kind, *found.span(), token.decode(), inside.next_place())
        elif first == _OBJECT:
            inside = _Container(inside.next_place(), objects)
            around.append(inside)
            objects += 1
        elif first == _ARRAY:
            inside = _Container(inside.next_place(), None)
            around.append(inside)
        elif first == _NULL:
            inside.next_place()
        else:
            around.pop()
            inside = around[-1]


def edited(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with the edits made: they are in order and do not overlap."""
    return "".join(_pieces(text, edits))


def rewritten(
    body: bytes,
    changes: Iterable[tuple[Leaf, Sequence[Edit]]],
    literal: Callable[[bytes, Leaf, Sequence[Edit]], bytes],
) -> bytes:
    """``body`` with the leaves changed, which come in its order: each as ``literal`` writes it."""
    parts: list[bytes] = []
    at = 0
    for leaf, edits in changes:
        parts += [body[at : leaf.start], literal(body[leaf.start : leaf.end], leaf, edits)]
        at = leaf.end
    return b"".join((*parts, body[at:]))


def _literal(literal: bytes, leaf: Leaf, edits: Sequence[Edit]) -> bytes:
    if leaf.kind in {LeafKind.NUMBER, LeafKind.TRUTH}:
        text = edited(leaf.text, edits)
        return text.encode() if _NUMBER.fullmatch(text) else msgspec.json.encode(text)
    raw = literal[1:-1].decode()
    units = _UNIT.findall(raw) if "\\" in raw else raw
    escaped = [Edit(each.start, each.end, _escaped(each.text)) for each in edits]
    return f'"{"".join(_pieces(units, escaped))}"'.encode()


def _pieces(units: Sequence[str], edits: Iterable[Edit]) -> Iterator[str]:
    """``units`` are code points, each as it is written."""
    at = 0
    for edit in edits:
        yield "".join(units[at : edit.start])
        yield edit.text
        at = edit.end
    yield "".join(units[at:])


def _escaped(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()
