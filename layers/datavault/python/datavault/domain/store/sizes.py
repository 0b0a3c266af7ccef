"""How long the records of a pack are, as bytes.

Format 1 (integers little-endian)::

    0   4   magic "DVSZ"
    4   1   format, 1
    5   3   zero
    8   4   u32 count of records
    12      zstd frame of u32 * count, the length of each record in the order of slots
"""

import struct

import numpy as np
import numpy.typing as npt
import zstandard

from datavault.domain.errors import Corrupt
from datavault.domain.store.pack import PACK_BYTES_MAX

type Lengths = npt.NDArray[np.uint32]

_HEADER = struct.Struct("<4sB3xI")
_MAGIC = b"DVSZ"
# A record has two bytes at least, and a line feed after it.
_COUNT_MAX = PACK_BYTES_MAX


def encode_sizes(lengths: Lengths) -> bytes:
    """The lengths, as the module describes them."""
    frame = zstandard.ZstdCompressor(level=1).compress(lengths.astype("<u4").tobytes())
    return _HEADER.pack(_MAGIC, 1, len(lengths)) + frame


def decode_sizes(encoded: bytes) -> Lengths:
    """What ``encode_sizes`` was given, or ``Corrupt``."""
    if len(encoded) < _HEADER.size:
        raise Corrupt(f"the sizes of a pack have {_HEADER.size} bytes at least")
    magic, version, count = _HEADER.unpack_from(encoded)
    if (magic, version) != (_MAGIC, 1) or count > _COUNT_MAX:
        raise Corrupt("these bytes are not the sizes of a pack in a known format")
    frame = encoded[_HEADER.size :]
    try:
        if zstandard.frame_content_size(frame) != 4 * count:
            raise Corrupt(f"the sizes of {count} records have another length")
        return np.frombuffer(zstandard.ZstdDecompressor().decompress(frame), "<u4")
    except zstandard.ZstdError:
        raise Corrupt("the sizes of a pack do not decompress") from None
