"""Names that nobody marked in texts whose words somebody did: what the tier ``thorough`` says of
them, where the kind of word agrees with it.

The trees of UD English EWT (training set) say of each word whether it is a proper noun, and not
whom it names. A span of the tier that has a proper noun in it and a score of ``SURE_FROM`` is taken
for a name; a proper noun that is in none teaches nothing; every other word names nobody. So what is
learnt from these texts is mostly which words with a capital are no names.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from generate import Labelled

from datavault.adapters.ner.detector import NamesDetector
from datavault.adapters.ner.model import names_model
from datavault.domain.privacy.tiers import Tier

SURE_FROM = 0.9
BATCH_TEXTS = 200


def presumed(path: Path) -> Iterator[Labelled]:
    """The sentences of a file of trees in CoNLL-U, in order, with the names they seem to have."""
    detector = NamesDetector(names_model(Tier.THOROUGH))
    sentences = [*_sentences(path)]
    for at in range(0, len(sentences), BATCH_TEXTS):
        some = sentences[at : at + BATCH_TEXTS]
        found = detector.detect([text for text, _ in some])
        for (text, proper), spans in zip(some, found, strict=True):
            names: list[tuple[int, int, str | None]] = [
                (span.start, span.end, str(span.entity))
                for span in spans
                if span.score >= SURE_FROM and _touches(proper, span.start, span.end)
            ]
            named = [(start, end) for start, end, _ in names]
            names += [(*word, None) for word in proper if not _touches(named, *word)]
            yield Labelled(text, tuple(sorted(names, key=lambda span: span[0])), path.stem)


def _sentences(path: Path) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Each text and the places of its proper nouns."""
    for block in path.read_text().split("\n\n"):
        text, at, proper = "", 0, []
        for line in block.splitlines():
            if line.startswith("# text = "):
                text = line.removeprefix("# text = ")
            fields = line.split("\t")
            if len(fields) != 10 or not fields[0].isdigit():
                continue
            start = text.find(fields[1], at)
            if start < 0 or start - at > 3:
                continue  # Of contractions the words are not in the text.
            at = start + len(fields[1])
            if fields[3] == "PROPN":
                proper.append((start, at))
        if text:
            yield text, proper


def _touches(places: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(first < end and start < last for first, last in places)
