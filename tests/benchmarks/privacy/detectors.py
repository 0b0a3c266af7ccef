"""What is measured: our scanner, and stock Presidio with its patterns and no model."""

import contextlib
import io
import logging
from collections.abc import Callable, Sequence

from datavault.adapters.presidio.analyzer import NO_ARTIFACTS, presidio_analyzer
from datavault.privacy import Scanner
from tests.benchmarks.privacy.measures import Labelled

# Names of entities to the labels of the corpora.
LABELS = {
    "AGE": "AGE", "CREDIT_CARD": "CREDIT_CARD", "DATE_OF_BIRTH": "DATE", "DATE_TIME": "DATE",
    "DRIVER_LICENSE": "ID", "EMAIL_ADDRESS": "EMAIL", "HEALTH_INSURANCE": "ID",
    "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP", "MEDICAL_RECORD": "ID", "NATIONAL_ID": "ID",
    "PASSPORT": "ID", "PHONE_NUMBER": "PHONE", "SECRET": "SECRET", "URL": "URL",
    "US_DRIVER_LICENSE": "ID", "US_PASSPORT": "ID", "US_SSN": "SSN", "MEDICAL_LICENSE": "ID",
}  # fmt: skip

type Detect = Callable[[Sequence[str]], list[list[Labelled]]]


def scanner() -> Detect:
    ours = Scanner()
    return lambda texts: [
        [(span.start, span.end, LABELS.get(span.entity, span.entity)) for span in spans]
        for spans in ours.find_all(texts)
    ]


def presidio() -> Detect:
    """The analyzer's default recognizers of patterns; its NLP engine finds no names."""
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    registry = presidio_analyzer.RecognizerRegistry()
    with contextlib.redirect_stderr(io.StringIO()):
        registry.load_predefined_recognizers(languages=["en"])
    patterns = [
        each
        for each in registry.recognizers
        if isinstance(each, presidio_analyzer.LocalRecognizer)
        and "Spacy" not in type(each).__name__
    ]
    decided = presidio_analyzer.EntityRecognizer.remove_duplicates

    def detect(texts: Sequence[str]) -> list[list[Labelled]]:
        found = []
        for text in texts:
            results = [
                result
                for each in patterns
                for result in each.analyze(text, each.supported_entities, NO_ARTIFACTS) or ()
                if result.score > 0.3
            ]
            found.append(
                [
                    (each.start, each.end, LABELS.get(each.entity_type, each.entity_type))
                    for each in decided(results)
                ]
            )
        return found

    return detect
