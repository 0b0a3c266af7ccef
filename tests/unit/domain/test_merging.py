"""Merging objects field by field: as a model on dicts does, and without touching other text."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid
from datavault.domain.ids import RecordId
from datavault.domain.json_members import Member, Members
from datavault.domain.merging import (
    FIELDS_MAX,
    FieldMerge,
    Granularity,
    Resolution,
    Rules,
    Strategy,
    Take,
    merge_fields,
)

KEYS = st.sampled_from(["a", "b", "ä", "x/y", "~", ' "q\\ ', "{}", ""])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.text('a"\\{[]},:é', max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
STYLES = st.sampled_from([{"indent": None}, {"indent": 2}, {"separators": (",", ":")}])
MISSING = object()
type Json = Any


def model(base: Json, ours: Json, theirs: Json, at: str, conflicts: list[str]) -> dict[str, Json]:
    """What a merge of dicts gives."""
    merged: dict[str, Json] = {}
    for name in {**base, **ours, **theirs}:
        old, mine, other = (each.get(name, MISSING) for each in (base, ours, theirs))
        if same(mine, other) or same(old, other):
            value = mine
        elif same(old, mine):
            value = other
        else:
            pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if all(isinstance(each, dict) for each in (old, mine, other)):
                value = model(old, mine, other, pointer, conflicts)
            else:
                conflicts.append(pointer)
                value = mine
        if value is not MISSING:
            merged[name] = value
    return merged


def same(left: Json, right: Json) -> bool:
    """As JSON texts are: 1, 1.0 and true are three."""
    if left is MISSING or right is MISSING:
        return left is right
    return json.dumps(left) == json.dumps(right)


def text(value: Json, style: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, **style).encode()


@settings(max_examples=200, deadline=None)
@given(base=OBJECTS, ours=OBJECTS, theirs=OBJECTS, styles=st.tuples(STYLES, STYLES, STYLES))
def test_it_is_the_merge_of_the_dicts_whichever_side_is_called_ours(
    base: Json, ours: Json, theirs: Json, styles: tuple[dict[str, Any], ...]
) -> None:
    sides = [text(each, style) for each, style in zip((base, ours, theirs), styles, strict=True)]
    expected_conflicts: list[str] = []
    expected = model(base, ours, theirs, "", expected_conflicts)
    merge = merge_fields(*sides, strategy=Strategy.FAIL)
    assert json.loads(merge.text) == expected
    assert sorted(merge.conflicts) == sorted(expected_conflicts)
    mirrored = merge_fields(sides[0], sides[2], sides[1], strategy=Strategy.FAIL)
    assert sorted(mirrored.conflicts) == sorted(merge.conflicts)
    if not merge.conflicts:
        assert mirrored.text == merge.text


@settings(max_examples=100, deadline=None)
@given(value=OBJECTS, style=STYLES)
def test_an_object_taken_apart_is_put_together_verbatim(value: Json, style: dict[str, Any]) -> None:
    written = text(value, style)
    members = Members.of(written)
    assert {name: json.loads(each.value) for name, each in members.members.items()} == value
    assert members.with_members([each.text for each in members.members.values()]) == written


@pytest.mark.parametrize("value", [b'"x, y"', b"-1.5e3", b"true", b"[1 , {}]", b'{ "n": "}" }'])
@pytest.mark.parametrize("space", [b"", b" ", b"\r\n\t"])
def test_white_space_belongs_to_the_object_and_to_the_lead_and_to_no_value(
    value: bytes, space: bytes
) -> None:
    lead = b'"a"' + space + b":" + space
    last = b'"b":' + value
    between = space + b"," + space
    written = b"{" + space + lead + value + between + last + space + b"}"
    members = Members.of(written)
    assert members == Members(
        {"a": Member(lead, value), "b": Member(b'"b":', value)}, space, between, space
    )


def test_untouched_members_keep_their_text() -> None:
    base = b'{ "n" : 1.50, "e":1E400 , "\\u0061":[1 , 2],"t":"x", "gone": 0 }'
    ours = base.replace(b'"x"', b'"y"')
    theirs = b'{"n":1.50,"e":1E400,"a":[1,2],"t":"x","new":-0.0}'
    merge = merge_fields(base, ours, theirs, strategy=Strategy.FAIL)
    assert merge == FieldMerge(
        b'{ "n" : 1.50, "e":1E400, "\\u0061":[1 , 2], "t":"y", "new":-0.0 }', ()
    )


def test_a_number_written_otherwise_is_a_change() -> None:
    merge = merge_fields(b'{"n":1.0}', b'{"n":1.00}', b'{"n":1}', strategy=Strategy.FAIL)
    assert merge.conflicts == ("/n",)


@pytest.mark.parametrize(("strategy", "expected"), [("ours", "o"), ("theirs", "t")])
def test_a_strategy_settles_the_fields_that_conflict_and_no_others(
    strategy: str, expected: str
) -> None:
    sides = [
        b'{"d":{"x":"b","y":"b","z":"b"}}',
        b'{"d":{"x":"o","y":"o","z":"b"}}',
        b'{"d":{"x":"t","y":"b","z":"t"}}',
    ]
    merge = merge_fields(*sides, strategy=Strategy(strategy))
    assert json.loads(merge.text) == {"d": {"x": expected, "y": "o", "z": "t"}}
    assert merge.conflicts == ()


def test_only_so_many_fields_are_named() -> None:
    base, ours, theirs = (
        json.dumps({str(n): side for n in range(FIELDS_MAX + 5)}).encode() for side in "bot"
    )
    assert len(merge_fields(base, ours, theirs, strategy=Strategy.FAIL).conflicts) == FIELDS_MAX


def resolution(record: str, take: Take | bytes, number: int = 0) -> Resolution:
    return Resolution(RecordId(record), take, f"resolutions/{number}")


def test_a_record_has_one_resolution_and_a_text_of_its_own_id() -> None:
    with pytest.raises(Invalid) as refused:
        Rules.of(
            Strategy.FAIL,
            Granularity.FIELDS,
            [resolution("a", Take.OURS), resolution("a", Take.BASE, 1)],
        )
    assert refused.value.field == "resolutions/1"
    given_text = Rules.of(Strategy.FAIL, Granularity.FIELDS, [resolution("a", b' {"id":"b"} ')])
    assert given_text.checked(None).resolutions[b"a"].take == b'{"id":"b"}'
    with pytest.raises(Invalid, match="another id"):
        given_text.checked("id")
    with pytest.raises(Invalid):
        Rules.of(Strategy.FAIL, Granularity.FIELDS, [resolution("a", b"[]")]).checked(None)
