"""Blocks of records: each slot gives its record; anything else is ``Corrupt``."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Corrupt
from datavault.domain.store.block import RecordBlock, encode_block

BODIES = st.lists(st.binary(max_size=50), max_size=12)
SLOTS = st.integers(0, 2**32 - 100)


def encoded(bodies: list[bytes], first_slot: int) -> bytes:
    lengths = np.array([len(body) for body in bodies], np.uint32)
    return encode_block(bodies, lengths, first_slot)


@given(bodies=BODIES, first_slot=SLOTS)
def test_records_come_back_by_slot(bodies: list[bytes], first_slot: int) -> None:
    block = RecordBlock.decode(encoded(bodies, first_slot))
    assert len(block) == len(bodies)
    assert [block.body(first_slot + at) for at in range(len(bodies))] == bodies
    slots = np.arange(len(bodies), dtype=np.int64)[::-1] + first_slot
    assert block.bodies(slots) == bodies[::-1]
    for slot in (first_slot - 1, first_slot + len(bodies)):
        with pytest.raises(Corrupt):
            block.body(slot)
        with pytest.raises(Corrupt):
            block.bodies(np.array([slot], np.int64))


@given(bodies=BODIES, data=st.data())
def test_a_block_cut_off_or_longer_is_corrupt(bodies: list[bytes], data: st.DataObject) -> None:
    whole = encoded(bodies, 0)
    size = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:size], whole + b"\n"):
        with pytest.raises(Corrupt):
            RecordBlock.decode(wrong)


def test_a_block_reads_as_lines() -> None:
    assert encoded([b'{"a":1}', b"{}"], 0).endswith(b'{"a":1}\n{}\n')


@pytest.mark.parametrize("count", [1, 2**31, 2**32 - 1])
def test_a_count_without_lengths_is_corrupt(count: int) -> None:
    with pytest.raises(Corrupt):
        RecordBlock.decode(count.to_bytes(4, "little") + bytes(4))
