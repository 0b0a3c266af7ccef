"""The door for programs: what a scanner finds, and what it says of itself."""

import doctest
from collections.abc import Sequence

import pytest

from datavault import privacy
from datavault.domain.errors import Invalid
from datavault.privacy import NAMES, Combined, Entity, Scanner, Span, Tier, detector

SCANNER = Scanner()


def found(text: str, scanner: Scanner | Combined = SCANNER) -> list[tuple[str, Entity]]:
    return [(text[span.start : span.end], span.entity) for span in scanner.find(text)]


def test_the_modules_example_runs() -> None:
    assert doctest.testmod(privacy) == (0, 2)


def test_a_tier_is_a_detector_in_one_call() -> None:
    text = "I am Katarina Holmgren, katarina@example.org, from Utrecht"
    both = [("Katarina Holmgren", Entity.PERSON), ("katarina@example.org", Entity.EMAIL_ADDRESS)]
    for tier in (Tier.FAST, Tier.THOROUGH):
        assert found(text, detector(tier)) == [*both, ("Utrecht", Entity.LOCATION)]
    assert found(text, detector(Tier.PATTERNS)) == both[1:]
    assert found(text, detector(entities=[Entity.PERSON])) == both[:1]
    assert found(text, detector(threshold=1.0)) == both[1:]


@pytest.mark.parametrize(
    ("tier", "entities", "told"),
    [
        (Tier.PATTERNS, [Entity.PERSON, Entity.VIN], "the tier patterns does not find PERSON"),
        (Tier.FAST, [], "one entity at least"),
    ],
)
def test_what_a_tier_does_not_look_for_is_refused(
    tier: Tier, entities: list[Entity], told: str
) -> None:
    with pytest.raises(Invalid, match=told) as refused:
        detector(tier, entities=entities)
    assert refused.value.field == "entities"


def test_names_are_what_the_tier_of_patterns_leaves() -> None:
    assert Tier.PATTERNS.entities == Scanner().entities
    for tier in (Tier.FAST, Tier.THOROUGH):
        assert tier.entities - Tier.PATTERNS.entities == NAMES


class Names:
    """Finds one name, as a model of names would."""

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            (Span(start, start + 3, Entity.PERSON, 0.9, "names"),)
            if (start := text.find("Ada")) >= 0
            else ()
            for text in texts
        ]


def test_a_scanner_knows_no_names() -> None:
    assert Entity.PERSON not in SCANNER.entities
    with pytest.raises(Invalid, match="does not find PERSON") as refused:
        Scanner(entities=[Entity.PERSON])  # type: ignore[list-item]
    assert refused.value.field == "entities"


def test_names_stand_beside_it() -> None:
    both = Combined((SCANNER, Names()))
    assert found("Ada is at ada@example.org", both) == [
        ("Ada", Entity.PERSON),
        ("ada@example.org", Entity.EMAIL_ADDRESS),
    ]


def test_many_texts_at_once_are_each_read_alone() -> None:
    texts = ["call", "555-123-4567", "", "x" * 3000, "é jo@example.org", "", "1.2.3.44"]
    assert SCANNER.find_all(texts) == [SCANNER.find(text) for text in texts]
    assert [len(spans) for spans in SCANNER.find_all(texts)] == [0, 1, 0, 0, 1, 0, 1]


def test_an_entity_that_is_not_looked_for_stands_in_nobodys_way() -> None:
    text = "https://example.org/?call=555-123-4567"
    assert found(text) == [(text, Entity.URL)]
    assert found(text, Scanner(entities=[Entity.PHONE_NUMBER])) == [
        ("555-123-4567", Entity.PHONE_NUMBER)
    ]


def test_what_a_locator_carries_is_found_beside_it() -> None:
    assert found("https://example.org/?to=jo@example.org&x=1") == [
        ("https://example.org/?to=", Entity.URL),
        ("jo@example.org", Entity.EMAIL_ADDRESS),
        ("&x=1", Entity.URL),
    ]


def test_all_that_is_found_can_be_had_too() -> None:
    text = "Ada at https://example.org/?to=jo@example.org"
    (spans,) = Combined((SCANNER, Names())).detect_overlapping([text])
    assert {(text[each.start : each.end], each.entity) for each in spans} >= {
        ("Ada", Entity.PERSON),
        (text[7:], Entity.URL),
        ("jo@example.org", Entity.EMAIL_ADDRESS),
    }


def test_a_value_that_is_allowed_is_never_reported() -> None:
    scanner = Scanner(allow=["Support@Example.org "])
    assert found("support@example.org, jo@example.org", scanner) == [
        ("jo@example.org", Entity.EMAIL_ADDRESS)
    ]


def test_thresholds_decide_what_is_reported() -> None:
    text = "2125550123 and 127.0.0.1"
    assert found(text, Scanner(threshold=0.9)) == []
    assert ("127.0.0.1", Entity.IP_ADDRESS) in found(text, Scanner(threshold=0.4))
    own = Scanner(threshold=0.9, thresholds={Entity.IP_ADDRESS: 0.4})
    assert found(text, own) == [("127.0.0.1", Entity.IP_ADDRESS)]


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_share(threshold: float) -> None:
    for entities in ([Entity.VIN], [Entity.PERSON]):
        with pytest.raises(Invalid, match="from 0 to 1"):
            detector(entities=entities, threshold=threshold)


@pytest.mark.parametrize("region", ["us", "USA", ""])
def test_a_region_is_a_code_of_two_capitals(region: str) -> None:
    with pytest.raises(Invalid, match="ISO 3166"):
        Scanner(regions=[region])


def test_regions_say_whose_numbers_are_expected() -> None:
    text = "so 61 23 45 67 it was"
    assert found(text, Scanner(regions=["US"])) == []
    assert found(text, Scanner(regions=["DK"])) == [("61 23 45 67", Entity.PHONE_NUMBER)]
