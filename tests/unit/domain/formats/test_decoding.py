import gzip
import subprocess
import zlib
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Malformed, TooLarge, VaultError
from datavault.domain.formats import decoding
from datavault.domain.formats.decoding import (
    Compression,
    Encoding,
    compression_of,
    decompressed,
    encoding_of,
    transcoded,
)
from datavault.domain.formats.zstd_frames import STEP_BLOCKS

from .reading import SIZES, TEXTS, cut

GZIP, ZSTD = Compression.GZIP, Compression.ZSTD
TEXT = b"".join(b'{"id":%d}\n' % number for number in range(30_000))


def content(data: bytes, compression: Compression, size: int = 1000) -> bytes:
    return b"".join(decompressed(cut(data, size), compression))


@settings(deadline=None)
@given(members=st.lists(st.binary(max_size=300), min_size=1, max_size=3), size=SIZES, zeros=SIZES)
def test_members_of_gzip_are_one_content_and_zeros_may_follow(
    members: list[bytes], size: int, zeros: int
) -> None:
    data = b"".join(map(gzip.compress, members)) + bytes(zeros)
    assert content(data, GZIP, size) == b"".join(members)


@settings(deadline=None)
@given(
    frames=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    level=st.sampled_from([1, 19]),
    checksum=st.booleans(),
    sized=st.booleans(),
    size=SIZES,
)
def test_frames_of_zstd_are_one_content_and_skippable_ones_are_skipped(
    frames: list[bytes], level: int, checksum: bool, sized: bool, size: int
) -> None:
    writer = zstandard.ZstdCompressor(
        level=level, write_checksum=checksum, write_content_size=sized
    )
    skippable = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"xxxxx"
    data = skippable + skippable.join(map(writer.compress, frames))
    assert compression_of(data) is ZSTD
    assert content(data, ZSTD, size) == b"".join(frames)


@pytest.mark.parametrize("options", [(), ("-19",), ("--long=27",), ("--no-check",)])
def test_what_the_command_writes_is_read(options: tuple[str, ...]) -> None:
    done = subprocess.run(["zstd", "-c", *options], input=TEXT, capture_output=True, check=True)
    assert content(done.stdout, ZSTD) == TEXT
    done = subprocess.run(["gzip", "-c"], input=TEXT, capture_output=True, check=True)
    assert content(done.stdout, GZIP) == TEXT


@pytest.mark.parametrize(
    ("data", "compression"),
    [(gzip.compress(TEXT, mtime=0), GZIP), (zstandard.ZstdCompressor().compress(TEXT), ZSTD)],
)
def test_wherever_a_file_is_cut_short_it_is_told(data: bytes, compression: Compression) -> None:
    for size in [*range(1, 40), *range(40, len(data), 997), *range(len(data) - 12, len(data))]:
        with pytest.raises(Malformed, match=rf"cut short.* {size}\b"):
            content(data[:size], compression)
    assert content(b"", compression) == b""


@settings(deadline=None)
@given(data=st.binary(max_size=60), compression=st.sampled_from([GZIP, ZSTD]), at=st.integers(0))
def test_damage_is_an_error_of_ours(data: bytes, compression: Compression, at: int) -> None:
    good = gzip.compress(TEXT[:500]) if compression is GZIP else zstandard.compress(TEXT[:500])
    at %= len(good)
    for bad in (data, good + data, good[:at] + data + good[at:], good[:at] + data):
        with suppress(VaultError):
            content(bad, compression, 7)


@pytest.mark.parametrize("compression", [GZIP, ZSTD])
def test_a_bomb_is_met_by_its_ratio_while_it_is_small(
    compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "RATIO_FREE_BYTES", 8 * 2**20)
    zeros = bytes(64 * 2**20)
    bomb = zlib.compress(zeros, 9, wbits=31) if compression is GZIP else zstandard.compress(zeros)
    sizes: list[int] = []
    with pytest.raises(TooLarge, match="more than 200 times as many"):
        sizes.extend(map(len, decompressed([bomb], compression)))
    assert sum(sizes) < 16 * 2**20
    assert max(sizes) <= max(2**20, STEP_BLOCKS * 128 * 1024)


def test_a_content_has_a_size_at_the_most() -> None:
    with pytest.raises(TooLarge, match="at most 1000 allowed: send shards"):
        [*decompressed([gzip.compress(bytes(2000))], GZIP, bytes_max=1000)]


def test_a_window_is_bounded() -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(18 << 3)]) + b"\x01\x00\x00"
    with pytest.raises(TooLarge, match="a zstd window has at most 134217728 bytes; this has 26843"):
        content(frame, ZSTD)


def test_a_dictionary_is_refused() -> None:
    with pytest.raises(Malformed, match="need a dictionary, at byte 6"):
        content(b"\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00", ZSTD)


@settings(deadline=None)
@given(text=TEXTS, size=SIZES, encoding=st.sampled_from(Encoding), marked=st.booleans())
def test_any_encoding_becomes_utf_8_without_its_mark(
    text: str, size: int, encoding: Encoding, marked: bool
) -> None:
    body = "{" + text.lstrip("\ufeff")
    data = (("\ufeff" if marked else "") + body).encode(encoding)
    assert encoding_of(data[:8]) is encoding
    assert b"".join(transcoded(cut(data, size), encoding)) == body.encode()


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_refused(encoding: str) -> None:
    with pytest.raises(Malformed, match="UTF-32: send UTF-8"):
        encoding_of("{}".encode(encoding))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("data", "bad_at"),
    [("ab".encode("utf-16-le") + b"\x00\xdc", 4), (b"a\0b\0c", 4), (b"a\0\x00\xd8", 2)],
)
def test_what_is_not_utf_16_is_said_where(data: bytes, bad_at: int, size: int) -> None:
    with pytest.raises(Malformed, match=f"not utf-16-le at byte {bad_at} "):
        [*transcoded(cut(data, size), Encoding.UTF_16_LE)]
