"""Findings that share characters: the longest stands, but hides no secret; none is uncovered."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import CARRIED, ORDER, covering, resolve
from datavault.domain.privacy.spans import Span


def span(start: int, end: int, entity: Entity = Entity.URL, score: float = 0.5) -> Span:
    return Span(start, end, entity, score, "test")


SPANS = st.lists(
    st.builds(
        lambda start, size, entity, score: span(start, start + size, entity, score),
        st.integers(0, 40),
        st.integers(1, 12),
        st.sampled_from(Entity),
        st.sampled_from((0.4, 0.85, 1.0)),
    ),
    max_size=20,
)


def test_every_entity_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted(Entity)


def test_the_longer_one_stands_whatever_it_scores() -> None:
    phone, date = span(0, 30, Entity.PHONE_NUMBER), span(10, 20, Entity.DATE_TIME, 1.0)
    assert resolve([date, phone]) == covering([date, phone]) == (phone,)


@pytest.mark.parametrize("holder", [each for each in Entity if each in CARRIED])
def test_what_is_carried_is_told_by_itself_and_masked_with_all(holder: Entity) -> None:
    for carried in CARRIED[holder]:
        around, within = span(0, 30, holder, 1.0), span(10, 20, carried, 0.5)
        assert resolve([within, around]) == (
            span(0, 10, holder, 1.0),
            within,
            span(20, 30, holder, 1.0),
        )
        assert covering([within, around]) == (around,)


def test_a_secret_counts_before_all_but_what_has_check_digits_of_its_own() -> None:
    checked = {Entity.SECRET, Entity.CREDIT_CARD, Entity.IBAN_CODE, Entity.CRYPTO}
    assert {each for each in Entity if Entity.SECRET not in CARRIED.get(each, ())} == checked
    assert Entity.PHONE_NUMBER not in CARRIED[Entity.URL]


def test_of_two_as_long_the_higher_score_stands_and_then_the_earlier_entity() -> None:
    phone, card = span(0, 16, Entity.PHONE_NUMBER), span(0, 16, Entity.CREDIT_CARD, 1.0)
    assert resolve([phone, card]) == (card,)
    assert resolve([span(0, 9, Entity.PHONE_NUMBER), span(0, 9, Entity.US_SSN)])[0].entity is (
        Entity.US_SSN
    )


def test_what_sticks_out_of_the_winner_stays_cut() -> None:
    assert resolve([span(0, 10), span(6, 14, Entity.DATE_TIME)]) == (
        span(0, 10),
        span(10, 14, Entity.DATE_TIME),
    )


def test_spans_that_only_touch_both_stand() -> None:
    assert resolve([span(5, 9), span(0, 5)]) == (span(0, 5), span(5, 9))


@pytest.mark.parametrize("choose", [resolve, covering])
@given(spans=SPANS)
def test_the_result_covers_the_same_characters_once_in_any_order_of_finding(
    choose: Callable[[Iterable[Span]], tuple[Span, ...]], spans: list[Span]
) -> None:
    resolved = choose(spans)
    covered = [place for each in resolved for place in range(each.start, each.end)]
    assert covered == sorted({place for each in spans for place in range(each.start, each.end)})
    assert choose(reversed(spans)) == resolved
    assert choose(resolved) == resolved
