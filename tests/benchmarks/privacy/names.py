"""How well names, places, organisations and street addresses are found, and how fast.

    uv run python -m tests.benchmarks.privacy.names DATA.jsonl ... [--threshold X] [--curve]

Each line of a file is ``{"text", "spans": [{"start", "end", "label"}]}``. A span labelled
``IGNORED`` is neither asked for nor held against whoever finds something there; it marks what a
source's annotators did not agree on. ``layers/privacy/train/train.py held-out`` writes held-out
sources in this form.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datavault.adapters.ner.detector import NamesDetector
from datavault.adapters.ner.model import NamesModel, names_model
from datavault.domain.privacy.tiers import Tier
from datavault.privacy import Combined, Detector, Scanner
from tests.benchmarks.privacy.measures import Document, Labelled, Result, compare, f_beta

LABELS = {
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
    "ORGANIZATION": "ORG",
    "STREET_ADDRESS": "ADDRESS",
}
IGNORED = "IGNORED"
CURVE = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Speed is that of the first so many texts.
RATE_TEXTS = 200
ROUNDS = 3


def main() -> None:
    """Print a table for each file, or a curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--tier", type=Tier, choices=[Tier.FAST, Tier.THOROUGH], default=Tier.FAST)
    parser.add_argument("--threshold", type=float, help="in place of the model's own")
    parser.add_argument("--curve", action="store_true", help="masked and precise by threshold")
    given = parser.parse_args()
    model = names_model(given.tier)
    if given.threshold is not None:
        model = at_threshold(model, given.threshold)
    for file in given.files:
        documents = list(documents_of(file))
        if given.curve:
            _show_curve(file.stem, model, documents)
        else:
            _show(file.stem, model, documents)


def at_threshold(model: NamesModel, threshold: float) -> NamesModel:
    """The model with one threshold for all entities."""
    return replace(model, thresholds=np.full_like(model.thresholds, threshold))


def documents_of(file: Path) -> Iterator[Document]:
    """What a file holds, of the labels that are about names."""
    for line in file.read_text().splitlines():
        record = json.loads(line)
        wanted = {*LABELS.values(), IGNORED}
        gold = tuple(
            (span["start"], span["end"], span["label"])
            for span in record["spans"]
            if span["label"] in wanted
        )
        yield Document(record["text"], gold)


def measured(detector: Detector, documents: Sequence[Document]) -> Result:
    """What the detector finds, held against the gold spans."""
    found = detector.detect([document.text for document in documents])
    predicted = [
        _counted(document, [(span.start, span.end, LABELS[span.entity]) for span in spans])
        for document, spans in zip(documents, found, strict=True)
    ]
    return compare(documents, predicted, frozenset(LABELS.values()))


def rate(detector: Detector, texts: Sequence[str]) -> float:
    """Kilobytes of UTF-8 for each second of one core; the best of some rounds."""
    size = sum(len(text.encode()) for text in texts)
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        detector.detect(texts)
        seconds.append(time.process_time() - began)
    return size / min(seconds) / 1e3


def _counted(document: Document, found: list[Labelled]) -> list[Labelled]:
    ignored = [(start, end) for start, end, label in document.gold if label == IGNORED]
    return [
        each
        for each in found
        if not any(each[0] < end and start < each[1] for start, end in ignored)
    ]


def _show(name: str, model: NamesModel, documents: Sequence[Document]) -> None:
    names = NamesDetector(model)
    result = measured(names, documents)
    texts = [document.text for document in documents[:RATE_TEXTS]]
    alone, together = rate(names, texts), rate(Combined((Scanner(), names)), texts)
    print(
        f"{name}: {result.clean} of {result.documents} documents clean; "
        f"{alone:.0f} KB/s a core, {together:.0f} KB/s with the scanner"
    )
    for label, tally in result.tallies.items():
        if not tally.gold:
            continue
        precision, recall = tally.precision, tally.recall
        exact = tally.exact_precision, tally.exact_recall
        print(
            f"  {label:8} n={tally.gold:5} masked {tally.masked / tally.gold:.3f} "
            f"(>= {tally.masked_at_least:.3f}) P {precision:.3f} R {recall:.3f} "
            f"F1 {f_beta(precision, recall):.3f} F2 {f_beta(precision, recall, beta=2):.3f} "
            f"exact P {exact[0]:.3f} R {exact[1]:.3f} F1 {f_beta(*exact):.3f}"
        )


def _show_curve(name: str, model: NamesModel, documents: Sequence[Document]) -> None:
    print(f"{name}: masked / precision")
    for threshold in CURVE:
        result = measured(NamesDetector(at_threshold(model, threshold)), documents)
        cells = (
            f"{label} {tally.masked / tally.gold:.3f} / {tally.precision:.3f}"
            for label, tally in result.tallies.items()
            if tally.gold
        )
        print(f"  {threshold:4.2f}  {'  '.join(cells)}")


if __name__ == "__main__":
    main()
