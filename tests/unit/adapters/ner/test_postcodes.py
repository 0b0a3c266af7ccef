"""Postcodes under their labels."""

import pytest

from datavault.adapters.ner.postcodes import with_postcodes
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("zip: 62704", "62704"),
        ('{"zip_code": "62704-1234"}', "62704-1234"),
        ("PLZ: 10115", "10115"),
        ("home_postcode=1012", "1012"),
        ("Código postal: 28013", "28013"),
        ("qty: 62704", None),
        ("zip: 627041", None),
        ("zipped: 62704", None),
        ("gap: 62704", None),
    ],
)
def test_figures_under_the_label_of_a_postcode_are_a_place(text: str, code: str | None) -> None:
    found = [(span.entity, text[span.start : span.end]) for span in with_postcodes(text, ())]
    assert found == ([(Entity.LOCATION, code)] if code else [])


def test_what_is_found_there_already_stays() -> None:
    found = (Span(0, 10, Entity.STREET_ADDRESS, 0.9, "names.street_address"),)
    assert with_postcodes("zip: 62704", found) == found
