"""The rules by which probabilities become names, each with probabilities made up to show it."""

import numpy as np
import pytest

from datavault.adapters.ner.decoding import spans_of
from datavault.adapters.ner.model import names_model
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import Tier

PERSON, LOCATION = Entity.PERSON, Entity.LOCATION
ORGANIZATION, ADDRESS = Entity.ORGANIZATION, Entity.STREET_ADDRESS
ENTITIES = (PERSON, LOCATION, ORGANIZATION, ADDRESS)
NEVER = 2.0

# Of a word: how probable it is to begin a name of each entity, or to go on with one.
type Said = dict[tuple[Entity, str], float]
type Found = list[tuple[Entity, str]]


def decoded(
    texts: list[str],
    said: dict[str, Said],
    *,
    thresholds: dict[Entity, float] | None = None,
) -> list[Found]:
    """What is found if the model says this of these words, and of the others nothing."""
    pieces = names_model(Tier.FAST).reader.pieces(texts)
    whole = "\n".join(texts)
    probabilities = np.zeros((len(pieces), 1 + 2 * len(ENTITIES)), dtype=np.float32)
    for row, (start, end) in enumerate(zip(pieces.starts, pieces.ends, strict=True)):
        for word, shares in said.items():
            if whole[start:end] not in word:
                continue
            for (entity, mark), share in shares.items():
                probabilities[row, 2 * ENTITIES.index(entity) + (1 if mark == "B" else 2)] = share
    probabilities[:, 0] = 1 - probabilities.sum(axis=1)
    least = dict.fromkeys(ENTITIES, 0.5) | (thresholds or {})
    found = spans_of(
        texts,
        pieces,
        probabilities,
        entities=ENTITIES,
        thresholds=np.array([least[entity] for entity in ENTITIES], dtype=np.float32),
    )
    return [
        [(span.entity, text[span.start : span.end]) for span in spans]
        for text, spans in zip(texts, found, strict=True)
    ]


SHOP: dict[str, Said] = {
    "Miller": {(PERSON, "B"): 0.5, (ORGANIZATION, "B"): 0.4},
    "Bakery": {(ORGANIZATION, "I"): 0.9},
}


def test_a_name_is_of_the_kind_that_its_words_are_together() -> None:
    assert decoded(["We met at Miller Bakery."], SHOP) == [[(ORGANIZATION, "Miller Bakery")]]


@pytest.mark.parametrize(
    ("person", "place", "expected"), [(0.5, 0.3, PERSON), (0.4, 0.3, LOCATION)]
)
def test_a_doubtful_person_is_what_it_most_likely_is_else(
    person: float, place: float, expected: Entity
) -> None:
    said = {"Miramar": {(PERSON, "B"): person, (LOCATION, "B"): place, (ORGANIZATION, "B"): 0.19}}
    assert decoded(["So this is Miramar."], said) == [[(expected, "Miramar")]]


def test_a_doubtful_person_stays_one_where_nothing_else_is_looked_for() -> None:
    said = {"Miramar": {(PERSON, "B"): 0.4, (LOCATION, "B"): 0.3, (ORGANIZATION, "B"): 0.2}}
    persons_alone = dict.fromkeys((LOCATION, ORGANIZATION, ADDRESS), NEVER)
    assert decoded(["So this is Miramar."], said, thresholds=persons_alone) == [
        [(PERSON, "Miramar")]
    ]


HEATHER: dict[str, Said] = {
    "Heather": {(PERSON, "B"): 0.3},
    "Quigley": {(PERSON, "I"): 0.9},
}


def test_who_is_named_once_is_found_again_by_each_word() -> None:
    text = "Heather Quigley called. Ask Heather!"
    assert decoded([text], HEATHER) == [[(PERSON, "Heather Quigley"), (PERSON, "Heather")]]


def test_who_is_named_in_one_text_is_not_thereby_found_in_another() -> None:
    assert decoded(["Heather Quigley called.", "Ask Heather!"], HEATHER) == [
        [(PERSON, "Heather Quigley")],
        [],
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The GRDC said so.", []),
        ("THE GRDC SAID SO.", [(PERSON, "GRDC")]),
        ("The Grdc said so.", [(PERSON, "Grdc")]),
    ],
)
def test_an_abbreviation_is_a_person_only_where_the_model_is_sure(text: str, found: Found) -> None:
    said: dict[str, Said] = {word: {(PERSON, "B"): 0.7} for word in ("GRDC", "Grdc")}
    assert decoded([text], said) == [found]
    said = {word: {(PERSON, "B"): 0.9} for word in ("GRDC", "Grdc")}
    assert len(decoded([text], said)[0]) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Quigley", []),
        ('"Quigley"', []),
        ("Ask Quigley", [(PERSON, "Quigley")]),
        ("Heather Quigley", [(PERSON, "Heather Quigley")]),
    ],
)
def test_a_word_alone_in_a_cell_is_a_name_only_where_the_model_is_surer(
    text: str, found: Found
) -> None:
    said: dict[str, Said] = {
        "Heather": {(PERSON, "B"): 0.6},
        "Quigley": {(PERSON, "B"): 0.3, (PERSON, "I"): 0.35},
    }
    assert decoded([text], said) == [found]
