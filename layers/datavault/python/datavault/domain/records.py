"""Records as they come in: JSON objects, checked once and then carried as the bytes received.

A record is one JSON text (RFC 8259, nothing looser): an object of at most 4 MiB, nested at most
100 deep, valid UTF-8, no NUL and no lone surrogate, no key twice in one object (keys compared
after unescaping). What is stored is the text without outer white space, every byte verbatim.

``parse_record`` is the rule. The bulk path (``scan_ids``, ``validate``, ``scan_lines``) does the
same for a batch of lines in a few native calls, and hands every line that it is not sure of to
``parse_record``; so it can be wrong only by accepting, and each of its tests errs to suspicion.
The two phases exist because a corpus that comes again needs only ids: bodies already stored
under the same (id, digest) were validated then.

Errors name sizes and positions, never content, neither in the message nor in the chain: they are
raised outside the ``except`` that saw the foreign error, whose ``object`` may hold the text.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Invalid, TooLarge, VaultError
from datavault.domain.ids import RECORD_ID_BYTES_MAX, RecordId, parse_record_id
from datavault.domain.json_lines import joined, leading_strings, split_lines
from datavault.domain.json_scan import odd_lines
from datavault.domain.json_text import (
    REFUSALS,
    plain,
    raw_fields,
    require_json,
    require_no_nul,
    require_shallow,
    unique_fields,
)

RECORD_BYTES_MAX = 4 * 2**20

type Int64s = NDArray[np.int64]
type Bools = NDArray[np.bool_]

# Enough for a key and an id; what is longer takes the general way.
_HEAD_BYTES = 4096
_SPACE = b" \t\r\n"
_NO_IDS = np.zeros(0, "S1")
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A record that keeps every rule: its stored bytes, and its id if a key was named."""

    body: bytes
    id: RecordId | None


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why a line is no record. ``line`` counts from 0 in the batch, blank lines included;
    ``offset`` is where the trimmed line starts, in bytes from the start of the batch."""

    line: int
    offset: int
    error: VaultError


@dataclass(frozen=True, slots=True, eq=False)
class LineScan:
    """The records of a batch as columns, one row a record, in the order of the lines.

    Record ``i`` is ``batch[starts[i]:ends[i]]``, trimmed. ``ids`` is ``S{width}`` (UTF-8, no NUL,
    so the padding is unambiguous), or ``None`` when no record key was given.
    """

    lines: Int64s
    starts: Int64s
    ends: Int64s
    ids: NDArray[np.bytes_] | None
    problems: tuple[LineProblem, ...]


def parse_record(text: bytes, *, record_key: str | None, field: str) -> ParsedRecord:
    """The one record in ``text``; its id is its top-level field ``record_key``.

    Raises:
        TooLarge: more than ``RECORD_BYTES_MAX`` bytes after trimming.
        Malformed: not UTF-8, or not JSON.
        Invalid: not an object, too deep, NUL, a key twice, or the id missing or of a wrong kind.
    """
    body = text.strip(_SPACE)
    if len(body) > RECORD_BYTES_MAX:
        raise TooLarge(
            f"a record has at most {RECORD_BYTES_MAX} bytes, this has {len(body)}", field=field
        )
    require_json(body, field)
    if not body.startswith(b"{"):
        raise Invalid(f"a record is a JSON object, this {len(body)}-byte text is not", field=field)
    require_shallow(body, field)
    require_no_nul(body, field)
    pairs = unique_fields(body, field)
    if record_key is None:
        return ParsedRecord(body, None)
    return ParsedRecord(body, _record_id(pairs, record_key, field))


def compact(text: bytes) -> bytes:
    """A JSON text without white space outside strings; every other byte stays as it is.

    ``text`` has been validated: this does not check it.
    """
    return msgspec.json.format(text, indent=-1)


def split_envelope(body: bytes, *, items: str = "records", field: str = "body") -> object:
    """A JSON body, with the ``data`` of each of its ``items`` as ``msgspec.Raw`` of compact JSON.

    Everything else is ordinary Python, of whatever shape was sent: the wire models check it. The
    data are not records yet (``parse_record`` says); the envelope itself has no key twice.

    Raises:
        Malformed: not UTF-8, or not JSON.
        Invalid: a key stands twice in the body's object or in one of ``items``.
    """
    require_json(body, field)
    envelope = raw_fields(compact(body), field)
    if not isinstance(envelope, dict):
        return envelope
    records = envelope.pop(items, None)
    split: dict[str, object] = {name: plain(raw, field) for name, raw in envelope.items()}
    if records is None:
        return split
    if not bytes(records).startswith(b"["):
        split[items] = plain(records, field)
        return split
    split[items] = _split_items(records, items)
    return split


def scan_lines(batch: bytes | memoryview, *, record_key: str | None) -> LineScan:
    """The records of a batch of whole NDJSON lines, fully validated, and the lines that are none.

    Equal, line by line, to ``parse_record``. Lines end in LF or CRLF, the last may end without;
    blank lines are skipped. Batches of 2 MiB or more are the fastest.
    """
    scan = scan_ids(batch, record_key=record_key)
    problems = validate(batch, scan)
    if not problems:
        return scan
    kept = ~np.isin(scan.lines, [problem.line for problem in problems])
    return LineScan(
        scan.lines[kept],
        scan.starts[kept],
        scan.ends[kept],
        None if scan.ids is None else scan.ids[kept],
        tuple(sorted((*scan.problems, *problems), key=attrgetter("line"))),
    )


def scan_ids(batch: bytes | memoryview, *, record_key: str | None) -> LineScan:
    """Phase one: lines and ids of a batch, without validation of what else is in the lines.

    An id given here is the id that the line has if it is a record; whether it is one, ``validate``
    says. Lines without an acceptable id, and most that are not JSON, are among ``problems``.
    """
    text = np.frombuffer(batch, np.uint8)
    lines, starts, ends = split_lines(text)
    if record_key is None or not len(starts):
        return LineScan(lines, starts, ends, None if record_key is None else _NO_IDS, ())
    ids, known = _leading_ids(text, starts, ends, record_key)
    if known.all():
        return LineScan(lines, starts, ends, ids, ())
    rest = np.flatnonzero(~known)
    column, odd = _decode_ids(batch, starts[rest], ends[rest], record_key)
    problems: list[LineProblem] = []
    bad = np.zeros(len(starts), np.bool_)
    for at in np.flatnonzero(odd).tolist():
        row = int(rest[at])
        record = _parse_row(batch, lines, starts, ends, row, record_key)
        if isinstance(record, LineProblem):
            problems.append(record)
            bad[row] = True
        else:
            assert record.id is not None
            column[at] = record.id.encode()
    others = np.array(column, np.bytes_)
    ids = ids.astype(max(ids.dtype, others.dtype))
    ids[rest] = others
    kept = ~bad
    return LineScan(lines[kept], starts[kept], ends[kept], ids[kept], tuple(problems))


def validate(
    batch: bytes | memoryview, scan: LineScan, *, wanted: Bools | None = None
) -> tuple[LineProblem, ...]:
    """Phase two: which of the ``wanted`` rows of ``scan`` (default: all) are no records, and why.

    ``batch`` is the one that ``scan`` came from; ``wanted`` is a boolean per row.
    """
    rows = np.arange(len(scan.starts)) if wanted is None else np.flatnonzero(wanted)
    text = np.frombuffer(batch, np.uint8)
    starts, ends = scan.starts[rows], scan.ends[rows]
    odd = _odd_shapes(text, starts, ends)
    sure = np.flatnonzero(~odd)
    odd[sure] = odd_lines(*joined(batch, starts[sure], ends[sure]))
    found = (
        _parse_row(batch, scan.lines, scan.starts, scan.ends, row, None)
        for row in rows[odd].tolist()
    )
    return tuple(problem for problem in found if isinstance(problem, LineProblem))


def _record_id(pairs: list[tuple[str, object]], record_key: str, field: str) -> RecordId:
    place = f"{field}/{record_key.replace('~', '~0').replace('/', '~1')}"
    for name, value in pairs:
        if name == record_key:
            if isinstance(value, str):
                return parse_record_id(str(value), field=place)
            raise Invalid("a record id is a string or an integer", field=place)
    raise Invalid(f"the record has no id among its {len(pairs)} fields", field=place)


def _split_items(records: msgspec.Raw, items: str) -> list[object]:
    """The items of an array; ``records`` is its compact text."""
    try:
        found = _OBJECTS.decode(records)
    except msgspec.ValidationError:
        found = []
    # As in ``raw_fields``: what holds a key twice, or one spelled with escapes, comes out shorter.
    if len(msgspec.json.encode(found)) == len(memoryview(records)):
        return [_split_fields(fields, f"{items}/{index}") for index, fields in enumerate(found)]
    texts = msgspec.json.decode(records, type=list[msgspec.Raw])
    return [_split_item(bytes(text), f"{items}/{index}") for index, text in enumerate(texts)]


def _split_item(text: bytes, field: str) -> object:
    fields = raw_fields(text, field)
    return _split_fields(fields, field) if isinstance(fields, dict) else fields


def _split_fields(fields: dict[str, msgspec.Raw], field: str) -> object:
    return {name: raw if name == "data" else plain(raw, field) for name, raw in fields.items()}


@lru_cache(maxsize=64)
def _id_decoder(record_key: str) -> msgspec.json.Decoder[object] | None:
    """A decoder of rows with the one field ``id``; None when msgspec cannot name the field so."""
    try:
        row = msgspec.defstruct("Row", [("id", str | int)], rename={"id": record_key}, gc=False)
    except ValueError:
        return None
    return msgspec.json.Decoder(row)


def _odd_shapes(text: NDArray[np.uint8], starts: Int64s, ends: Int64s) -> Bools:
    """Rows that do not begin with ``{`` and end with ``}``, or are too large.

    With these out of the way no JSON value can span two lines: nowhere in JSON does ``{`` follow
    ``}``. So when native parsing finds as many values as there are lines, each line is one value.
    """
    braces = (text.take(starts) == ord("{")) & (text.take(ends - 1) == ord("}"))
    return np.asarray(~braces | (ends - starts > RECORD_BYTES_MAX), np.bool_)


def _decode_rows[T](
    decoder: msgspec.json.Decoder[T],
    batch: bytes | memoryview,
    starts: Int64s,
    ends: Int64s,
    odd: Bools,
) -> list[T]:
    """One value for each row not ``odd``, in order; rows that are refused become odd."""
    sure = np.flatnonzero(~odd)
    try:
        values: list[T] = decoder.decode_lines(joined(batch, starts[sure], ends[sure])[0])
        if len(values) == len(sure):
            return values
    except REFUSALS:
        pass
    values = []
    spans = zip(sure.tolist(), starts[sure].tolist(), ends[sure].tolist(), strict=True)
    for row, start, end in spans:
        try:
            values.append(decoder.decode(batch[start:end]))
        except REFUSALS:
            odd[row] = True
    return values


def _leading_ids(
    text: NDArray[np.uint8], starts: Int64s, ends: Int64s, record_key: str
) -> tuple[NDArray[np.bytes_], Bools]:
    """The ids of lines that begin as the first line does, if that begins with its id.

    ``{"id":"x"`` at the start of a line settles the id, whatever comes after it: the line is a
    record with this id, or it is no record.
    """
    head = text[starts[0] : min(starts[0] + _HEAD_BYTES, ends[0])].tobytes()
    found = _id_first(record_key).match(head)
    if found is None:
        return np.zeros(len(starts), "S1"), np.zeros(len(starts), np.bool_)
    # Room for ids somewhat longer than the first.
    width = min(len(found[2]) * 3 // 2 + 8, RECORD_ID_BYTES_MAX + 1)
    return leading_strings(text, starts, found[1], width)


@lru_cache(maxsize=64)
def _id_first(record_key: str) -> re.Pattern[bytes]:
    name = re.escape(json.dumps(record_key, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    return re.compile(rb'(\{[ \t]*+%b[ \t]*+:[ \t]*+")([^"\\\x00-\x1f]++)"' % name)


def _decode_ids(
    batch: bytes | memoryview, starts: Int64s, ends: Int64s, record_key: str
) -> tuple[list[bytes], Bools]:
    """The id of each row and which rows are odd; the id of an odd row is empty."""
    odd = _odd_shapes(np.frombuffer(batch, np.uint8), starts, ends)
    column = [b""] * len(odd)
    decoder = _id_decoder(record_key)
    if decoder is None:
        odd[:] = True
        return column, odd
    values = list(map(attrgetter("id"), _decode_rows(decoder, batch, starts, ends, odd)))
    try:
        ids = list(map(str.encode, values))
    except TypeError:
        # Zero may be written -0, whose digits are its own: left to parse_record, as empty.
        ids = [b"" if value == 0 else str(value).encode() for value in values]
    sizes = np.fromiter(map(len, ids), np.int64, len(ids))
    fits = (sizes > 0) & (sizes <= RECORD_ID_BYTES_MAX)
    if b"\0" in b"".join(ids):
        fits &= [b"\0" not in encoded for encoded in ids]
    if len(ids) == len(odd) and fits.all():
        return ids, odd
    for row, encoded, fit in zip(np.flatnonzero(~odd).tolist(), ids, fits.tolist(), strict=True):
        if fit:
            column[row] = encoded
        else:
            odd[row] = True
    return column, odd


def _parse_row(
    batch: bytes | memoryview,
    lines: Int64s,
    starts: Int64s,
    ends: Int64s,
    row: int,
    record_key: str | None,
) -> ParsedRecord | LineProblem:
    start, end = int(starts[row]), int(ends[row])
    try:
        return parse_record(bytes(batch[start:end]), record_key=record_key, field="record")
    except VaultError as error:
        return LineProblem(int(lines[row]), start, error)
