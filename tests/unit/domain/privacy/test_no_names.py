"""Labels and lone figures are no names, surnames that labels use are; so is a house number."""

import pytest

from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.no_names import of_figures, without_no_names
from datavault.domain.privacy.policy import Policy
from datavault.domain.privacy.spans import Span
from datavault.privacy import Tier, detector
from tests.support.privacy import KEYS, SETTING


def names(text: str, *values: str, score: float = 0.8) -> list[str]:
    """Of the values, each as a model finds it in the text, those that are left."""
    spans, at = [], 0
    for value in values:
        at = text.index(value, at)
        spans.append(Span(at, at + len(value), Entity.PERSON, score, "test"))
        at += len(value)
    return [text[each.start : each.end] for each in without_no_names(text, spans)]


@pytest.mark.parametrize(
    ("text", "values", "left"),
    [
        ("Steuer-ID: 12", ["Steuer-ID"], []),
        ("Steuer-ID 8", ["Steuer"], []),
        ("Codice Fiscale e C. Fiscale", ["Codice Fiscale", "C. Fiscale"], []),
        ("API Key of E-Mail ID", ["Key", "E-Mail ID"], []),
        ("Alicia Key and Nombre de Dios", ["Alicia Key", "Nombre de Dios"], 2),
        ("NDJSON or JSON records, 8 MiB", ["NDJSON", "JSON records", "MiB"], []),
        ("Json Derulo, MB Wong, the Rest", ["Json Derulo", "MB Wong", "Rest"], 3),
        ("CPF: 1", ["1"], []),
        ("in 12, and 562", ["12", "562"], []),
        ("Apt. 566", ["Apt.", "566"], 2),
        ("Hauptstraße 5, 101", ["Hauptstraße", "5", "101"], 3),
        ("live in 62704 now", ["62704"], 1),
        ("live in 62704-1 now", ["62704-1"], 1),
        ("Rome", ["Rome"], 1),
    ],
)
def test_labels_and_lone_figures_are_none(text: str, values: list[str], left: object) -> None:
    assert names(text, *values) == (values[:left] if isinstance(left, int) else left)


@pytest.mark.parametrize(
    ("text", "values", "score"),
    [
        ("last name: Driver", ["Driver"], 0.6),
        ("Nachname: Steuer", ["Steuer"], 0.6),
        ("name: POST", ["POST"], 0.6),
        ("Adam Driver", ["Adam", "Driver"], 0.6),
        ("Driver, Adam", ["Driver", "Adam"], 0.6),
        ("owner: Key", ["Key"], 0.93),
    ],
)
def test_surnames_that_are_words_of_labels_are_names(
    text: str, values: list[str], score: float
) -> None:
    assert names(text, *values, score=score) == values


@pytest.mark.parametrize(
    ("text", "values", "left"),
    [
        ("owner: Key", ["Key"], []),
        ("username: Passwort", ["Passwort"], []),
        ("Adam\nTelefon", ["Adam", "Telefon"], ["Adam"]),
        ("Telefon Fax", ["Telefon", "Fax"], []),
        ("Adam, Steuer-ID", ["Adam", "Steuer-ID"], ["Adam"]),
    ],
)
def test_words_of_labels_elsewhere_are_none(text: str, values: list[str], left: list[str]) -> None:
    assert names(text, *values) == left


def test_a_surname_in_a_record_is_treated_though_labels_have_it() -> None:
    engine = Anonymizer(detector(Tier.FAST), Policy("redact"), KEYS, SETTING)
    bodies = [
        b'{"first_name":"Adam","last_name":"Driver"}',
        b'{"first_name":"John","last_name":"Key"}',
    ]
    done = engine.records(bodies)
    assert [each.output for each in done] == 2 * [
        b'{"first_name":"[PERSON]","last_name":"[PERSON]"}'
    ]


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        ("zip: ", True),
        ("postal code: ", True),
        ("house number: ", True),
        ("PLZ: ", True),
        ("", True),
        ("start: ", False),
        ("CPF: ", False),
        ("zipped: ", False),
    ],
)
def test_figures_count_under_labels_of_addresses(label: str, counts: bool) -> None:
    place = Span(0, 5, Entity.LOCATION, 0.9, "test")
    other = Span(0, 5, Entity.NATIONAL_ID, 0.9, "test")
    assert list(of_figures(label, [place, other])) == ([place, other] if counts else [other])


def test_numbers_of_a_record_are_no_places_unless_they_are_called_so() -> None:
    engine = Anonymizer(detector(Tier.FAST), Policy("redact"), KEYS, SETTING)
    body = b'{"start":28,"end":109,"CPF":1,"qty":4021,"port":"5432","zip":62704,"plz":"10115"}'
    (done,) = engine.records([body])
    assert done.output == (
        b'{"start":28,"end":109,"CPF":1,"qty":4021,"port":"5432",'
        b'"zip":"[LOCATION]","plz":"[LOCATION]"}'
    )


@pytest.mark.parametrize("text", ["Steuer-ID", "Steuer-ID: 12 345 678 903", "CPF: 1", "API Key: "])
def test_who_looks_for_names_is_not_told_of_labels(text: str) -> None:
    found = detector(Tier.FAST, entities=[Entity.PERSON, Entity.LOCATION]).find(text)
    assert found == ()
