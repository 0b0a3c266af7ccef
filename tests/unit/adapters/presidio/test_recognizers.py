"""Our detectors in Presidio, Presidio's recognizers among our detectors, and no network."""

import socket

import pytest

from datavault.adapters.presidio.analyzer import presidio_analyzer
from datavault.adapters.presidio.recognizers import (
    DetectorRecognizer,
    RecognizerDetector,
    analyzer_engine,
)
from datavault.domain.errors import Invalid
from datavault.privacy import Combined, Entity, Scanner, Tier, detector

SCANNER = Scanner()


@pytest.fixture(autouse=True)
def _network_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def plates() -> presidio_analyzer.PatternRecognizer:
    pattern = presidio_analyzer.Pattern("plate", r"\bZZ-[0-9]{3}\b", 0.9)
    return presidio_analyzer.PatternRecognizer(Entity.LICENSE_PLATE.value, patterns=[pattern])


def test_a_scanner_answers_in_presidios_results() -> None:
    recognizer = DetectorRecognizer(SCANNER, SCANNER.entities)
    registry = presidio_analyzer.RecognizerRegistry()
    registry.add_recognizer(recognizer)
    assert recognizer in registry.recognizers
    (result,) = recognizer.analyze("😀 mail jo@example.org", [])
    assert (result.entity_type, result.start, result.end) == ("EMAIL_ADDRESS", 7, 21)
    assert recognizer.analyze("mail jo@example.org", ["URL"]) == []


def test_names_come_out_of_presidios_own_engine_beside_a_users_recognizer() -> None:
    text = "😀 My name is Katarina Holmgren, I live in Utrecht: jo@example.org, ZZ-123"
    engine = analyzer_engine(detector(), Tier.FAST.entities, languages=("en", "de"))
    engine.registry.add_recognizer(plates())
    found = {(each.entity_type, text[each.start : each.end]) for each in engine.analyze(text, "en")}
    assert found == {
        ("PERSON", "Katarina Holmgren"),
        ("LOCATION", "Utrecht"),
        ("EMAIL_ADDRESS", "jo@example.org"),
        ("LICENSE_PLATE", "ZZ-123"),
    }
    (result,) = engine.analyze(text, "de", entities=["PERSON"])
    assert (result.start, result.end, result.score >= 0.9) == (13, 30, True)


def test_a_users_recognizer_stands_beside_the_scanner() -> None:
    both = Combined((SCANNER, RecognizerDetector(plates())))
    assert [span.entity for span in both.find("jo@example.org drives ZZ-123")] == [
        Entity.EMAIL_ADDRESS,
        Entity.LICENSE_PLATE,
    ]


def test_a_recognizer_of_unknown_entities_is_refused() -> None:
    pattern = presidio_analyzer.Pattern("x", "x", 0.5)
    with pytest.raises(Invalid, match="unknown entity"):
        RecognizerDetector(presidio_analyzer.PatternRecognizer("SHOE_SIZE", patterns=[pattern]))


def test_presidios_recognizer_of_mail_does_not_ask_for_suffixes() -> None:
    recognizer = presidio_analyzer.predefined_recognizers.EmailRecognizer()
    assert len(recognizer.analyze("jo@example.org", ["EMAIL_ADDRESS"])) == 1


def test_a_scanner_asks_nobody() -> None:
    assert len(Scanner().find("+44 20 7946 0958, https://example.org, jo@example.org")) == 3
