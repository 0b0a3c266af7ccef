"""A schema rewritten so that telling why a record does not match costs no more than checking it.

A validator that tells why no branch of ``anyOf`` or ``oneOf`` matches collects every error of
every branch: of a list of a million strings where numbers are meant, a million errors, gigabytes.
Of ``not`` it collects nothing. So each such keyword becomes ``{"not": {"not": {keyword: ...}}}``,
which refuses the same records. What asks for unevaluated members would no longer see what those
branches evaluate; it is left out, and is the reason where there is no other. Where leaving it out
could refuse a record that was taken, below ``not`` and its like, no reason is given.
"""

from dataclasses import dataclass

from datavault.domain.record_schema import Mismatch, RecordSchema, pointer_of
from datavault.domain.schema_tree import SchemaTree

_BRANCHING = ("anyOf", "oneOf")
_LEFT_OUT = ("unevaluatedProperties", "unevaluatedItems")
# Under these, asking less of a value can be asking more.
_TURNING = ("not", "if", "oneOf", "contains")


@dataclass(frozen=True, slots=True)
class Reasons:
    """A schema to find reasons with: ``document``, or ``None`` if none can be given.

    ``left_out`` is the keyword that refuses a record which ``document`` takes; empty if none does.
    """

    document: dict[str, object] | None
    left_out: str
    names: frozenset[str]

    @classmethod
    def of(cls, schema: RecordSchema) -> "Reasons":
        """That of a schema."""
        document = schema.document
        tree = SchemaTree.of(document)
        moved = {*_BRANCHING, *_LEFT_OUT}
        leaves_out = any(node.has_unevaluated for node in tree.nodes)
        turns = any(keyword in node.keywords for node in tree.nodes for keyword in _TURNING)
        if (leaves_out and turns) or any(moved & {*pointer} for pointer in tree.references):
            return cls(None, "", tree.names)
        left_out = ""
        for node in tree.nodes:
            for keyword in _LEFT_OUT:
                if node.keywords.pop(keyword, None) is not None:
                    left_out = keyword
            wrapped = [
                {"not": {"not": {keyword: node.keywords.pop(keyword)}}}
                for keyword in _BRANCHING
                if keyword in node.keywords
            ]
            held = node.keywords.get("allOf", [])
            if wrapped and isinstance(held, list):
                node.keywords["allOf"] = [*held, *wrapped]
        return cls(document, left_out, tree.names)

    def mismatch(
        self,
        keyword: str,
        instance_path: list[str | int],
        schema_path: list[str | int],
        missing: str | None,
    ) -> Mismatch:
        """The reason that a validator of ``document`` gives. ``missing`` is a required member."""
        if keyword == "not":
            keyword = self._meant(schema_path)
        path = instance_path if missing is None else [*instance_path, missing]
        return Mismatch(keyword, pointer_of(path, self.names))

    def unknown(self) -> Mismatch:
        """The reason where a validator of ``document`` gives none."""
        return Mismatch(self.left_out, "")

    def _meant(self, schema_path: list[str | int]) -> str:
        """What a ``not`` of ``document`` stands for in the schema."""
        found: object = self.document
        for part in [*schema_path, "not"]:
            if isinstance(found, dict):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int):
                found = found[part]
        (only,) = found if isinstance(found, dict) and len(found) == 1 else ("not",)
        return only if only in _BRANCHING else "not"
