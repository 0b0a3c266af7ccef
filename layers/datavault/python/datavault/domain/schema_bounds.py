"""What a dataset's JSON Schema may say, of draft 2020-12, and how large it may be.

A schema is somebody's program that runs on somebody's records, so what it can cost is bounded
before it is compiled: its bytes, its depth, its patterns, and how often it can have one value
looked at (``domain.schema_cost``). It stands alone: a ``$ref`` points into the schema itself, and
nothing is fetched. ``format`` is a note, as the draft has it by default; ``pattern`` is matched in
time linear in the text, so that it has no look-around and no references back.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from datavault.domain.errors import Invalid, TooLarge
from datavault.domain.record_schema import RecordSchema
from datavault.domain.schema_cost import require_affordable
from datavault.domain.schema_tree import SchemaTree

SCHEMA_BYTES_MAX = 64 * 1024
SCHEMA_NESTING_MAX = 64
# Each may be 256 KiB when compiled, and its tables for matching as much (``adapters.json_schema``).
PATTERNS_MAX = 100
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def parse_record_schema(document: Mapping[str, object]) -> RecordSchema:
    """The schema in JSON values.

    Raises:
        TooLarge: it has too many bytes.
        Invalid: it is nested too deeply, has too many patterns or could have one value looked at
            too often; it is of another draft, has a keyword that is not taken, or a reference to
            somewhere else. The place is a JSON pointer into the schema.
    """
    text = _encoded(document)
    if len(text) > SCHEMA_BYTES_MAX:
        raise TooLarge(
            f"a schema has at most {SCHEMA_BYTES_MAX} bytes as compact JSON; this has {len(text)}",
            field="schema",
        )
    # Counted in the text that is kept, so that what is read back was seen.
    schema = RecordSchema(text)
    _require_bounded(schema.document)
    if document.get("$schema", DIALECT) not in {DIALECT, f"{DIALECT}#"}:
        raise Invalid("a schema is of draft 2020-12", field="schema/$schema")
    require_affordable(SchemaTree.of(schema.document))
    return schema


def _encoded(document: Mapping[str, object]) -> bytes:
    # Our own error is raised outside, so that the text is not in the chain.
    with suppress(RecursionError, ValueError):
        return json.dumps(
            document, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    raise Invalid(
        f"a schema is nested at most {SCHEMA_NESTING_MAX} deep, with numbers that are doubles and"
        " strings of whole characters",
        field="schema",
    )


def _require_bounded(document: dict[str, object]) -> None:
    depth = patterns = 0
    for value, level in _values(document):
        depth = max(depth, level)
        if isinstance(value, dict):
            named = value.get("patternProperties")
            patterns += isinstance(value.get("pattern"), str)
            patterns += len(named) if isinstance(named, dict) else 0
    if depth > SCHEMA_NESTING_MAX:
        raise Invalid(f"nested at most {SCHEMA_NESTING_MAX} deep, this is {depth}", field="schema")
    if patterns > PATTERNS_MAX:
        raise Invalid(f"at most {PATTERNS_MAX} patterns, this has {patterns}", field="schema")


def _values(document: dict[str, object]) -> Iterator[tuple[object, int]]:
    """Every object and array in the schema, and how deep it lies; the schema itself at 1."""
    left: list[tuple[object, int]] = [(document, 1)]
    while left:
        value, level = left.pop()
        yield value, level
        assert isinstance(value, dict | list), "nothing else is put here"
        within = value.values() if isinstance(value, dict) else value
        left += [(each, level + 1) for each in within if isinstance(each, dict | list)]
