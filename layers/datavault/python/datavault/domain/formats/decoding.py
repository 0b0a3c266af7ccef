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

PIECE_BYTES = 1024 * 1024
# Ordinary text becomes 3 to 20 times as large, logs up to some 50 times. Zlib reaches 1032 times
# (zlib.net/zlib_tech.html), zstd much more. What is small may have any ratio.
RATIO_MAX = 200
RATIO_FREE_BYTES = 256 * 1024 * 1024
# RFC 8878 asks decoders for 8 MiB of window; archives made with --long=27 take 128 MiB.
WINDOW_BYTES_MAX = 128 * 1024 * 1024
_GZIP_WBITS = 31


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class Encoding(StrEnum):
    """What the text is written in, and the codec's name."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"


MAGICS = {Compression.GZIP: b"\x1f\x8b", Compression.ZSTD: b"\x28\xb5\x2f\xfd"}
_MARKS = {
    Encoding.UTF_8: codecs.BOM_UTF8,
    Encoding.UTF_16_LE: codecs.BOM_UTF16_LE,
    Encoding.UTF_16_BE: codecs.BOM_UTF16_BE,
}


def compression_of(head: bytes) -> Compression:
    """How a file that begins with ``head`` is compressed."""
    for compression, magic in MAGICS.items():
        if head.startswith(magic):
            return compression
    return Compression.NONE


def encoding_of(head: bytes) -> Encoding:
    """What text that begins with ``head`` is written in: by its mark, or by where zeros stand.

    The zeros are those of RFC 4627, section 3: the first two characters of JSON, and of nearly
    any other text of ours, are ASCII.

    Raises:
        Malformed: it is UTF-32, which nobody sends.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or head[:3] == bytes(3):
        raise Malformed("the text is UTF-32: send UTF-8")
    for encoding, mark in _MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = [byte == 0 for byte in head[:4].ljust(4, b"\1")]
    if zeros[:2] == [False, True]:
        return Encoding.UTF_16_LE
    return Encoding.UTF_16_BE if zeros[:2] == [True, False] else Encoding.UTF_8


def decompressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The content in pieces of about 1 MiB; several members or frames are one content.

    Raises:
        Malformed: it is damaged or cut short.
        TooLarge: it has grown more than ``RATIO_MAX`` times.
    """
    match compression:
        case Compression.NONE:
            return iter(chunks)
        case Compression.GZIP:
            return _gunzip(chunks)
        case Compression.ZSTD:
            return _unzstd(chunks)


def transcoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8, without a byte order mark. UTF-8 itself is not looked at.

    Raises:
        Malformed: it is UTF-16 and not well-formed.
    """
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= 4:
            break
    encoding = encoding_of(head)
    if encoding is Encoding.UTF_8:
        head = head.removeprefix(codecs.BOM_UTF8)
        if head:
            yield head
        yield from source
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = 0
    bad_at: int | None = None
    try:
        text = decoder.decode(head).removeprefix("\ufeff")
        done = len(head)
        yield text.encode()
        for piece in source:
            yield decoder.decode(piece).encode()
            done += len(piece)
        decoder.decode(b"", final=True)
        return
    except UnicodeDecodeError as error:
        bad_at = done + error.start
    # Raised outside, so that the bytes are not in the chain.
    raise Malformed(f"not {encoding} near byte {bad_at}")


class _Growth:
    """Watches how much more comes out than went in."""

    def __init__(self) -> None:
        self.taken = 0
        self.given = 0

    def give(self, piece: bytes) -> bytes:
        self.given += len(piece)
        if self.given > RATIO_FREE_BYTES and self.given > RATIO_MAX * self.taken:
            raise TooLarge(
                f"decompressing {self.taken} bytes has given {self.given}: more than"
                f" {RATIO_MAX} times as many"
            )
        return piece


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    growth = _Growth()
    member = zlib.decompressobj(_GZIP_WBITS)
    begun = False
    for chunk in chunks:
        growth.taken += len(chunk)
        rest = chunk
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


def _inflate(member: "zlib._Decompress", data: bytes, growth: _Growth) -> bytes:
    try:
        return member.decompress(data, PIECE_BYTES)
    except zlib.error:
        pass  # Its text tells nothing that ours does not.
    raise Malformed(f"gzip data is damaged within its first {growth.taken} bytes")


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    growth = _Growth()
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
    frame: zstandard.ZstdDecompressionObj | None = None
    for chunk in chunks:
        growth.taken += len(chunk)
        rest = chunk
        while rest:
            frame = frame or reader.decompressobj()
            # One input piece may become very large: it is given in small ones.
            part, rest = rest[:_ZSTD_STEP], rest[_ZSTD_STEP:]
            piece = _decode_frame(frame, part, growth)
            if piece:
                yield growth.give(piece)
            if frame.eof:
                rest = frame.unused_data + rest
                frame = None
    if frame is not None:
        raise Malformed(f"zstd data is cut short after {growth.taken} bytes")


# A zstd block of 128 KiB may take 4 bytes (a run): 1 KiB of input is 32 MiB at the most.
_ZSTD_STEP = 1024


def _decode_frame(frame: "zstandard.ZstdDecompressionObj", data: bytes, growth: _Growth) -> bytes:
    try:
        return frame.decompress(data)
    except zstandard.ZstdError:
        pass  # Its text may quote sizes only, but ours is enough.
    raise Malformed(
        f"zstd data is damaged within its first {growth.taken} bytes, or needs a window of more"
        f" than {WINDOW_BYTES_MAX} bytes"
    )
