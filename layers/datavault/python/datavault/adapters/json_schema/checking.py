"""``Schemas`` on jsonschema-rs: records are decoded some at a time and checked in Rust.

The validator takes Python objects and no JSON text, so that each record is decoded whole; decoding
and checking are one native call each for a MiB of records, and hold the interpreter's lock.

Nothing of a foreign error goes on: its message and its ``instance`` hold the value.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cached_property

import jsonschema_rs
import msgspec

from datavault.domain.cache import BoundedCache
from datavault.domain.errors import Invalid
from datavault.domain.record_schema import Mismatch, RecordSchema
from datavault.domain.schema_reasons import Reasons
from datavault.schema_ports import RecordChecker

# Decoded, a MiB of chats is 2 MiB, and one of the smallest values some 30.
PIECE_BYTES = 1024 * 1024
# A pattern's automaton, and the tables that a thread fills while matching it. Some 20,000
# characters of a pattern fit, or 1000 repetitions of a letter; not 200 of any letter of Unicode.
PATTERN_BYTES_MAX = 256 * 1024
# What held schemas cost: their text, and as much as a pattern may have for each that they have.
HELD_BYTES_MAX = 64 * 1024 * 1024


class CompiledSchemas:
    """Keeps ``Schemas``; the least recently used goes first."""

    def __init__(self) -> None:
        self._held: BoundedCache[str, RecordChecker] = BoundedCache(HELD_BYTES_MAX)

    def held(self, name: str) -> RecordChecker | None:
        return self._held.get(name)

    def compile(self, name: str, schema: RecordSchema) -> RecordChecker:
        made = _Checker(schema)
        patterns = schema.text.count(b'"pattern')
        cost = 16 * len(schema.text) + patterns * 2 * PATTERN_BYTES_MAX
        self._held.put(name, made, cost=min(cost, HELD_BYTES_MAX))
        return made


class _Checker:
    """Keeps ``RecordChecker``."""

    def __init__(self, schema: RecordSchema) -> None:
        self._schema = schema
        self._fits = _compiled(schema.text.decode()).is_valid

    def mismatches(self, bodies: Sequence[bytes]) -> Mapping[int, Mismatch]:
        found: dict[int, Mismatch] = {}
        for first, records in _decoded(bodies):
            fits = list(map(self._fits, records))
            if not all(fits):
                for index, record in enumerate(records):
                    if not fits[index]:
                        found[first + index] = self._reason(record)
        return found

    def _reason(self, record: object) -> Mismatch:
        reasons, validator = self._reasons
        if validator is None:
            return reasons.unknown()
        error = _first_error(validator, record)
        if error is None:
            return reasons.unknown()
        kind = error.kind
        missing = kind.property if isinstance(kind, _Required) else None
        return reasons.mismatch(kind.name, error.instance_path, error.schema_path, missing)

    @cached_property
    def _reasons(self) -> tuple[Reasons, jsonschema_rs.Validator | None]:
        """Made for the first record that does not match."""
        reasons = Reasons.of(self._schema)
        if reasons.document is None:
            return reasons, None
        return reasons, _compiled(json.dumps(reasons.document))


def _first_error(
    validator: jsonschema_rs.Validator, record: object
) -> jsonschema_rs.ValidationError | None:
    try:
        validator.validate(record)
    except jsonschema_rs.ValidationError as error:
        return error
    return None


_Required = jsonschema_rs.ValidationErrorKind.Required


def _compiled(text: str) -> jsonschema_rs.Validator:
    place: str | None = None
    try:
        return jsonschema_rs.Draft202012Validator(
            text,
            offline=True,
            validate_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX
            ),
        )
    except jsonschema_rs.ValidationError as error:
        parts = [str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path]
        place = "".join(f"/{part}" for part in parts)
        keyword = error.kind.name
    # Of formats, the draft's own schema asserts that of patterns alone.
    raise Invalid(
        f"a pattern has at most {PATTERN_BYTES_MAX} bytes when compiled, no look-around and no"
        " reference back"
        if keyword == "format"
        else f"no JSON Schema of draft 2020-12 has this here: {keyword}",
        field=f"schema{place[:512]}",
    )


def _decoded(bodies: Sequence[bytes]) -> Iterator[tuple[int, list[object]]]:
    """The records as Python objects, some at a time, and the index of the first of them."""
    first = size = 0
    for index, body in enumerate(bodies):
        if size and size + len(body) > PIECE_BYTES:
            yield first, _objects(bodies[first:index])
            first, size = index, 0
        size += len(body)
    if size:
        yield first, _objects(bodies[first:])


def _objects(bodies: Sequence[bytes]) -> list[object]:
    with suppress(msgspec.DecodeError):
        return list(map(msgspec.json.decode, bodies))
    # One has a number that is no double.
    return [json.loads(body, parse_float=Decimal) for body in bodies]
