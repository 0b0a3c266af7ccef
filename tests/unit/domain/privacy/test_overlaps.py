"""One rule for findings that share characters: the longest stands, and nothing is uncovered."""

from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import ORDER, resolve
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
    url, address = span(0, 30), span(10, 20, Entity.EMAIL_ADDRESS, 1.0)
    assert resolve([address, url]) == (url,)


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


@given(spans=SPANS)
def test_the_result_covers_the_same_characters_once_in_any_order_of_finding(
    spans: list[Span],
) -> None:
    resolved = resolve(spans)
    covered = [place for each in resolved for place in range(each.start, each.end)]
    assert covered == sorted({place for each in spans for place in range(each.start, each.end)})
    assert resolve(reversed(spans)) == resolved
    assert resolve(resolved) == resolved
