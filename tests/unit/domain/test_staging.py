"""Staged changes and batches as bytes."""

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Corrupt
from datavault.domain.ids import BatchId, RecordId, new_id
from datavault.domain.staging import (
    StagedChange,
    StagedName,
    assigned_ids,
    decode_names,
    encode_names,
)
from datavault.domain.store.places import Locator, PackRef

U32 = st.integers(0, 2**32 - 1)
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).map(RecordId)
DIGESTS = st.binary(min_size=16, max_size=16)
PACKS = st.builds(PackRef, DIGESTS, U32, st.binary(min_size=32, max_size=32))
PLACES = st.builds(Locator, PACKS, U32, U32, U32)
CHANGES = st.one_of(
    st.builds(StagedChange, IDS),
    st.builds(StagedChange, IDS, DIGESTS, st.binary()),
    st.builds(lambda i, d, p: StagedChange(i, d, place=p), IDS, DIGESTS, PLACES),
)


@given(change=CHANGES)
def test_a_change_comes_back_as_it_was(change: StagedChange) -> None:
    assert StagedChange.decode(change.encode()) == change


@given(changes=st.lists(CHANGES, max_size=20))
def test_names_come_back_as_they_were(changes: list[StagedChange]) -> None:
    names = [StagedName(change.id, change.digest is None) for change in changes]
    assert list(decode_names(encode_names(changes))) == names


@pytest.mark.parametrize("what", [3, 255])
def test_a_change_of_no_known_kind_is_corrupt(what: int) -> None:
    encoded = StagedChange(RecordId("a"), bytes(16), b"{}").encode()
    with pytest.raises(Corrupt, match="no known kind"):
        StagedChange.decode(bytes([what]) + encoded[1:])


def test_a_place_of_another_length_is_corrupt() -> None:
    place = Locator(PackRef(bytes(16), 1, bytes(32)), 0, 0, 0)
    encoded = StagedChange(RecordId("a"), bytes(16), place=place).encode()
    for wrong in (encoded[:-1], encoded + b"\0"):
        with pytest.raises(Corrupt):
            StagedChange.decode(wrong)


@given(tokens=st.lists(st.binary(min_size=8, max_size=8), max_size=40))
def test_an_assigned_id_is_a_uuid7_of_the_batchs_time(tokens: list[bytes]) -> None:
    batch = BatchId(new_id("bt", 1_767_225_600_000))
    made = assigned_ids(batch, b"".join(tokens))
    assert len(made) == len(tokens)
    for index, (one, token) in enumerate(zip(made, tokens, strict=True)):
        assert one[:13] == batch[3:16]
        value = UUID(one)
        assert (str(value), value.version, value.variant) == (one, 7, RFC_4122)
        assert int(one[15:18], 16) == index
        assert value.int & (1 << 62) - 1 == int.from_bytes(token) & (1 << 62) - 1
