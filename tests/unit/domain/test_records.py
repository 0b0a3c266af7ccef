"""Records: what is one and what is not, single and in bulk."""

import json
import traceback
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.json_lines import leading_strings
from datavault.domain.json_text import NESTING_MAX
from datavault.domain.records import (
    RECORD_BYTES_MAX,
    LineProblem,
    compact,
    parse_record,
    scan_ids,
    scan_lines,
    split_envelope,
    validate,
)


def nested(depth: int, *, inner: bytes = b"") -> bytes:
    """An object with arrays in it, ``depth`` deep in all."""
    return b'{"id":"n","a":' + b"[" * (depth - 1) + inner + b"]" * (depth - 1) + b"}"


ACCEPTED = [
    b"{}",
    b'{"id":"x"}',
    b' \t\r\n{"id":"x"}\r\n ',
    b'{ "id" : "x" , "a" : [ 1 , 2 ] }',
    b'{"a":"{\\"id\\":1,\\"id\\":2}"}',
    b'{"a":"\\\\","b":"\\\\\\"","c":"\\\\\\\\"}',
    b'{"a":{"a":{"a":1}}}',
    b'{"a":[{"b":1},{"b":2},{"b":3}],"b":1}',
    b'{"a":1,"A":2,"a ":3,"":4}',
    b'{"a":{"x":1},"b":{"x":1},"x":1}',
    b'{"a":[[{"x":1}],{"x":1}],"x":[]}',
    b'{"a":-0,"b":0.10e+5,"c":1E400,"d":123456789012345678901234567890}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":true,"b":false,"c":null}',
    b'{"a":"\\ud83d\\ude00\\u00e9\\/\\b\\f\\n\\r\\t"}',
    b'{"a":"\\\\u0000","b":"\\\\ud800"}',
    b'{"a":"\x7f\xc2\x80\xf0\x9f\x98\x80"}',
    '{"ключ":"значение","鍵":"値"}'.encode(),
    b'{"a":":","b":"\\":","c":"[{","d":"}]"}',
    b'{"a" :1,"b"\t:2,"c"\r:3}',
    b'{"\\u0061":1,"b":2}',
    b'{"abcdefgh12345678":1,"abcdefgX12345678":2,"abcdefgh12345678x":3}',
    b'{"a":"{{{{[[[["}',
    nested(NESTING_MAX),
    nested(NESTING_MAX, inner=b'"' + b"[" * 200 + b'"'),
]

REFUSED: list[tuple[bytes, type[VaultError]]] = [
    (b"", Malformed),
    (b" ", Malformed),
    (b"\xef\xbb\xbf{}", Malformed),
    (b"[1]", Invalid),
    (b'"x"', Invalid),
    (b"1", Invalid),
    (b"null", Invalid),
    (b'{"a":1', Malformed),
    (b'{"a":1}}', Malformed),
    (b'{"a":1} {"b":2}', Malformed),
    (b'{"a":1,}', Malformed),
    (b'{"a":[1,]}', Malformed),
    (b"{,}", Malformed),
    (b'{"a"}', Malformed),
    (b"{a:1}", Malformed),
    (b"{'a':1}", Malformed),
    (b'{"a":1/*c*/}', Malformed),
    (b'{"a":NaN}', Malformed),
    (b'{"a":-Infinity}', Malformed),
    (b'{"a":01}', Malformed),
    (b'{"a":-01}', Malformed),
    (b'{"a":1.}', Malformed),
    (b'{"a":.1}', Malformed),
    (b'{"a":+1}', Malformed),
    (b'{"a":1e}', Malformed),
    (b'{"a":"\x01"}', Malformed),
    (b'{"a":"\t"}', Malformed),
    (b'{"a":"\x00"}', Malformed),
    (b'{"a":"\\x"}', Malformed),
    (b'{"a":"\\u12g4"}', Malformed),
    (b'{"a":\x0c1}', Malformed),
    (b'{"a":"\xff"}', Malformed),
    (b'{"\xff":1}', Malformed),
    (b'{"a":"\xed\xa0\x80"}', Malformed),
    (b'{"a":"\xc0\x80"}', Malformed),
    (b'{"a":"\xe2\x82"}', Malformed),
    (b'{"a":"\\ud800"}', Malformed),
    (b'{"a":"\\udc00"}', Malformed),
    (b'{"a":"\\ud800\\u0041"}', Malformed),
    (b'{"\\ud800":1}', Malformed),
    (b'{"a":"\\u0000"}', Invalid),
    (b'{"a":"\\\\\\u0000"}', Invalid),
    (b'{"\\u0000":1}', Invalid),
    (b'{"a":1,"a":1}', Invalid),
    (b'{"a":1,"\\u0061":1}', Invalid),
    (b'{"\\u0061":1,"\\u0061":1}', Invalid),
    (b'{"":1,"":1}', Invalid),
    (b'{"a":1,"b":{"a":1,"b":[],"a":2}}', Invalid),
    (b'{"a":[{"b":1},{"b":1,"b":2}]}', Invalid),
    (b'{"a":{"x":1},"b":[1],"a":2}', Invalid),
    (b'{"a" :1,"a":1}', Invalid),
    (b'{"a" :1,"a"\t\t\t\t\t\t:1}', Invalid),
    ('{"鍵":1,"鍵":2}'.encode(), Invalid),
    (b'{"abcdefgh1234567812345678":1,"abcdefgh1234567812345678":1}', Invalid),
    (b'{"' + b"k" * 300 + b'":1,"' + b"k" * 300 + b'":1}', Invalid),
    (b'{"\\\\":1,"\\\\":1}', Invalid),
    (nested(NESTING_MAX + 1), Invalid),
    (nested(30_000), Invalid),
    (b'{"a":"' + b"x" * RECORD_BYTES_MAX + b'"}', TooLarge),
]

IDS: list[tuple[bytes, str]] = [
    (b'{"id":"x"}', "x"),
    (b'{"\\u0069d":"x"}', "x"),
    (b'{"a":{"id":"no"},"id":"yes"}', "yes"),
    (b'{"id":"\\u00e9\\n"}', "é\n"),
    ('{"id":"é漢😀"}'.encode(), "é漢😀"),
    (b'{"id":0}', "0"),
    (b'{"id":-0}', "-0"),
    (b'{"id":-17}', "-17"),
    (b'{"id":12345678901234567890123}', "12345678901234567890123"),
    (b'{"id":"' + b"i" * 512 + b'"}', "i" * 512),
    (b'{"id":' + b"7" * 512 + b"}", "7" * 512),
]

NO_IDS: list[bytes] = [
    b"{}",
    b'{"ID":"x"}',
    b'{"a":{"id":"x"}}',
    b'{"id":""}',
    b'{"id":null}',
    b'{"id":true}',
    b'{"id":1.0}',
    b'{"id":1e3}',
    b'{"id":["x"]}',
    b'{"id":{"id":"x"}}',
    b'{"id":"a\\u0000"}',
    b'{"id":"' + b"i" * 513 + b'"}',
    b'{"id":"' + "é".encode() * 257 + b'"}',
    b'{"id":' + b"7" * 513 + b"}",
    b'{"id":' + b"7" * 5000 + b"}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_record_is_kept_as_it_was_received(text: bytes) -> None:
    record = parse_record(text, record_key=None, field="data")
    assert record.body == text.strip()
    assert record.id is None
    scan = scan_lines(text, record_key=None)
    if b"\n" not in text:
        assert [text[s:e] for s, e in zip(scan.starts, scan.ends, strict=True)] == [text.strip()]


@pytest.mark.parametrize(("text", "error"), REFUSED)
def test_what_is_no_record_is_refused(text: bytes, error: type[VaultError]) -> None:
    with pytest.raises(error) as caught:
        parse_record(text, record_key=None, field="data")
    assert type(caught.value) is error
    assert caught.value.field == "data"


@pytest.mark.parametrize(("text", "record_id"), IDS)
def test_an_id_is_a_string_or_the_digits_of_an_integer(text: bytes, record_id: str) -> None:
    assert parse_record(text, record_key="id", field="data").id == record_id
    ids = scan_ids(text, record_key="id").ids
    assert ids is not None
    assert ids.tolist() == [record_id.encode()]


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_record(text, record_key="id", field="data")
    assert caught.value.field == ("data" if b"\\u0000" in text else "data/id")
    (problem,) = scan_ids(text, record_key="id").problems
    assert type(problem.error) is Invalid


def test_a_record_of_exactly_the_largest_size_is_accepted() -> None:
    text = b'{"id":"' + b"x" * 10 + b'","a":"' + b"y" * (RECORD_BYTES_MAX - 26) + b'"}'
    assert len(text) == RECORD_BYTES_MAX
    assert parse_record(text + b"\n", record_key="id", field="data").body == text
    assert len(scan_lines(text + b"\n", record_key="id").starts) == 1


def test_a_record_key_with_a_slash_is_escaped_in_the_field_of_the_error() -> None:
    with pytest.raises(Invalid) as caught:
        parse_record(b"{}", record_key="a/b~c", field="data")
    assert caught.value.field == "data/a~1b~0c"


CANARY = "CANARY-7f3a"


@pytest.mark.parametrize("template", [text for text, _ in REFUSED if len(text) < 1000] + NO_IDS)
def test_no_error_and_no_cause_of_one_holds_content(template: bytes) -> None:
    canary = CANARY.encode()
    for text in (
        template.replace(b"{", b'{"' + canary + b'":"' + canary + b'",', 1),
        template.replace(b"a", canary),
        template.replace(b'"x"', b'"' + canary + b'"'),
        template + canary,
    ):
        found: list[BaseException] = [p.error for p in scan_lines(text, record_key="id").problems]
        try:
            parse_record(text, record_key="id", field="data")
        except VaultError as error:
            found.append(error)
        for raised in found:
            assert CANARY not in "".join(traceback.format_exception(raised, limit=0))
            assert raised.__cause__ is None
            assert raised.__context__ is None


# --- single against the standard library


def acceptable(text: bytes) -> bool:
    """The rules again, by the standard library and recursion."""

    def see(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError
        return dict(pairs)

    def refuse(_: str) -> object:
        raise ValueError

    def good(value: object, depth: int) -> bool:
        if isinstance(value, str):
            value.encode()
            return "\0" not in value
        if isinstance(value, dict):
            return depth < NESTING_MAX and all(
                good(k, depth) and good(v, depth + 1) for k, v in value.items()
            )
        if isinstance(value, list):
            return depth < NESTING_MAX and all(good(v, depth + 1) for v in value)
        return True

    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=see,
            parse_constant=refuse,
            parse_int=len,
            parse_float=len,
        )
        return isinstance(value, dict) and good(value, 0)
    except ValueError:
        return False


KEYS = st.sampled_from(["id", "a", "b", "", "ключ", "with space", "longer_than_eight", 'q"', "\\"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(['"', "\\", '\\"', '":', "{}", "[[", "}{", "\n", "😀", "\0", "a" * 40])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(KEYS, inner), max_size=4),
    max_leaves=12,
)
SPACES = st.sampled_from(["", "", "", " ", "\t", "  ", "\r", "         "])


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """Objects with keys drawn with repetition, any spelling of strings, white space anywhere."""

    def string(text: str) -> str:
        if draw(st.integers(0, 5)) == 0:
            return '"' + "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000) + '"'
        return json.dumps(text, ensure_ascii=draw(st.booleans()))

    def spell(value: object) -> Iterator[str]:
        yield draw(SPACES)
        if isinstance(value, list):
            is_object = bool(value) and all(isinstance(item, tuple) for item in value)
            yield "{" if is_object else "["
            for index, item in enumerate(value):
                if index:
                    yield ","
                if is_object:
                    yield from (draw(SPACES), string(item[0]), draw(SPACES), ":")
                    yield from spell(item[1])
                else:
                    yield from spell(item)
            yield "}" if is_object else "]"
        elif isinstance(value, str):
            yield string(value)
        else:
            yield json.dumps(value)
        yield draw(SPACES)

    pairs = draw(st.lists(st.tuples(KEYS, VALUES), max_size=5))
    head = draw(st.sampled_from(["", '"id":"x"', '"id":5', '"id":"\\u00e9"', '"id":-0']))
    body = "".join(spell(pairs)).strip(" \t\r")
    if body == "[]":
        body = "{}"
    if head and body != "{}":
        body = "{" + head + "," + body[1:]
    return body.encode("utf-8", "surrogatepass")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A JSON text with a few bytes changed, added or taken away."""
    text = bytearray(draw(json_texts()))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        new = draw(st.sampled_from([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"0"]))
        kind = draw(st.integers(0, 2))
        text[at : at + (kind > 0)] = b"" if kind == 1 else new
    return bytes(text).replace(b"\n", b"")


LINES = st.one_of(
    json_texts().map(lambda text: text.replace(b"\n", b"")),
    mutated(),
    st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"")),
    st.sampled_from([text for text, _ in REFUSED if len(text) < 10_000 and b"\n" not in text]),
    st.sampled_from([text for text in ACCEPTED if b"\n" not in text]),
    st.sampled_from([text for text, _ in IDS] + NO_IDS),
    st.sampled_from([b"", b" ", b"\t\t", b"           "]),
)
BATCHES = st.tuples(
    st.lists(LINES, max_size=8), st.sampled_from([b"\n", b"\r\n", b" \n", b"\n\n"]), st.booleans()
).map(lambda drawn: drawn[1].join(drawn[0]) + drawn[1] * drawn[2])


@given(text=json_texts() | mutated())
def test_exactly_what_the_rules_allow_is_accepted(text: bytes) -> None:
    try:
        parse_record(text, record_key=None, field="data")
        accepted = True
    except VaultError:
        accepted = False
    assert accepted == acceptable(text)


# --- bulk against single


def one_by_one(batch: bytes, record_key: str | None) -> list[object]:
    """What ``parse_record`` says of each line."""
    said: list[object] = []
    offset = 0
    for number, line in enumerate(batch.split(b"\n")):
        body = line.strip(b" \t\r")
        start = offset + len(line) - len(line.lstrip(b" \t\r"))
        if body:
            try:
                record = parse_record(line, record_key=record_key, field="record")
                said.append((number, start, record.body, record.id))
            except VaultError as error:
                said.append((number, start, type(error), str(error), error.field))
        offset += len(line) + 1
    return said


def in_bulk(batch: bytes, record_key: str | None) -> list[object]:
    """What ``scan_lines`` says, in the same words."""
    scan = scan_lines(batch, record_key=record_key)
    count = len(scan.starts)
    assert len(scan.ends) == len(scan.lines) == count
    ids = [None] * count if scan.ids is None else [i.decode() for i in scan.ids.tolist()]
    assert len(ids) == count
    said: list[object] = [
        (line, start, batch[start:end], record_id)
        for line, start, end, record_id in zip(
            scan.lines.tolist(), scan.starts.tolist(), scan.ends.tolist(), ids, strict=True
        )
    ]
    said += [_words(problem) for problem in scan.problems]
    return sorted(said, key=lambda words: words[0])  # type: ignore[index]


def _words(problem: LineProblem) -> object:
    error = problem.error
    return (problem.line, problem.offset, type(error), str(error), error.field)


@settings(max_examples=200)
@given(batch=BATCHES, record_key=st.sampled_from([None, "id", "a", "ключ", 'q"', "\\"]))
def test_bulk_says_what_single_says(batch: bytes, record_key: str | None) -> None:
    assert in_bulk(batch, record_key) == one_by_one(batch, record_key)


@given(batch=st.binary(max_size=60), record_key=st.sampled_from([None, "id"]))
def test_bulk_says_what_single_says_of_any_bytes(batch: bytes, record_key: str | None) -> None:
    assert in_bulk(batch, record_key) == one_by_one(batch, record_key)


def test_bulk_says_what_single_says_of_everything_in_the_tables() -> None:
    texts = [t for t, _ in REFUSED] + ACCEPTED + [t for t, _ in IDS] + NO_IDS
    batch = b"\n".join(text for text in texts if b"\n" not in text)
    for record_key in ("id", None):
        assert in_bulk(batch, record_key) == one_by_one(batch, record_key)


@pytest.mark.parametrize("text", [text for text in ACCEPTED if b"\n" not in text])
def test_a_bad_line_spoils_no_other(text: bytes) -> None:
    for bad, _ in REFUSED:
        if bad.strip() and b"\n" not in bad and len(bad) < 10_000:
            scan = scan_lines(text + b"\n" + bad + b"\n" + text, record_key=None)
            assert scan.lines.tolist() == [0, 2]
            assert [problem.line for problem in scan.problems] == [1]


@pytest.mark.parametrize(
    "batch",
    [
        b'{"id":\n1}\n{"id":1} {"id":2}\n',
        b'{"id":1}{"id":2}\n{"id":3,\n"b":4}',
        b'{"id":1,"a":{}\n,"b":{}}\n{"id":1}{"id":2}\n{"id":3}',
        b'{"id":1,"a":[{}\n{}]}\n',
    ],
)
def test_a_record_is_one_line_and_a_line_one_record(batch: bytes) -> None:
    for record_key in ("id", None):
        assert in_bulk(batch, record_key) == one_by_one(batch, record_key)


@pytest.mark.parametrize("count", [*range(1, 20), 1000, 1001])
def test_a_quote_ends_a_string_after_an_even_number_of_backslashes(count: int) -> None:
    line = b'{"a":"' + b"\\" * count + b'","b":1,"b":2}'
    other = b'{"a":"' + b"\\" * count + b'"b":1,"b":2}","c":1}'
    batch = b"\n".join([line, other, b'{"b":1}', line, b'{"b":1,"b":2}', other])
    assert in_bulk(batch, None) == one_by_one(batch, None)


@pytest.mark.parametrize("count", [*range(1, 9), 1000, 1001])
@pytest.mark.parametrize("escaped", [b"n", b"x", b"u0041", b"u0000", b"ud800", b"\t", b"\n"])
def test_what_follows_backslashes_is_an_escape_after_an_odd_number(
    count: int, escaped: bytes
) -> None:
    line = b'{"a":"' + b"\\" * count + escaped + b'","b":"\\ud83d","c":"\\n"}'
    other = b'{"a":"' + b"\\" * count + escaped + b'"}'
    batch = b"\n".join([other, b'{"b":1}', line, other, b'{"b":"\\ude00"}', other])
    assert in_bulk(batch, None) == one_by_one(batch, None)


@pytest.mark.parametrize("between", [b",", b", ", b",,", b"\x0c,"])
def test_a_record_of_little_but_numbers_is_scanned_like_any(between: bytes) -> None:
    line = b'{"id":"x","a":[' + between.join([b"0.25"] * 500) + b'],"b":[-1e5]}'
    batch = b"\n".join([line, b'{"id":"y","a":1,"a":2}', line])
    assert in_bulk(batch, "id") == one_by_one(batch, "id")


def test_lines_that_are_all_alike_but_one_are_told_apart() -> None:
    """In a batch large enough for every fast path, each line of the tables in turn."""
    plain = [b'{"id":"record-%04d","a":{"x":1},"b":[{"x":2},{"x":3}]}' % i for i in range(40)]
    texts = [t for t, _ in REFUSED if 0 < len(t) < 10_000] + ACCEPTED + NO_IDS
    texts += [t for t, _ in IDS]
    for text in texts:
        for other in (text, text.replace(b"{", b'{"id":"y",', 1)):
            batch = b"\n".join([*plain[:20], other.replace(b"\n", b""), *plain[20:]])
            assert in_bulk(batch, "id") == one_by_one(batch, "id")


@pytest.mark.parametrize("at", [0, 10, 39])
@pytest.mark.parametrize(
    "other",
    [
        rb'{"id":"0000\\n00","a":1}',
        b'{"id":"0000\xc3\xa900","a":1}',
        b'{"id":"0000\x0100a","a":1}',
        b'{"id":"00000\xff00","a":1}',
        b'{"id":"000","a":"b"}',
        b'{"id":"000","":"bcdef"}',
        b'{"id":"","a":"bcdefgh"}',
        b'{"id":"000000000","a":1}',
        b'{"di":"00000000","a":1}',
        b'{"id":"00000000',
        b"{}",
    ],
)
def test_one_id_that_is_not_like_the_others_is_told_apart(other: bytes, at: int) -> None:
    lines = [b'{"id":"%08d","a":1,"text":"some"}' % number for number in range(40)]
    lines[at] = other
    batch = b"\n".join(lines)
    assert in_bulk(batch, "id") == one_by_one(batch, "id")


@pytest.mark.parametrize("inside", [b"\\n", b"\xc3\xa9", b"\0\0", b"\x1f0", b'"0', b"\x80\x80"])
def test_a_string_that_is_not_plain_is_not_taken_from_the_start_of_a_line(inside: bytes) -> None:
    lines = [b'{"id":"00%b00"}' % each for each in (b"01", inside, b"~\x7f")]
    text = np.frombuffer(b"\n".join(lines), np.uint8)
    starts = np.arange(3) * (len(lines[0]) + 1)
    strings, has = leading_strings(text, starts, b'{"id":"', 8)
    assert has.tolist() == [True, inside == b'"0', True]
    assert strings.tolist() == [b"000100", b"00" if has[1] else b"", b"00~\x7f00"]


def test_a_view_of_a_batch_is_scanned_like_the_batch() -> None:
    batch = b'{"id":"a"}\n{"id":"b"}\n'
    for skip in range(8):
        view = memoryview(b"#" * skip + batch)[skip:]
        ids = scan_lines(view, record_key="id").ids
        assert ids is not None
        assert ids.tolist() == [b"a", b"b"]


def test_validation_looks_only_at_the_rows_wanted() -> None:
    batch = b'{"id":1}\n{"id":2,"a":1,"a":1}\n\n{"id":3,"b":"\\u0000"}\n{"id":4}'
    scan = scan_ids(batch, record_key="id")
    assert scan.lines.tolist() == [0, 1, 3, 4]
    assert validate(batch, scan, wanted=np.array([True, False, False, True])) == ()
    assert [p.line for p in validate(batch, scan, wanted=np.array([0, 0, 1, 1], bool))] == [3]
    assert [p.line for p in validate(batch, scan)] == [1, 3]


@given(batch=BATCHES)
def test_phase_one_never_gives_another_id(batch: bytes) -> None:
    scan = scan_ids(batch, record_key="id")
    assert scan.ids is not None
    for start, end, found in zip(scan.starts, scan.ends, scan.ids.tolist(), strict=True):
        try:
            record = parse_record(batch[start:end], record_key="id", field="data")
        except VaultError:
            continue
        assert record.id == found.decode()


# --- compact and envelopes


@given(text=json_texts().filter(acceptable))
def test_compacting_changes_nothing_but_white_space(text: bytes) -> None:
    small = compact(text)
    parts = small.split(b'"')
    assert compact(small) == small
    assert msgspec.json.decode(small) == msgspec.json.decode(text)
    assert sorted(small.replace(b" ", b"").replace(b"\t", b"")) == sorted(
        text.translate(None, b" \t\r")
    )
    if b"\\" not in small:
        assert not any(set(part) & set(b" \t\r\n") for part in parts[::2])


def test_compacting_keeps_numbers_and_escapes_verbatim() -> None:
    text = b'{ "a" : [ 1.00E+5 , -0 , 0.1 ] , "b c" : "\\u0041\\/ \\t " }'
    assert compact(text) == b'{"a":[1.00E+5,-0,0.1],"b c":"\\u0041\\/ \\t "}'


def test_an_envelope_is_split_with_its_data_raw() -> None:
    body = b'{"branch":"main", "records":[{"id":"x","data":{"n": 1.00, "s":"a b"}},{"data":[]}]}'
    envelope = split_envelope(body)
    assert isinstance(envelope, dict)
    first, second = envelope["records"]
    assert envelope["branch"] == "main"
    assert first["id"] == "x"
    assert bytes(first["data"]) == b'{"n":1.00,"s":"a b"}'
    assert bytes(second["data"]) == b"[]"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"x"',
        b"{}",
        b'{"records":null}',
        b'{"records":{}}',
        b'{"records":"x"}',
        b'{"records":[1,null,[],"x"]}',
        b'{"\\u0062":1,"a":[{"c":1},{"c":2}]}',
        b'{"records":[{"id":"x","\\u0064ata":{}}]}',
    ],
)
def test_an_envelope_of_another_shape_is_left_to_the_wire_models(body: bytes) -> None:
    def thawed(value: object) -> object:
        if isinstance(value, msgspec.Raw):
            return json.loads(bytes(value))
        if isinstance(value, dict):
            return {key: thawed(item) for key, item in value.items()}
        return [thawed(item) for item in value] if isinstance(value, list) else value

    assert thawed(split_envelope(body)) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        (b"", Malformed, "body"),
        (b"{", Malformed, "body"),
        (b'{"a":\xff}', Malformed, "body"),
        (b'{"a":NaN}', Malformed, "body"),
        (b'{"a":1,"a":2}', Invalid, "body"),
        (b'{"records":[],"\\u0072ecords":[]}', Invalid, "body"),
        (b'{"records":[{"id":1},{"id":1,"id":2}]}', Invalid, "records/1"),
        (b'{"records":[{"data":{},"data":{}}]}', Invalid, "records/0"),
        (b'{"a":1e999}', Invalid, "body"),
        (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", Invalid, "body"),
    ],
)
def test_an_envelope_that_is_not_strict_json_is_refused(
    body: bytes, error: type[VaultError], field: str
) -> None:
    with pytest.raises(error) as caught:
        split_envelope(body)
    assert caught.value.field == field
    assert caught.value.__context__ is None


def test_a_key_twice_inside_the_data_is_left_to_the_record() -> None:
    envelope = split_envelope(b'{"records":[{"data":{"a":1,"a":2}}]}')
    assert isinstance(envelope, dict)
    with pytest.raises(Invalid):
        parse_record(bytes(envelope["records"][0]["data"]), record_key=None, field="data")
