"""The port ``Detector`` by a names model."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from datavault.adapters.ner.decoding import spans_of
from datavault.adapters.ner.model import NamesModel, names_model
from datavault.adapters.ner.postcodes import SCORE, with_postcodes
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.tiers import Tier

BATCH_CHARACTERS = 16_384
# A text takes some hundred bytes a character while it is read; a longer one is read in sections.
SECTION_CHARACTERS = 2**18
BESIDE_CHARACTERS = 2048


class NamesDetector:
    """Finds persons, places, organisations and street addresses.

    In Latin letters: of names in other scripts it finds none, as it would take whole lines for
    them. Titles and labels that stand alone are none either (``scripts``). Postcodes are places
    where a label says that they are postcodes.

    The spans of a text depend on that text alone. Memory grows neither with the number of texts nor
    with their length, but for the spans found. Safe to be used by several threads.
    """

    def __init__(self, model: NamesModel | None = None) -> None:
        """With the model given, or with the tier ``fast`` of the one that is installed.

        Raises:
            Corrupt: it is missing, or not what was published.
        """
        self._model = model or names_model(Tier.FAST)

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans of each text, in order."""
        found: list[tuple[Span, ...]] = []
        for some in _batches(texts):
            if len(some[-1]) <= SECTION_CHARACTERS:
                found += self._found(some)
            else:
                found += self._found(some[:-1])
                found.append(tuple(self._found_in_sections(some[-1])))
        return found

    def _found(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        pieces = self._model.reader.pieces(texts)
        found = spans_of(
            texts,
            pieces,
            self._model.network.probabilities(pieces),
            entities=self._model.entities,
            thresholds=self._model.thresholds,
        )
        place = self._model.entities.index(Entity.LOCATION)
        if self._model.thresholds[place] > SCORE:
            return found
        return [with_postcodes(text, spans) for text, spans in zip(texts, found, strict=True)]

    def _found_in_sections(self, text: str) -> Iterator[Span]:
        """What begins in each section, read with what stands around it."""
        end = 0
        for start, stop in _sections(text):
            first = max(0, start - BESIDE_CHARACTERS)
            (spans,) = self._found([text[first : stop + BESIDE_CHARACTERS]])
            for span in spans:
                own = replace(span, start=span.start + first, end=span.end + first)
                if start <= own.start < stop and own.start >= end:
                    yield own
                    end = own.end


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts that are read together, so that what a batch costs is shared by its texts."""
    start, size = 0, 0
    for end, text in enumerate(texts, 1):
        size += len(text)
        if size >= BATCH_CHARACTERS or end == len(texts):
            yield texts[start:end]
            start, size = end, 0


def _sections(text: str) -> Iterator[tuple[int, int]]:
    """Where a long text is cut: at a space, if there is one near by."""
    start = 0
    while start < len(text):
        stop = start + SECTION_CHARACTERS
        if stop < len(text):
            stop = text.rfind(" ", stop - BESIDE_CHARACTERS, stop) + 1 or stop
        yield start, min(stop, len(text))
        start = stop
