"""Which files of many are read, in what order and as what: a manifest, or the names of a folder.

A folder is laid out as data sets on the Hugging Face Hub are: shards named
``train-00000-of-00002.parquet`` in any folder, or files named or put into folders after their
split. Everything is decided by the names alone, so that the same names always give the same order.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import msgspec

from datavault.domain.count_bounds import CountBounds
from datavault.domain.errors import Invalid, Malformed, TooLarge
from datavault.domain.formats.detect import Shape
from datavault.domain.json_text import REFUSALS

SOURCES_MAX = 1_000_000
MANIFEST_BYTES_MAX = 256 * 1024 * 1024
NAME_BYTES_MAX = 1024  # As long as a key of S3 may be.

_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
_ORDER = {"train": 0, "validation": 1, "test": 2}
_SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>[0-9]{5,})-of-(?P<count>[0-9]{5,})(?:-[0-9a-f]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_DIGITS = re.compile(r"([0-9]+)")
_SHAPES = {
    ".ndjson": Shape.NDJSON,
    ".jsonl": Shape.NDJSON,
    ".json": None,  # Lines or an array: its content says.
    ".csv": Shape.CSV,
    ".tsv": Shape.TSV,
    ".tab": Shape.TSV,
    ".txt": Shape.TEXT_LINES,
    ".text": Shape.TEXT_LINES,
    ".parquet": Shape.PARQUET,
}
_COMPRESSED = (".gz", ".zst")
# What lies beside the data in such a folder; names that begin with a dot or underscore do too.
_BESIDE = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read. What it is, its content says where ``shape`` does not."""

    name: str
    split: str | None
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What somebody wants of many files: which, and how many records in all of them."""

    sources: tuple[Source, ...]
    count_bounds: CountBounds


# As the API has it: beyond this, JSON numbers are not the same for every reader.
type _Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    split: str | None = None
    format: Shape | None = None


class _Listing(msgspec.Struct, forbid_unknown_fields=True):
    files: list[_Entry]
    min_records: _Count | None = None
    max_records: _Count | None = None


def sources_in(names: Iterable[str]) -> tuple[Source, ...]:
    """The files of a folder that have data, by split, then by name with numbers as numbers.

    Known by the ends of their names, with ``.gz`` or ``.zst`` after them or not; others are left
    out, as are hidden ones and those that describe a data set.

    Raises:
        Invalid: a name stands twice, or of numbered shards one is missing.
        TooLarge: there are more than ``SOURCES_MAX``.
    """
    found = [
        Source(name, _split_of(name), shape)
        for name in names
        if not _is_beside(name)
        for is_data, shape in [_shape_of(name)]
        if is_data
    ]
    _require_sound(found)
    _require_whole(found)
    return tuple(sorted(found, key=_place))


def parse_manifest(text: bytes) -> Manifest:
    """The files that a manifest lists, in its order, and bounds for the number of their records.

    A manifest is a JSON list of objects: ``{"name": "a/b.csv.gz", "split": "train", "format":
    "csv"}``, of which only the name is required; or an object ``{"files": [...], "min_records":
    1, "max_records": 9}`` of such a list and bounds, either or both.

    Raises:
        Malformed: no such list or object.
        Invalid: it is empty, a name is empty, too long or there twice, or the bounds exclude all.
        TooLarge: it is over ``MANIFEST_BYTES_MAX`` or ``SOURCES_MAX``.
    """
    if len(text) > MANIFEST_BYTES_MAX:
        raise TooLarge(f"a manifest has at most {MANIFEST_BYTES_MAX} bytes; this has {len(text)}")
    listing: list[_Entry] | _Listing | None = None
    # Our own error is raised outside, so that the text is not in the chain.
    with suppress(*REFUSALS):
        listing = msgspec.json.decode(text, type=list[_Entry] | _Listing)
    if listing is None:
        raise Malformed(
            f"a manifest is a JSON list of objects with name, split and format, or an object with"
            f" files, min_records and max_records; these {len(text)} bytes are not"
        )
    if isinstance(listing, list):
        listing = _Listing(listing)
    found = [Source(entry.name, entry.split, entry.format) for entry in listing.files]
    if not found:
        raise Invalid("the manifest lists no file")
    _require_sound(found)
    bounds = CountBounds.of(listing.min_records, listing.max_records)
    return Manifest(tuple(found), bounds)


def _shape_of(name: str) -> tuple[bool, Shape | None]:
    """Whether a name is that of data, and what it says of their shape."""
    lower = name.lower()
    for end in _COMPRESSED:
        lower = lower.removesuffix(end)
    for end, shape in _SHAPES.items():
        if lower.endswith(end):
            return True, shape
    return False, None


def _is_beside(name: str) -> bool:
    parts = name.split("/")
    return parts[-1] in _BESIDE or any(part.startswith((".", "_")) for part in parts)


def _split_of(name: str) -> str | None:
    """The split that the file's name begins with or has as a word, or else that of a folder."""
    *folders, file = name.split("/")
    for part in (file.partition(".")[0], *reversed(folders)):
        for word in _WORD.findall(part):
            if split := _SPLITS.get(word.lower()):
                return split
        if shard := _SHARD.fullmatch(part):
            return shard["stem"]
    return None


def _place(source: Source) -> tuple[int, str, list[tuple[int, str]]]:
    split = source.split or ""
    numbered = [
        (int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(source.name)
    ]
    return _ORDER.get(split, len(_ORDER)), split, numbered


def _require_sound(found: list[Source]) -> None:
    if len(found) > SOURCES_MAX:
        raise TooLarge(f"at most {SOURCES_MAX} files at once; these are {len(found)}")
    seen: dict[str, int] = {}
    for number, source in enumerate(found, start=1):
        size = len(source.name.encode(errors="surrogatepass"))
        if not 0 < size <= NAME_BYTES_MAX:
            raise Invalid(f"a name has 1 to {NAME_BYTES_MAX} bytes; that of file {number}, {size}")
        first = seen.setdefault(source.name, number)
        if first != number:
            raise Invalid(f"files {first} and {number} have the same name")


def _require_whole(found: list[Source]) -> None:
    """Every ``-of-`` set has all its shards: a copy that was cut short is not half a data set."""
    sets: dict[tuple[str, str, int], set[int]] = {}
    for source in found:
        folder, _, file = source.name.rpartition("/")
        stem, _, end = file.partition(".")
        if shard := _SHARD.fullmatch(stem):
            key = f"{folder}/{shard['stem']}", end, int(shard["count"])
            sets.setdefault(key, set()).add(int(shard["number"]))
    for (_, _, count), numbers in sets.items():
        if numbers and (len(numbers) != count or max(numbers) >= count):
            raise Invalid(f"of {count} shards of one set, {len(numbers)} are there")
