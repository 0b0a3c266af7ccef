"""How records are checked by their dataset's JSON Schema, with the same promises as ``ports``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Most functions meet no schema.
    from datavault.domain.record_schema import Mismatch, RecordSchema


class RecordChecker(Protocol):
    """A compiled schema. Any thread may use it."""

    def mismatches(self, bodies: Sequence[bytes]) -> "Mapping[int, Mismatch]":
        """Those of some records that do not match, by index, each with one reason.

        The records are valid ones (``domain.records``). Memory is that of a few MiB of them as
        Python objects, however many there are.
        """
        ...


class Schemas(Protocol):
    """Compiled schemas (JSON Schema, draft 2020-12), of which a process holds some by name.

    Nothing is fetched for a schema, whatever it refers to; ``format`` refuses nothing; a pattern
    takes time linear in the text.
    """

    def held(self, name: str) -> RecordChecker | None:
        """The schema that was compiled under a name, if it is still held."""
        ...

    def compile(self, name: str, schema: "RecordSchema") -> RecordChecker:
        """Compile a schema, and hold it under a name that no other schema has.

        Raises:
            Invalid: it is none: the place is a JSON pointer into it. Or a pattern is none that
                can be matched in linear time, or is too large when compiled.
        """
        ...


class Checking(Protocol):
    """What a vault has of these."""

    @property
    def schemas(self) -> Schemas: ...
