"""What every detector of personal data promises, whatever it looks for and however."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.ner.detector import NamesDetector
from datavault.adapters.presidio.analyzer import presidio_analyzer
from datavault.adapters.presidio.recognizers import RecognizerDetector
from datavault.domain.privacy.members import detect_named
from datavault.domain.privacy.spans import Span
from datavault.privacy import Combined, Detector, Scanner, Tier
from datavault.privacy import detector as detector_of

# Values that somebody may find, of nobody: reserved names, published test numbers.
VALUES = (
    "jo@example.org",
    "4111 1111 1111 1111",
    "+44 20 7946 0958",
    "DE89370400440532013000",
    "https://example.org/a?b=c",
    "192.0.2.7",
    "password: hunter2hunter2",
    "born 1 May 1980",
    "Katarina Holmgren",
    "12 Willow Creek Road, Utrecht",
)
TEXT = st.lists(st.sampled_from(VALUES) | st.text(max_size=20), max_size=6).map(" ".join)
TEXTS = st.lists(TEXT, max_size=5)


def _words() -> Detector:
    pattern = presidio_analyzer.Pattern("word", r"\b[a-z]+@example\.org\b", 0.9)
    recognizer = presidio_analyzer.PatternRecognizer("EMAIL_ADDRESS", patterns=[pattern])
    return RecognizerDetector(recognizer)


DETECTORS: dict[str, Callable[[], Detector]] = {
    "scanner": Scanner,
    "presidio": _words,
    "names": NamesDetector,
    "combined": lambda: Combined((Scanner(), _words())),
    "fast": detector_of,
    "thorough": lambda: detector_of(Tier.THOROUGH),
}


@pytest.fixture(params=DETECTORS, scope="module")
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]()


@settings(max_examples=30, deadline=None)
@given(texts=TEXTS)
def test_spans_are_sorted_within_the_text_and_share_no_character(
    detector: Detector, texts: Sequence[str]
) -> None:
    found = detector.detect(texts)
    assert len(found) == len(texts)
    for text, spans in zip(texts, found, strict=True):
        ends = [0, *(span.end for span in spans)]
        for before, span in zip(ends, spans, strict=False):
            assert before <= span.start < span.end <= len(text)
            assert 0 <= span.score <= 1


@settings(max_examples=25, deadline=None)
@given(texts=TEXTS)
def test_what_is_found_in_a_text_does_not_depend_on_the_others(
    detector: Detector, texts: Sequence[str]
) -> None:
    assert detector.detect(texts) == [detector.detect([text])[0] for text in texts]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.tuples(st.sampled_from(("", "ssn: ", "e mail: ")), TEXT), max_size=5))
def test_what_is_found_behind_a_name_lies_within_the_value(
    detector: Detector, texts: Sequence[tuple[str, str]]
) -> None:
    for (_, text), spans in zip(texts, detect_named(detector.detect, texts), strict=True):
        ends = [0, *(span.end for span in spans)]
        for before, span in zip(ends, spans, strict=False):
            assert before <= span.start < span.end <= len(text)


def test_every_detector_finds_what_it_is_for(detector: Detector) -> None:
    (spans,) = detector.detect(["é𝔘 write to Katarina Holmgren <jo@example.org>"])
    name, address = (12, 29), (31, 45)
    assert {(span.start, span.end) for span in spans} & {name, address}


def test_threads_share_a_detector(detector: Detector) -> None:
    texts = [" ".join(VALUES[at % len(VALUES) :]) for at in range(24)]

    def detect(text: str) -> tuple[Span, ...]:
        return detector.detect([text])[0]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(detect, texts)) == detector.detect(texts)
