import json

from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import TooLarge
from datavault.domain.formats.batch import KEPT_BYTES_MAX, Place, Refused
from datavault.domain.formats.plain_text import read_paragraphs, read_text_lines

from .reading import SIZES, cut, never, records

TEXT = st.text(st.sampled_from('ab é\t"\n\n\r'), max_size=60)


@settings(deadline=None)
@given(text=TEXT, size=SIZES)
def test_every_line_that_is_not_blank_is_a_record(text: str, size: int) -> None:
    data = text.encode()
    found = records(read_text_lines(cut(data, size), never))
    expected, offset = [], 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            expected.append((line.removesuffix(b"\r").decode(), Place(number, offset)))
        offset += len(line) + 1
    assert [(json.loads(line)["text"], place) for line, place in found] == expected


@settings(deadline=None)
@given(text=TEXT, size=SIZES)
def test_lines_without_a_blank_one_between_are_a_paragraph(text: str, size: int) -> None:
    data = text.encode()
    found = records(read_paragraphs(cut(data, size), never))
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    kept = [line for line in lines if line.strip()]
    joined = [json.loads(line)["text"] for line, _ in found]
    assert [line for each in joined for line in each.encode().split(b"\n")] == kept
    for text_of, (_, place) in zip(joined, found, strict=True):
        assert data[place.offset :].startswith(text_of.encode().split(b"\n")[0])
        before = data[: place.offset]
        assert place.line == before.count(b"\n") + 1
        assert not before or before.endswith(b"\n")
        assert place.line == 1 or not lines[place.line - 2].strip()


def test_what_is_not_utf_8_is_refused_alone() -> None:
    refused: list[Refused] = []
    found = records(read_text_lines([b"a\nb\xff\nc\n"], refused.append))
    assert [(line, place.line) for line, place in found] == [
        (b'{"text":"a"}', 1),
        (b'{"text":"c"}', 3),
    ]
    assert [(each.place, each.raw, str(each.error)) for each in refused] == [
        (Place(2, 2), b"b\xff", "not UTF-8 at byte 1 of 2")
    ]


def test_a_paragraph_is_bounded_and_a_line_too_long_ends_one() -> None:
    refused: list[Refused] = []
    limit = KEPT_BYTES_MAX
    block = b"x" * (limit // 2)
    text = b"a\nb\n\n" + (block + b"\n") * 3 + b"\nc\n" + block * 3 + b"\nd\n"
    found = records(read_paragraphs(cut(text, 2**20), refused.append))
    assert [json.loads(line)["text"] for line, _ in found] == ["a\nb", "c", "d"]
    assert [each.place.line for each in sorted(refused, key=lambda each: each.place.line)] == [4, 9]
    assert all(isinstance(each.error, TooLarge) for each in refused)
    assert all(len(each.raw) <= limit for each in refused)
