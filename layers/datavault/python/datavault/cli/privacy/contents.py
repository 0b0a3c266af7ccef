"""What a file says, as text in UTF-8, and how it stands there: compressed, encoded, marked.

What comes out goes back the same way, so that a name keeps its promise: ``a.csv.gz`` is one.
"""

import codecs
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Protocol

import zstandard

from datavault.domain.formats.decoding import (
    MARKS,
    Compression,
    Encoding,
    compression_of,
    content_head,
    decompressed,
    encoding_of,
    transcoded,
)

HEAD_BYTES = 2**16
CHUNK_BYTES = 2**20
_GZIP_WBITS = 31


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a text stands in a file; ``is_marked`` if a byte order mark is in front of it."""

    compression: Compression = Compression.NONE
    encoding: Encoding = Encoding.UTF_8
    is_marked: bool = False


PLAIN = Wrapping()


class Content:
    """A text to be read from its beginning, without a mark; ``head`` is where it begins."""

    def __init__(self, raw: bytes, file: BinaryIO, wrapping: Wrapping) -> None:
        self.wrapping = wrapping
        self._file: BinaryIO | _Joined = file
        if wrapping.compression is Compression.NONE and wrapping.encoding is Encoding.UTF_8:
            self.head = raw.removeprefix(codecs.BOM_UTF8)
            return
        chunks = chain([raw], iter(lambda: file.read(CHUNK_BYTES), b""))
        pieces = transcoded(decompressed(chunks, wrapping.compression), wrapping.encoding)
        self._file = _Joined(pieces)
        self.head = self._file.read(HEAD_BYTES)

    def read(self, size: int) -> bytes:
        """What comes next, ``size`` bytes at most; nothing only at the end.

        Raises:
            Malformed, TooLarge: as ``decompressed`` and ``transcoded``.
        """
        return self._file.read(size)


def content_of(file: BinaryIO) -> Content:
    """What a file says.

    Raises:
        Malformed: it is UTF-32; and as ``Content.read``.
        TooLarge: as ``Content.read``.
    """
    raw = file.read(HEAD_BYTES)
    compression = compression_of(raw)
    head = content_head(raw, compression)
    encoding = _encoding_of(head)
    return Content(raw, file, Wrapping(compression, encoding, head.startswith(MARKS[encoding])))


def _encoding_of(head: bytes) -> Encoding:
    """As ``encoding_of``, for files that may be no text: there, zeros alone do not make UTF-16.

    Without a mark it is UTF-16 only if it begins with two characters of ASCII and has no zero.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, *MARKS.values())):
        return encoding_of(head)
    if head[:4].count(0) != 2:
        return Encoding.UTF_8
    encoding = encoding_of(head)
    text = head.decode(encoding, "ignore")
    return encoding if text[:2].isascii() and "\0" not in text else Encoding.UTF_8


class Writes(Protocol):
    """What takes bytes behind those it took before."""

    def write(self, content: bytes, /) -> object:
        """Take them."""
        ...


class Wrapper:
    """Writes a text as another one stands in its file; the same text always as the same bytes."""

    def __init__(self, wrapping: Wrapping, file: Writes) -> None:
        self._encoding = wrapping.encoding
        self._file = file
        self._compressor = _COMPRESSORS[wrapping.compression]()
        if wrapping.is_marked:
            self._write(MARKS[wrapping.encoding])

    def write(self, text: bytes) -> None:
        """Whole characters of UTF-8, unless the file's encoding is that, too."""
        if self._encoding is not Encoding.UTF_8:
            text = text.decode().encode(self._encoding)
        self._write(text)

    def end(self) -> None:
        """That was all of it."""
        self._file.write(self._compressor.flush())

    def _write(self, content: bytes) -> None:
        if content := self._compressor.compress(content):
            self._file.write(content)


class _Compressor(Protocol):
    def compress(self, content: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Uncompressed:
    def compress(self, content: bytes, /) -> bytes:
        return content

    def flush(self) -> bytes:
        return b""


def _gzip() -> _Compressor:
    """Of a file without a name or a time, so that equal texts are equal files."""
    return zlib.compressobj(wbits=_GZIP_WBITS)


def _zstd() -> _Compressor:
    return zstandard.ZstdCompressor().compressobj()


_COMPRESSORS = {
    Compression.NONE: _Uncompressed,
    Compression.GZIP: _gzip,
    Compression.ZSTD: _zstd,
}


class _Joined:
    """Pieces read as a file is."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
