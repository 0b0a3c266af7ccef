"""From the bytes of a file to its text in UTF-8: decompressed, transcoded, without a mark.

All is done piece by piece; what a piece becomes is bounded too, so that a file that grows
without bound when it is decompressed is met while it is small in memory.
"""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum

import zstandard

from datavault.domain.errors import Malformed, TooLarge
from datavault.domain.formats.zstd_frames import (
    MAGIC,
    SKIPPABLE_FIRST,
    SKIPPABLE_LAST,
    Damaged,
    Step,
    cut_frames,
)

PIECE_BYTES = 1024 * 1024
# Ordinary text becomes 3 to 20 times as large, logs up to some 50 times. Zlib reaches 1032 times
# (zlib.net/zlib_tech.html), zstd much more. What is small may have any ratio.
RATIO_MAX = 200
RATIO_FREE_BYTES = 256 * 1024 * 1024
# A file that is not read in ranges is one worker's, which has 15 minutes: what it reads in 12 at
# 50 MB/s. A larger one comes in shards.
CONTENT_BYTES_MAX = 12 * 60 * 50_000_000
# RFC 8878 asks decoders for 8 MiB of window; archives made with --long=27 take 128 MiB.
WINDOW_BYTES_MAX = 128 * 1024 * 1024
_GZIP_WBITS = 31
# What zlib has not yet read is copied with every MiB that comes out of it.
_GZIP_STEP_BYTES = 64 * 1024


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


COMPRESSED_ENDINGS = (".gz", ".gzip", ".zst", ".zstd")
MAGICS = {Compression.GZIP: b"\x1f\x8b", Compression.ZSTD: MAGIC}


class Encoding(StrEnum):
    """What the text is written in, and the codec's name."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"


MARKS = {
    Encoding.UTF_8: codecs.BOM_UTF8,
    Encoding.UTF_16_LE: codecs.BOM_UTF16_LE,
    Encoding.UTF_16_BE: codecs.BOM_UTF16_BE,
}


def content_ending(name: str) -> str:
    """The end of a name that says what is in the file, in lower case, without that of how it is
    compressed; empty if there is none."""
    lower = name.lower()
    for end in COMPRESSED_ENDINGS:
        lower = lower.removesuffix(end)
    return "." + lower.rpartition(".")[2] if "." in lower else ""


def compression_of(head: bytes) -> Compression:
    """How a file that begins with ``head`` is compressed; a skippable zstd frame may come first."""
    for compression, magic in MAGICS.items():
        if head.startswith(magic):
            return compression
    first = int.from_bytes(head[:4], "little")
    is_skippable = SKIPPABLE_FIRST <= first <= SKIPPABLE_LAST
    return Compression.ZSTD if is_skippable else Compression.NONE


def content_head(head: bytes, compression: Compression) -> bytes:
    """What the beginning of a file decompresses to, up to ``PIECE_BYTES``; little, if damaged."""
    try:
        match compression:
            case Compression.NONE:
                return head
            case Compression.GZIP:
                return zlib.decompressobj(_GZIP_WBITS).decompress(head, PIECE_BYTES)
            case Compression.ZSTD:
                reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
                return reader.stream_reader(head, read_across_frames=True).read(PIECE_BYTES)
    except (zlib.error, zstandard.ZstdError):
        return b""


def encoding_of(head: bytes) -> Encoding:
    """What text that begins with ``head`` is written in: by its mark, or by where zeros stand.

    The zeros are those of RFC 4627, section 3: the first two characters of JSON, and of nearly
    any other text of ours, are ASCII.

    Raises:
        Malformed: it is UTF-32, which nobody sends.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or (
        len(head) >= 4 and head[:4].count(0) == 3
    ):
        raise Malformed("the text is UTF-32: send UTF-8")
    for encoding, mark in MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = [byte == 0 for byte in head[:4].ljust(4, b"\1")]
    if zeros[:2] == [False, True]:
        return Encoding.UTF_16_LE
    return Encoding.UTF_16_BE if zeros[:2] == [True, False] else Encoding.UTF_8


def decompressed(
    chunks: Iterable[bytes], compression: Compression, *, bytes_max: int = CONTENT_BYTES_MAX
) -> Iterator[bytes]:
    """The content in pieces of about 1 MiB; several members or frames are one content.

    What is not compressed comes as it is. An empty file is an empty content, however compressed.

    Raises:
        Malformed: it is damaged or cut short.
        TooLarge: it has grown more than ``RATIO_MAX`` times, or over ``bytes_max``, or a zstd
            window is over ``WINDOW_BYTES_MAX``.
    """
    match compression:
        case Compression.NONE:
            return iter(chunks)
        case Compression.GZIP:
            return _gunzip(chunks, _Growth(bytes_max))
        case Compression.ZSTD:
            return _unzstd(chunks, _Growth(bytes_max))


def transcoded(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The same text in UTF-8, without a byte order mark. UTF-8 itself is not looked at.

    Raises:
        Malformed: it is UTF-16 and not well-formed.
    """
    source = _unmarked(pieces, MARKS[encoding])
    return source if encoding is Encoding.UTF_8 else _from_utf_16(source, encoding)


def mark_bytes(head: bytes, encoding: Encoding) -> int:
    """How long the byte order mark is that a text begins with; 0 if it has none."""
    return len(MARKS[encoding]) if head.startswith(MARKS[encoding]) else 0


def _unmarked(pieces: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= len(mark):
            break
    head = head.removeprefix(mark)
    if head:
        yield head
    yield from source


def _from_utf_16(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = waiting = 0
    bad_at: int | None = None
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
            done += len(piece)
            waiting = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # Counted from what the decoder had kept of the pieces before.
        bad_at = done - waiting + error.start
    # Raised outside, so that the bytes are not in the chain.
    if bad_at is not None:
        raise Malformed(f"not {encoding} at byte {bad_at} after the mark, if there is one")


class _Growth:
    """Watches how much comes out, and how much more than went in."""

    def __init__(self, bytes_max: int) -> None:
        self.taken = 0
        self._given = 0
        self._bytes_max = bytes_max

    def give(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > self._bytes_max:
            raise TooLarge(
                f"decompressed there are more than {self._given - len(piece)} bytes,"
                f" at most {self._bytes_max} allowed: send shards"
            )
        if self._given > RATIO_FREE_BYTES and self._given > RATIO_MAX * self.taken:
            raise TooLarge(
                f"decompressing {self.taken} bytes has given {self._given}: more than"
                f" {RATIO_MAX} times as many"
            )
        return piece


def _gunzip(chunks: Iterable[bytes], growth: _Growth) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_WBITS)
    begun = False
    for rest in _stepwise(chunks):
        growth.taken += len(rest)
        while rest:
            if member.eof:
                # Zeros may follow the last member (gzip's own manual: padding of tapes).
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(_GZIP_WBITS)
            begun = True
            piece = _inflate(member, rest, growth)
            rest = member.unconsumed_tail or member.unused_data
            if piece:
                yield growth.give(piece)
    while begun and not member.eof:
        piece = _inflate(member, b"", growth)
        if not piece:
            raise Malformed(f"gzip data is cut short after {growth.taken} bytes")
        yield growth.give(piece)


def _stepwise(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _GZIP_STEP_BYTES):
            yield chunk[start : start + _GZIP_STEP_BYTES]


def _inflate(member: "zlib._Decompress", data: bytes, growth: _Growth) -> bytes:
    try:
        return member.decompress(data, PIECE_BYTES)
    except zlib.error:
        pass  # Its text tells nothing that ours does not.
    raise Malformed(f"gzip data is damaged within its first {growth.taken} bytes")


def _unzstd(chunks: Iterable[bytes], growth: _Growth) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
    frame = reader.decompressobj()
    steps = _zstd_steps(chunks)
    for step in steps:
        growth.taken = step.end
        piece = _decode(frame, step)
        if piece:
            yield growth.give(piece)
        if step.is_last:
            frame = reader.decompressobj()


def _zstd_steps(chunks: Iterable[bytes]) -> Iterator[Step]:
    problem = ""
    try:
        yield from cut_frames(chunks, window_max=WINDOW_BYTES_MAX)
    except Damaged as error:
        problem = f"zstd data {error}, at byte {error.offset}"
    if problem:
        raise Malformed(problem)


def _decode(frame: "zstandard.ZstdDecompressionObj", step: Step) -> bytes:
    try:
        return frame.decompress(step.data)
    except zstandard.ZstdError:
        pass  # Its text may quote sizes only, but ours is enough.
    raise Malformed(f"zstd data is damaged within its first {step.end} bytes")
