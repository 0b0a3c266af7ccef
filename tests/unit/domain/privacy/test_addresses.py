"""The pieces of an address become one span; what only stands near it stays apart.

In the tables ``<>`` encloses a street and ``{}`` a place, as a detector finds them.
"""

import re

import pytest

from datavault.domain.privacy.addresses import PLACES_BEHIND_MAX, with_addresses
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import resolve
from datavault.domain.privacy.pointers import ANYWHERE
from datavault.domain.privacy.policy import Policy, Rule
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.strategy import Keep
from datavault.privacy import Tier, detector
from tests.support.privacy import KEYS, SETTING

GOLDEN = [
    ("en", "She lives at <12 Main St>, {Springfield}.", ["12 Main St, Springfield"]),
    (
        "en",
        "To <12 Main St>, {Springfield}, {IL} 62704-1234.",
        ["12 Main St, Springfield, IL 62704-1234"],
    ),
    (
        "en",
        "{London}, <221B Baker Street>, NW1 6XE {England}",
        ["London, 221B Baker Street, NW1 6XE England"],
    ),
    ("en", "<1 High Street>, {Leeds} LS1 4AP is let.", ["1 High Street, Leeds LS1 4AP"]),
    ("en", "<5 Park Ave>\n{New York}\n{USA}", ["5 Park Ave\nNew York\nUSA"]),
    ("en", "at 12 {Main Street}, {Springfield}", ["12 Main Street, Springfield"]),
    ("es", "Vive en {Calle Mayor} 3, 28013 {Madrid}.", ["Calle Mayor 3, 28013 Madrid"]),
    ("es", "En {Madrid}, {Calle Mayor}, 3, hoy", ["Madrid, Calle Mayor, 3"]),
    (
        "es",
        "<Avenida de la Paz 12>, {Sevilla}, {España}",
        ["Avenida de la Paz 12, Sevilla, España"],
    ),
    ("de", "in der {Lindenstraße} 5b, 10115 {Berlin}", ["Lindenstraße 5b, 10115 Berlin"]),
    ("de", "<Am Alten Markt 7>, {50667} {Köln}", ["Am Alten Markt 7, 50667 Köln"]),
    ("fr", "au 8 bis {rue de la Paix}, 75002 {Paris}", ["8 bis rue de la Paix, 75002 Paris"]),
    ("fr", "<12 avenue Foch> - {75116} {Paris}", ["12 avenue Foch - 75116 Paris"]),
    ("it", "Abito in <Via Roma 10>, 00184 {Roma}.", ["Via Roma 10, 00184 Roma"]),
    ("it", "{Piazza Navona} n. 4, {Roma}, {Italia}", ["Piazza Navona n. 4, Roma, Italia"]),
    ("pt", "na {Rua das Flores}, 123, 4000-123 {Porto}", ["Rua das Flores, 123, 4000-123 Porto"]),
    (
        "pt",
        "<Rua Augusta, 1500>, {São Paulo} - {SP}, 01304-001",
        ["Rua Augusta, 1500, São Paulo - SP, 01304-001"],
    ),
    ("nl", "op {Keizersgracht} 123, 1015 CJ {Amsterdam}", ["Keizersgracht 123, 1015 CJ Amsterdam"]),
    ("nl", "<Dorpsstraat 12>, {Utrecht}, {Nederland}", ["Dorpsstraat 12, Utrecht, Nederland"]),
]
APART = [
    ("from {Paris} to <12 Main St>", ["12 Main St"]),
    ("<12 Main St> in {Springfield}", ["12 Main St"]),
    ("<12 Main St>; {Springfield}", ["12 Main St"]),
    ("<12 Main St>\t{Springfield}", ["12 Main St"]),
    ("<12 Main St>. {Springfield} is far", ["12 Main St"]),
    ("<12 Main St>\n\n{Springfield}", ["12 Main St"]),
    ("{Rome}\n<12 Main St>", ["12 Main St"]),
    ("<1 Elm St>, {Leeds}, <2 Oak St>, {York}", ["1 Elm St, Leeds", "2 Oak St, York"]),
    ("<1 Elm St>\n<2 Oak St>", ["1 Elm St", "2 Oak St"]),
    ("{Rome}, {Paris}, {London}, <1 Elm St>", ["Paris, London, 1 Elm St"]),
    ("{Springfield} 62704, {Main Street}", []),
    ("{Trafalgar Square}, 2011", []),
    ("{Calle Mayor} 3.5 km", []),
    ("{Lindenweg} 123456", []),
    ("{Paris}, {France}", []),
]


def read(marked: str) -> tuple[str, tuple[Span, ...]]:
    spans: list[Span] = []
    text, shift = re.sub(r"[<>{}]", "", marked), 0
    for found in re.finditer(r"<([^>]*)>|\{([^}]*)\}", marked):
        entity = Entity.STREET_ADDRESS if found[1] is not None else Entity.LOCATION
        start = found.start() - shift
        shift += 2
        spans.append(Span(start, found.end() - shift, entity, 0.9, "test"))
    return text, tuple(spans)


def addresses(marked: str) -> list[str]:
    text, spans = read(marked)
    told = resolve(with_addresses(text, spans))
    return [text[each.start : each.end] for each in told if each.entity is Entity.STREET_ADDRESS]


@pytest.mark.parametrize(("language", "marked", "expected"), GOLDEN)
def test_an_address_is_one(language: str, marked: str, expected: list[str]) -> None:
    assert addresses(marked) == expected, language


@pytest.mark.parametrize(("marked", "expected"), APART)
def test_what_only_stands_near_an_address_is_none_of_it(marked: str, expected: list[str]) -> None:
    assert addresses(marked) == expected


def test_an_address_ends_after_some_places() -> None:
    places = ", ".join("{Rome}" for _ in range(PLACES_BEHIND_MAX + 2))
    (found,) = addresses(f"<1 Elm St>, {places}")
    assert found.count("Rome") == PLACES_BEHIND_MAX


def test_what_was_found_stays_for_a_policy_that_treats_places_and_keeps_addresses() -> None:
    text, spans = read("<12 Main St>, {Springfield}")
    assert set(spans) < set(with_addresses(text, spans))

    class Pieces:
        def detect_overlapping(self, texts: object, /) -> list[tuple[Span, ...]]:
            return [with_addresses(text, spans)]

        detect = detect_overlapping

    keep = Rule(Entity.STREET_ADDRESS, Keep("public"), ANYWHERE)
    engine = Anonymizer(Pieces(), Policy("p", rules=(keep,)), KEYS, SETTING)
    assert engine.texts([text])[0].output == "12 Main St, [LOCATION]"


def test_other_findings_pass_as_they_are() -> None:
    person = Span(0, 3, Entity.PERSON, 0.9, "test")
    place = Span(5, 9, Entity.LOCATION, 0.9, "test")
    assert with_addresses("Ada, Rome", (person, place)) == (person, place)


@pytest.mark.parametrize(
    ("sentence", "address"),
    [
        ("My address is 12 Main St, Springfield.", "12 Main St, Springfield"),
        ("Vive en Calle de Alcalá 45, 28014 Madrid.", "Calle de Alcalá 45, 28014 Madrid"),
        ("Ich wohne in der Hauptstraße 5, 10115 Berlin.", "Hauptstraße 5, 10115 Berlin"),
        ("J'habite au 12 rue de la Paix, 75002 Paris.", "12 rue de la Paix, 75002 Paris"),
        ("Abito in Via Roma 10, 00184 Roma.", "Via Roma 10, 00184 Roma"),
        ("Moro na Rua das Flores 123, 4000-123 Porto.", "Rua das Flores 123, 4000-123 Porto"),
        (
            "Ik woon op Keizersgracht 123, 1015 CJ Amsterdam.",
            "Keizersgracht 123, 1015 CJ Amsterdam",
        ),
    ],
)
def test_an_address_in_a_sentence_has_one_stand_in(sentence: str, address: str) -> None:
    engine = Anonymizer(detector(Tier.FAST), Policy("redact"), KEYS, SETTING)
    (done,) = engine.texts([sentence])
    assert done.output == sentence.replace(address, "[STREET_ADDRESS]")
    assert len(done.findings) == 1


def test_who_looks_for_places_alone_is_told_of_no_address() -> None:
    text = "We live in Madrid. Send it to Calle Mayor 3, please."
    found = detector(Tier.FAST, entities=[Entity.LOCATION]).find(text)
    assert {each.entity for each in found} == {Entity.LOCATION}
