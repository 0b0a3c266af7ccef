"""The subschemas of a JSON Schema that a record can meet, and how they lead to each other.

A *node* is a subschema that the root leads to. From a node, some keywords apply other nodes to the
same value (``allOf``, ``$ref``), others to its members or items. Nodes are found by where they
are, so that a reference leads to the node itself and recursion is a cycle. What is no schema is
passed over here: the compiler refuses it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from datavault.domain.errors import Invalid

# Of older drafts, or such that where a reference leads depends on the way to it.
_NOT_TAKEN = (
    *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor"),
    *("$vocabulary", "dependencies", "additionalItems"),
)
_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE = ("not", "if", "then", "else")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")

type Pointer = tuple[str, ...]
type Nodes = tuple[int, ...]


@dataclass(slots=True)
class Node:
    """A subschema, and the numbers of those it leads to.

    Of ``member_any`` one applies to a member, of ``member_all`` each may; so for items.
    """

    keywords: dict[str, object]
    same: list[int] = field(default_factory=list)
    member_any: list[int] = field(default_factory=list)
    member_all: list[int] = field(default_factory=list)
    item_any: list[int] = field(default_factory=list)
    item_all: list[int] = field(default_factory=list)

    @property
    def has_unevaluated(self) -> bool:
        """Whether it asks what its other keywords have looked at."""
        return any(name in self.keywords for name in _UNEVALUATED)


@dataclass(frozen=True, slots=True)
class SchemaTree:
    """All nodes, the root first. ``names`` are those that the schema has for members;
    ``references`` are the pointers of its references."""

    nodes: tuple[Node, ...]
    names: frozenset[str]
    references: frozenset[Pointer]

    @classmethod
    def of(cls, document: dict[str, object]) -> "SchemaTree":
        """The nodes that the root of ``document`` leads to, which hold its own objects.

        Raises:
            Invalid: one has a keyword that is not taken, or a reference to somewhere else.
        """
        walk = _Walk(document)
        walk.number((), document)
        for at, (pointer, node) in walk.entered():
            walk.lead(at, pointer, node)
        return cls(tuple(walk.nodes), frozenset(walk.names), frozenset(walk.references))


class _Walk:
    """Nodes found so far, by pointer."""

    def __init__(self, document: dict[str, object]) -> None:
        self.nodes: list[Node] = []
        self.names: set[str] = set()
        self.references: set[Pointer] = set()
        self._document = document
        self._pointers: list[Pointer] = []
        self._numbers: dict[Pointer, int] = {}

    def number(self, pointer: Pointer, schema: object) -> list[int]:
        """The node at a pointer; none for what is true, false, or no schema."""
        if not isinstance(schema, dict):
            return []
        if pointer not in self._numbers:
            self._numbers[pointer] = len(self.nodes)
            self.nodes.append(Node(schema))
            self._pointers.append(pointer)
        return [self._numbers[pointer]]

    def entered(self) -> Iterator[tuple[int, tuple[Pointer, Node]]]:
        """Each node once, those included that are found meanwhile."""
        at = 0
        while at < len(self.nodes):
            yield at, (self._pointers[at], self.nodes[at])
            at += 1

    def lead(self, at: int, pointer: Pointer, node: Node) -> None:
        """Find where a node leads to."""
        _require_taken(pointer, node.keywords, is_root=at == 0)
        one, many, named = self._one, self._list, self._map
        node.same += [each for key in _SAME_VALUE for each in one(pointer, node, key)]
        node.same += [each for key in _SAME_VALUE_LISTS for each in many(pointer, node, key)]
        node.same += named(pointer, node, "dependentSchemas")
        node.same += self._reference(pointer, node)
        node.member_any += named(pointer, node, "properties")
        node.member_any += one(pointer, node, "additionalProperties")
        node.member_all += named(pointer, node, "patternProperties")
        node.member_all += one(pointer, node, "propertyNames")
        node.member_all += one(pointer, node, "unevaluatedProperties")
        node.item_any += [*many(pointer, node, "prefixItems"), *one(pointer, node, "items")]
        node.item_all += one(pointer, node, "contains")
        node.item_all += one(pointer, node, "unevaluatedItems")
        self._name(node)

    def _name(self, node: Node) -> None:
        properties, required = node.keywords.get("properties"), node.keywords.get("required")
        if isinstance(properties, dict):
            self.names.update(properties)
        if isinstance(required, list):
            self.names.update(name for name in required if isinstance(name, str))

    def _one(self, pointer: Pointer, node: Node, keyword: str) -> list[int]:
        return self.number((*pointer, keyword), node.keywords.get(keyword))

    def _list(self, pointer: Pointer, node: Node, keyword: str) -> list[int]:
        held = node.keywords.get(keyword)
        if not isinstance(held, list):
            return []
        pairs = ((str(index), each) for index, each in enumerate(held))
        return self._all((*pointer, keyword), pairs)

    def _map(self, pointer: Pointer, node: Node, keyword: str) -> list[int]:
        held = node.keywords.get(keyword)
        return self._all((*pointer, keyword), held.items()) if isinstance(held, dict) else []

    def _all(self, pointer: Pointer, held: Iterable[tuple[str, object]]) -> list[int]:
        return [number for name, each in held for number in self.number((*pointer, name), each)]

    def _reference(self, pointer: Pointer, node: Node) -> list[int]:
        reference = node.keywords.get("$ref")
        if not isinstance(reference, str):
            return []
        target = _parsed(reference)
        if target is None:
            raise Invalid(
                "a $ref is # or #/ and a JSON pointer into this schema",
                field=_field((*pointer, "$ref")),
            )
        found: object = self._document
        for depth, part in enumerate(target):
            if depth and isinstance(found, dict) and isinstance(found.get("$id"), str):
                raise Invalid("only the schema itself has an $id", field=_field(target[:depth]))
            found = _member(found, part)
        if found is None:
            raise Invalid("leads to nothing", field=_field((*pointer, "$ref")))
        self.references.add(target)
        return self.number(target, found)


def _parsed(reference: str) -> Pointer | None:
    """A fragment's JSON pointer (RFC 6901, section 6); ``None`` if it is another reference."""
    if reference == "#":
        return ()
    if not reference.startswith("#/"):
        return None
    parts = unquote(reference[2:]).split("/")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def _member(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return None


def _require_taken(pointer: Pointer, keywords: dict[str, object], *, is_root: bool) -> None:
    for name in _NOT_TAKEN:
        if name in keywords:
            raise Invalid("this keyword is not taken", field=_field((*pointer, name)))
    for name in ("$id", "$schema"):
        if name in keywords and not is_root:
            raise Invalid(f"only the schema itself has an {name}", field=_field((*pointer, name)))


def _field(pointer: Pointer) -> str:
    shown = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in pointer)
    return f"schema{shown[:512]}"
