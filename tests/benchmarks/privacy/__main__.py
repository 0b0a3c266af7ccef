"""Measures the detectors: ``python -m tests.benchmarks.privacy [--corpora FOLDER] [--count N]``.

Each JSONL file in the folder is a data set of ``{"text", "spans": [{"start", "end", "label"}]}``.
Rates are bytes of UTF-8 for each second of CPU, batches of 1,000 texts.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from tests.benchmarks.privacy.detectors import LABELS, Detect, presidio, scanner
from tests.benchmarks.privacy.generated import documents
from tests.benchmarks.privacy.impersonal import NOT_COUNTED, impersonal_texts
from tests.benchmarks.privacy.measures import Document, Result, compare, f_beta

SENTENCES = Path(__file__).parents[2] / "corpora/sentences.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=20_261_126)
    arguments = parser.parse_args()
    detectors = {"scanner": scanner(), "presidio": presidio()}
    _speed(detectors)
    for kind, texts in impersonal_texts(seed=arguments.seed):
        for name, detect in detectors.items():
            some = texts if name == "scanner" else texts[:: max(1, len(texts) // 100)]
            _report_false(f"{kind}, {name}", some, detect)
    for path in sorted(arguments.corpora.glob("*.jsonl")) if arguments.corpora else ():
        read = [_document(line) for line in path.read_text().splitlines()]
        for name, detect in detectors.items():
            _report(f"{path.stem} (dev), {name}", *_measured(read, detect))
    for label, made in documents(arguments.count, seed=arguments.seed):
        for name, detect in detectors.items():
            sample = made if name == "scanner" else made[: arguments.count // 10]
            _report(f"generated {label}, {name}", *_measured(sample, detect))


def _document(line: str) -> Document:
    row = json.loads(line)
    gold = tuple((each["start"], each["end"], each["label"]) for each in row["spans"])
    return Document(row["text"], gold)


def _measured(read: Sequence[Document], detect: Detect) -> tuple[Result, float]:
    texts = [document.text for document in read]
    began = time.process_time()
    found = [
        each
        for start in range(0, len(texts), 1_000)
        for each in detect(texts[start : start + 1_000])
    ]
    rate = sum(len(text.encode()) for text in texts) / (time.process_time() - began) / 1e6
    labels = frozenset(LABELS.values()) & {each[2] for document in read for each in document.gold}
    return compare(read, found, labels), rate


def _report(title: str, result: Result, rate: float) -> None:
    print(f"{title}: {rate:.2f} MB/s, {result.clean} of {result.documents} documents clean")
    for label, tally in result.tallies.items():
        precision, recall = tally.precision, tally.recall
        exact = tally.exact_precision, tally.exact_recall
        print(
            f"  {label:12} n={tally.gold:5} masked {tally.masked / tally.gold:.4f} "
            f"(>= {tally.masked_at_least:.4f}) P {precision:.4f} R {recall:.4f} "
            f"F1 {f_beta(precision, recall):.4f} F2 {f_beta(precision, recall, beta=2):.4f} "
            f"exact P {exact[0]:.4f} R {exact[1]:.4f} F1 {f_beta(*exact):.4f}"
        )


def _report_false(title: str, texts: Sequence[str], detect: Detect) -> None:
    """What is found in text in which nobody is."""
    began = time.process_time()
    found = detect(texts)
    size = sum(len(text.encode()) for text in texts) / 1e6
    rate = size / (time.process_time() - began)
    counted = [[label for *_, label in spans if label not in NOT_COUNTED] for spans in found]
    clean = sum(not labels for labels in counted)
    by_label = Counter(chain.from_iterable(counted))
    kinds = ", ".join(f"{label} {count / size:.1f}" for label, count in by_label.most_common())
    print(
        f"{title}: {size:.1f} MB at {rate:.2f} MB/s, {clean} of {len(texts)} documents clean, "
        f"{by_label.total() / size:.1f} false in a MB ({kinds or 'none'})"
    )


def _speed(detectors: dict[str, Detect]) -> None:
    """Sentences of news and encyclopedias; what is found there, but dates, is hardly personal."""
    texts = [json.loads(line)["text"] for line in SENTENCES.read_text().splitlines()]
    size = sum(len(text.encode()) for text in texts)
    rates: dict[str, float] = {}
    for name, detect in detectors.items():
        detect(texts)  # Automata are built as they are needed.
        began = time.process_time()
        found = detect(texts)
        rates[name] = size / (time.process_time() - began) / 1e6
        other = sum(label != "DATE" for spans in found for _, _, label in spans)
        print(
            f"sentences, {name}: {rates[name]:.2f} MB/s a core, "
            f"{len(texts) * rates[name] * 1e6 / size:.0f} records/s, "
            f"{other / size * 1e6:.1f} findings other than dates in a MB"
        )
    print(f"sentences: {rates['scanner'] / rates['presidio']:.0f} times Presidio")


if __name__ == "__main__":
    main()
