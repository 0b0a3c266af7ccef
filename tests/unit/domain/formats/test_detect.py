import gzip
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given as fuzz
from hypothesis import settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid, Malformed
from datavault.domain.formats.decoding import Compression, Encoding
from datavault.domain.formats.detect import Given, LineEnd, Shape, detect
from datavault.domain.formats.rows import Dialect

N, A, C, T, L = Shape.NDJSON, Shape.JSON_ARRAY, Shape.CSV, Shape.TSV, Shape.TEXT_LINES


@pytest.mark.parametrize(
    ("head", "name", "shape"),
    [
        (b'{"a":1}\n{"a":2}\n', "x", N),
        (b'\n  {"a":1}', "x.bin", N),
        (b'{"a":1', "x.csv", N),
        (b'{"a":1}\n', "x.txt", N),
        (b"{name},{age}\n1,2\n", "x.csv", C),
        (b"{not json\nat all\n", "x.txt", L),
        (b"{not json\nat all\n", "x", N),
        (b"not json\n", "x.jsonl", N),
        (b'[{"a":1}]', "x", A),
        (b'[\n  {"a":1}]', "x.txt", A),
        (b"[]", "x.jsonl", A),
        (b"[1,2]", "x", A),
        (b"[1] a footnote\n", "x.txt", L),
        (b"[x],[y]\n1,2\n", "x.csv", C),
        (b"id,text\n1,a\n2,b\n", "x", C),
        (b"id,text\n1,a\n2,b\n", "x.txt", L),
        (b"id\ttext\n1\ta\n2\tb\n", "x", T),
        (b"id,text\n1,a\n", "x", L),
        (b"id,text\n1,a\n2,b,c\n", "x", L),
        (b"1,2\n1,2\n1,2\n", "x", L),
        (b"a,a\n1,2\n1,2\n", "x", L),
        (b"Well, yes\nand no\nmaybe, then\n", "x", L),
        (b"one\ntwo\nthree\n", "x.csv", C),
        (b"one\ntwo\nthree\n", "x.tsv", T),
        (b"one\ntwo\nthree\n", "x", L),
        (b"PAR1\0\0", "x.json", Shape.PARQUET),
        (b"", "x.jsonl.gz", N),
        (b"", "x", L),
        (b"\xff\xff", "x", L),
    ],
)
def test_content_decides_and_the_name_between_what_both_fit(
    head: bytes, name: str, shape: Shape
) -> None:
    assert detect(head, name).shape is shape


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_compression_and_encoding_are_seen_through(pack: object, encoding: str) -> None:
    text = ('[\n{"a":"é"}' + ', {"a":1}' * 100).encode(encoding)
    assert callable(pack)
    for cut in (len(text), 40):
        found = detect(pack(text[:cut]), "x.csv")
        assert found.shape is A
        assert found.encoding is {
            "utf-8-sig": Encoding.UTF_8,
            "utf-16": Encoding.UTF_16_LE,
        }.get(
            encoding,
            Encoding(encoding) if encoding != "utf-8-sig" and encoding != "utf-16" else None,
        )


def test_a_file_that_is_cut_is_seen_through_its_compression() -> None:
    text = b"".join(b'{"id":%d,"x":"%x"}\n' % (n, n * n * 977) for n in range(200_000))
    for packed in (gzip.compress(text), zstandard.compress(text)):
        found = detect(packed[:200_000], "x")
        assert found.shape is N
        assert found.compression is not Compression.NONE
        assert not found.splits


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (b"a;b\n1,5;2\n3,5;4\n", Dialect(b";", True)),
        (b"a|b|c\n1|2|3\n1|2|3\n", Dialect(b"|", True)),
        (b'a,b\n"x, y",2\n"p\nq",4\n', Dialect(b",", True)),
        (b'a\tb\n"x\t2\ny\t3\nz\t4\n', Dialect(b"\t", False)),
        (b'a\tb\n"x"y\t2\ny\t3\n', Dialect(b"\t", False)),
    ],
)
def test_the_dialect_is_what_fits_every_row(text: bytes, dialect: Dialect) -> None:
    assert detect(text, "x.csv").dialect == dialect


def test_what_is_given_is_not_looked_for() -> None:
    text = b'{"a":1}\n'
    assert (
        detect(text, "x", given=Given(shape=Shape.TEXT_PARAGRAPHS)).shape is Shape.TEXT_PARAGRAPHS
    )
    assert detect(b"x", "x", given=Given(delimiter=";")).dialect == Dialect(b";", True)
    assert detect(b"x", "x", given=Given(delimiter=";")).shape is C
    assert detect(b"a,b\n", "x", given=Given(shape=T)).dialect.delimiter == b"\t"
    assert detect(b"a,b\n", "x", given=Given(shape=C, is_quoted=False)).dialect == Dialect(
        b",", False
    )
    assert detect(b"\x1f\x8b", "x", given=Given(compression=Compression.NONE)).compression == "none"
    assert detect(b"{}", "x", given=Given(encoding=Encoding.UTF_16_BE)).encoding == "utf-16-be"
    for bad in (",,", '"', "\n", "é", ""):
        with pytest.raises(Invalid):
            detect(text, "x", given=Given(shape=C, delimiter=bad))
    with pytest.raises(Invalid):
        detect(text, "x", given=Given(shape=Shape.PARQUET, compression=Compression.GZIP))


def test_only_lines_of_plain_utf_8_split() -> None:
    assert detect(b"{}\n", "x").splits
    assert detect(b"words\n", "x").splits
    assert detect(b"a\rb\rc\r", "x").line_end is LineEnd.CR
    for head in (b"[{}]", b"a,b\n1,2\n1,2\n", "{}".encode("utf-16"), b"a\rb\rc\r"):
        assert not detect(head, "x").splits


def test_utf_32_is_refused() -> None:
    with pytest.raises(Malformed):
        detect("{}".encode("utf-32"), "x")


@settings(deadline=None)
@fuzz(head=st.binary(max_size=80), name=st.sampled_from(["x", "x.csv", "x.tsv", "x.json", "x.txt"]))
def test_anything_is_something(head: bytes, name: str) -> None:
    for data in (head, gzip.compress(head), b"\x28\xb5\x2f\xfd" + head, b"a,b\n" + head):
        # UTF-32 alone is refused.
        with suppress(Malformed):
            assert detect(data, name).shape in Shape
