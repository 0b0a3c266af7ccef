"""AES-GCM in its two uses: opens in its own place, and nowhere else."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.crypto.sealing import (
    SEALED_OVERHEAD_BYTES,
    TAG_BYTES,
    CountedSealer,
    DrawnSealer,
)
from datavault.domain.errors import Corrupt

KEY, OTHER = bytes(range(32)), bytes(32)


@given(plaintext=st.binary(max_size=300), place=st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place_and_in_no_other(plaintext: bytes, place: bytes) -> None:
    sealed = DrawnSealer(KEY).seal(plaintext, place=place)
    assert len(sealed) == len(plaintext) + SEALED_OVERHEAD_BYTES
    assert DrawnSealer(KEY).unseal(sealed, place=place) == plaintext
    for key, where in ((OTHER, place), (KEY, place + b"x")):
        with pytest.raises(Corrupt):
            DrawnSealer(key).unseal(sealed, place=where)


@given(plaintext=st.binary(max_size=40), at=st.integers(0), bit=st.integers(0, 7))
def test_no_flipped_bit_opens(plaintext: bytes, at: int, bit: int) -> None:
    sealed = bytearray(DrawnSealer(KEY).seal(plaintext, place=b""))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(Corrupt, match="verification"):
        DrawnSealer(KEY).unseal(bytes(sealed), place=b"")


def test_too_few_bytes_are_corrupt() -> None:
    sealed = DrawnSealer(KEY).seal(b"", place=b"")
    for size in range(len(sealed)):
        with pytest.raises(Corrupt):
            DrawnSealer(KEY).unseal(sealed[:size], place=b"")


def test_plaintext_and_place_cannot_be_mixed_up() -> None:
    with pytest.raises(TypeError):
        DrawnSealer(KEY).seal(b"place", b"plaintext")  # type: ignore[call-arg]


def test_nonces_differ() -> None:
    assert len({DrawnSealer(KEY).seal(b"", place=b"")[:12] for _ in range(1000)}) == 1000


@given(index=st.integers(0, 2**32 - 1), plaintext=st.binary(max_size=100))
def test_a_numbered_block_opens_under_its_number_only(index: int, plaintext: bytes) -> None:
    sealer = CountedSealer(KEY)
    sealed = sealer.seal(index, plaintext, b"place")
    assert len(sealed) == len(plaintext) + TAG_BYTES
    assert sealer.unseal(index, sealed, b"place") == plaintext
    assert AESGCM(KEY).decrypt(index.to_bytes(12), sealed, b"place") == plaintext
    for other, where in ((index ^ 1, b"place"), (index, b"other")):
        with pytest.raises(Corrupt):
            sealer.unseal(other, sealed, where)
    with pytest.raises(Corrupt):
        CountedSealer(OTHER).unseal(index, sealed, b"place")
    with pytest.raises(Corrupt):
        sealer.unseal(index, sealed[: TAG_BYTES - 1], b"place")
