"""Reading in tests: pieces of any size in, records and their places out."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import strategies as st

from datavault.domain.formats import pieces
from datavault.domain.formats.batch import Batches, Place, Refused


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces as they come, so that what goes from piece to piece is seen."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1)


def cut(text: bytes, size: int) -> list[bytes]:
    """The text in pieces of a size."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def records(batches: Batches) -> list[tuple[bytes, Place]]:
    """Every line that is not blank, trimmed, and its place; batches count their lines rightly."""
    return [*_records(batches)]


def _records(batches: Iterable) -> Iterator[tuple[bytes, Place]]:  # type: ignore[type-arg]
    for batch in batches:
        lines = batch.text.removesuffix(b"\n").split(b"\n")
        assert len(lines) == batch.lines
        for number, line in enumerate(lines):
            if line.strip():
                yield line.strip(), batch.origin.place(number)


def never(refused: Refused) -> None:
    """For files without a bad record."""
    raise AssertionError(f"{refused.place}: {refused.error}")


SIZES = st.integers(1, 40)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=8)
