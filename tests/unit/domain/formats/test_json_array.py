import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Malformed, TooLarge
from datavault.domain.formats import json_array
from datavault.domain.formats.batch import Place, Refused
from datavault.domain.formats.json_array import read_array

from .reading import RECORDS, SIZES, VALUES, cut, never, records, small_pieces

__all__ = ["small_pieces"]
pytestmark = pytest.mark.usefixtures("small_pieces")
ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(
    values=RECORDS | st.lists(VALUES, max_size=5),
    indent=st.sampled_from([None, 0, 1, 40]),
    is_ascii=st.booleans(),
    around=st.text(" \r\n\t", max_size=3),
    size=SIZES,
)
def test_elements_become_lines_at_their_places(
    values: list[object], indent: int | None, is_ascii: bool, around: str, size: int
) -> None:
    body = json.dumps(values, indent=indent, ensure_ascii=is_ascii)
    text = f"{around}{body}{around}".encode()
    found = records(read_array(cut(text, size), never))
    assert [json.loads(line) for line, _ in found] == values
    at = 0
    for line, place in found:
        # Only line feeds between tokens were changed, and to spaces.
        assert text[place.offset : place.offset + len(line)].replace(b"\n", b" ") == line
        assert place.line == text.count(b"\n", 0, place.offset) + 1
        assert place.offset > at - 1
        at = place.offset


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "has not begun after 0 bytes"),
        (b" \n", "has not begun after 2 bytes"),
        (b' {"a":1}', "byte 1 is no opening bracket"),
        (b"[", "is cut short after 1 bytes"),
        (b"[1, 2", "is cut short after 5 bytes"),
        (b'["a]', "is cut short after 4 bytes"),
        (b'["\\"]', "is cut short after 5 bytes"),
        (b'["\\\\"', "is cut short after 5 bytes"),
        (b"[1, ]", "missing in the JSON array before byte 4"),
        (b"[ , 1]", "missing in the JSON array before byte 2"),
        (b"[1,,2]", "missing in the JSON array before byte 3"),
        (b"[,]", "missing in the JSON array before byte 1"),
        (b"[1}", "byte 2 closes the JSON array, and is no bracket"),
        (b"[1] 2", "something comes after the JSON array, at byte 4"),
        (b"[]\n[]", "something comes after the JSON array, at byte 3"),
    ],
)
def test_what_is_no_array_is_said_with_its_place(text: bytes, message: str, size: int) -> None:
    with pytest.raises(Malformed, match=message):
        records(read_array(cut(text, size), never))


@pytest.mark.parametrize("text", [b"[]", b" [ \n] ", b"[\t]"])
@pytest.mark.parametrize("size", [1, 100])
def test_an_empty_array_has_no_records(text: bytes, size: int) -> None:
    assert records(read_array(cut(text, size), never)) == []


def test_a_line_feed_in_a_string_is_left_for_the_reader_to_refuse() -> None:
    assert [line for line, _ in records(read_array([b'["a\nb",\n2]'], never))] == [b'"a\vb"', b"2"]


def test_an_element_longer_than_a_batch_is_refused_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_array, "SPAN_BYTES", 50)
    refused: list[Refused] = []
    text = b'[\n{"a":1},\n{"a":"%b"},\n{"a":3}]' % (b"x" * 100)
    found = records(read_array(cut(text, 7), refused.append))
    assert [line for line, _ in found] == [b'{"a":1}', b'{"a":3}']
    assert found[1][1] == Place(4, text.rindex(b"{"))
    assert [each.place for each in refused] == [Place(3, text.index(b'{"a":"'))]
    assert isinstance(refused[0].error, TooLarge)
