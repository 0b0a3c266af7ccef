"""Batches put together: the same lines at the same places, and few of them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.formats import batch
from datavault.domain.formats.batch import Batch, Listed, Place, joined
from datavault.domain.formats.lines import read_ndjson

from .reading import never, records

TEXTS = st.lists(st.text("ab \n", min_size=1, max_size=20).map(str.encode), max_size=8)


def of(texts: list[bytes]) -> list[Batch]:
    return [each for text in texts for each in read_ndjson([text], never)]


@given(texts=TEXTS)
def test_joined_batches_have_the_same_lines_at_the_same_places(texts: list[bytes]) -> None:
    assert records(joined(of(texts))) == records(iter(of(texts)))


@given(texts=TEXTS, size=st.integers(2, 40))
def test_joined_batches_are_as_large_as_half_a_batch_and_no_larger_than_one(
    texts: list[bytes], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "BATCH_BYTES", size)
        found = [*joined(of(texts))]
    whole = [len(each.text) for each in of(texts)]
    for each in found:
        # The line feeds that end the texts' last lines are not counted.
        assert len(each.text) <= max(size + len(texts), *whole)
    for one, other in pairwise(found):
        assert len(one.text) >= size // 2 or len(one.text) + len(other.text) > size


def test_a_batch_that_is_large_is_handed_on_before_the_next_is_read() -> None:
    large = Batch(b"x" * batch.BATCH_BYTES, 1, Listed(np.array([1]), np.array([1])))

    def read() -> object:
        yield large
        raise AssertionError("read too early")

    source = joined(read())  # type: ignore[arg-type]
    assert next(source) is large
    assert next(joined(iter([large]))).origin.place(0) == Place(1, 1)
