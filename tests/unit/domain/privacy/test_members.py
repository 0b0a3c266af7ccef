"""The name of a member is the label of its value."""

import pytest

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.json_leaves import LeafKind, read_leaves
from datavault.domain.privacy.members import (
    NAME_CHARS_MAX,
    VALUE_CHARS_MAX,
    detect_named,
    named,
)
from datavault.domain.privacy.spans import Span
from datavault.privacy import Scanner

SCANNER = Scanner()


def names(body: str) -> list[str]:
    """What is read before each value of a record."""
    leaves = read_leaves(body.encode(), "record")
    return [named(leaf)[0] for leaf in leaves if leaf.kind is not LeafKind.KEY]


def found(body: str) -> list[tuple[str, Entity]]:
    """What the scanner finds in a record, each in the leaf's own offsets."""
    texts = [named(leaf) for leaf in read_leaves(body.encode(), "record")]
    return [
        (text[span.start : span.end], span.entity)
        for (_, text), spans in zip(texts, detect_named(SCANNER.detect, texts), strict=True)
        for span in spans
    ]


@pytest.mark.parametrize(
    ("body", "value", "entity"),
    [
        ('{"password": "hunter2-xyz"}', "hunter2-xyz", Entity.SECRET),
        ('{"ssn": "123456789"}', "123456789", Entity.US_SSN),
        ('{"socialSecurityNumber": 123456789}', "123456789", Entity.US_SSN),
        ('{"user": {"date_of_birth": "1980-05-01"}}', "1980-05-01", Entity.DATE_OF_BIRTH),
        ('{"phones": [{"phone": ["785 8949"]}]}', "785 8949", Entity.PHONE_NUMBER),
        ('{"clientSecret": "correct-horse-7"}', "correct-horse-7", Entity.SECRET),
        ('{"patient_mrn": "4309634"}', "4309634", Entity.MEDICAL_RECORD),
        ('{"passport": "C01X00T47"}', "C01X00T47", Entity.PASSPORT),
        ('{"age": 34}', "34", Entity.AGE),
    ],
)
def test_a_value_is_found_by_the_name_of_its_member(body: str, value: str, entity: Entity) -> None:
    assert found(body) == [(value, entity)]


@pytest.mark.parametrize(
    "body",
    [
        '{"x": "hunter2-xyz"}',
        '{"text": "1234567"}',
        '{"order": "5551234567"}',
        '{"max_age": 100, "max_tokens": 4096}',
        '{"version": "10.2.3.4"}',
        '{"token": "running", "tokens": ["the", "fox"]}',
        '["password", "hunter2-xyz"]',
    ],
)
def test_other_names_are_no_labels(body: str) -> None:
    assert found(body) == []


def test_the_innermost_name_counts() -> None:
    assert names('{"ssn": {"iban": ["x", ["y"]]}, "a": 1}') == ["iban: ", "iban: ", "a: "]
    assert names('["x"]') == [""]


def test_long_names_and_long_values_are_read_without() -> None:
    name, value = "n" * (NAME_CHARS_MAX + 1), "v" * (VALUE_CHARS_MAX + 1)
    assert names(f'{{"{name}": "x", "ssn": "{value}"}}') == ["", ""]
    assert names(f'{{"{name[1:]}": "x"}}') == [f"{name[1:]}: "]


def test_what_is_found_in_a_name_is_not_told_of_its_value() -> None:
    def detect(texts: object) -> list[tuple[Span, ...]]:
        return [
            (
                Span(0, 5, Entity.URL, 1.0, "inside"),
                Span(3, 9, Entity.SECRET, 1.0, "across"),
                Span(9, 10, Entity.PERSON, 1.0, "behind"),
            )
        ]

    (spans,) = detect_named(detect, [("name: ", "value")])
    assert [(span.start, span.end, span.reason) for span in spans] == [
        (0, 3, "across"),
        (3, 4, "behind"),
    ]
