"""The JSON Schema of a dataset's records, and why a record does not match it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from datavault.domain.errors import Invalid

# A longer name is not shown, and a longer pointer is cut.
NAME_CHARS_MAX = 128
POINTER_CHARS_MAX = 512


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """A schema within all bounds, as compact JSON; whether it is one, its compilation says."""

    text: bytes

    @property
    def takes_all(self) -> bool:
        """Whether it asks for nothing: to set it is to have none."""
        return self.text == b"{}"

    @property
    def document(self) -> dict[str, object]:
        """The schema as JSON values, a new copy."""
        found: dict[str, object] = json.loads(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a record does not match: the keyword that refuses it, and where in the record; both
    empty if no reason can be given.

    In the JSON pointer a member's name is what the schema calls it; a name that the schema does
    not have may be somebody's, and is ``*``. Of what is required and missing it is the place where
    it would be.
    """

    keyword: str
    pointer: str

    def error(self, field: str) -> Invalid:
        """What the record, called ``field``, is refused with."""
        where = f" at {self.pointer}" if self.pointer else ""
        why = f": {self.keyword}" if self.keyword else ""
        return Invalid(
            f"does not match the dataset's schema{where}{why}", field=f"{field}{self.pointer}"
        )


def pointer_of(path: Sequence[str | int], known: frozenset[str]) -> str:
    """A place in a record as a JSON pointer, with the names that the schema has.

    RFC 6901, but for ``*`` in place of any other name.
    """
    parts = [str(part) if isinstance(part, int) else _shown(part, known) for part in path]
    pointer = "".join(f"/{part}" for part in parts)
    return pointer if len(pointer) <= POINTER_CHARS_MAX else pointer[:POINTER_CHARS_MAX] + "..."


def _shown(name: str, known: frozenset[str]) -> str:
    if name not in known or len(name) > NAME_CHARS_MAX:
        return "*"
    return name.replace("~", "~0").replace("/", "~1")
