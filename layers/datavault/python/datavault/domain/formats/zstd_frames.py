"""Zstandard frames (RFC 8878, section 3.1.1) cut into steps of a few blocks.

A block becomes 128 KiB at the most, though it may itself have only 4 bytes; the decompressor we
have gives all that its input becomes at once. So what goes in is cut by blocks, which bounds what
comes out, and which shows exactly where data ends too early. Nothing but headers is read here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datavault.domain.errors import TooLarge

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE_FIRST, SKIPPABLE_LAST = 0x184D2A50, 0x184D2A5F
# Of 128 KiB each: so much comes out of a step at the most.
STEP_BLOCKS = 8

_RUN, _RESERVED = 1, 3
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_DICTIONARY_ID_BYTES = (0, 1, 2, 4)


class Damaged(Exception):
    """The data are not zstd frames; ``offset`` is where that was seen."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Step:
    """Some whole blocks of a frame, with what stands around them; ``end`` is where they end."""

    data: bytes
    end: int
    is_last: bool


def cut_frames(chunks: Iterable[bytes], *, window_max: int) -> Iterator[Step]:
    """The frames in steps of ``STEP_BLOCKS``; skippable frames are left out.

    Raises:
        Damaged: these are not whole frames, or one needs a dictionary.
        TooLarge: a frame needs a window of more than ``window_max`` bytes.
    """
    source = _Source(chunks)
    while magic := source.take_up_to(4):
        number = int.from_bytes(magic, "little")
        if SKIPPABLE_FIRST <= number <= SKIPPABLE_LAST:
            source.skip(int.from_bytes(source.take(4), "little"))
        elif magic == MAGIC:
            yield from _cut_frame(source, window_max)
        else:
            if len(magic) < 4 and MAGIC.startswith(magic):
                raise Damaged("are cut short", source.offset)
            raise Damaged("have no frame", source.offset - len(magic))


def _cut_frame(source: "_Source", window_max: int) -> Iterator[Step]:
    held = [MAGIC, descriptor := source.take(1)]
    flags = descriptor[0]
    is_single = bool(flags & 0x20)
    window = 0
    if not is_single:
        held.append(byte := source.take(1))
        base = 1 << (10 + (byte[0] >> 3))
        window = base + base // 8 * (byte[0] & 7)
    held.append(dictionary := source.take(_DICTIONARY_ID_BYTES[flags & 3]))
    if any(dictionary):
        raise Damaged("need a dictionary", source.offset - len(dictionary))
    held.append(size := source.take(_CONTENT_SIZE_BYTES[flags >> 6] or int(is_single)))
    if is_single:
        window = int.from_bytes(size, "little") + (256 if len(size) == 2 else 0)
    if window > window_max:
        raise TooLarge(f"a zstd window has at most {window_max} bytes; this has {window}")
    blocks = 0
    is_last = False
    while not is_last:
        held.append(header := source.take(3))
        word = int.from_bytes(header, "little")
        kind, length, is_last = word >> 1 & 3, word >> 3, bool(word & 1)
        if kind == _RESERVED or length > 128 * 1024:
            raise Damaged("have a block of no known kind", source.offset - 3)
        held.append(source.take(1 if kind == _RUN else length))
        if is_last and flags & 4:
            held.append(source.take(4))
        blocks += 1
        if is_last or blocks == STEP_BLOCKS:
            yield Step(b"".join(held), source.offset, is_last)
            held, blocks = [], 0


class _Source:
    """Bytes taken from chunks of any size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0
        self.offset = 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        taken = self.take_up_to(size)
        if len(taken) < size:
            raise Damaged("are cut short", self.offset)
        return taken

    def take_up_to(self, size: int) -> bytes:
        """The next ``size`` bytes, or what is left."""
        taken = self._chunk[self._at : self._at + size]
        self._at += len(taken)
        while len(taken) < size and self._refill():
            more = self._chunk[: size - len(taken)]
            self._at = len(more)
            taken += more
        self.offset += len(taken)
        return taken

    def skip(self, size: int) -> None:
        """Pass over bytes without holding them."""
        while size:
            size -= len(self.take(min(size, 64 * 1024)))

    def _refill(self) -> bool:
        chunk = next(self._chunks, None)
        self._chunk, self._at = chunk or b"", 0
        return chunk is not None
