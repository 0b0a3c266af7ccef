import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.count_bounds import CountBounds
from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.formats import sources
from datavault.domain.formats.detect import Shape
from datavault.domain.formats.sources import Manifest, Source, parse_manifest, sources_in


def test_a_folder_is_ordered_by_split_and_by_number() -> None:
    names = [
        "README.md",
        ".gitattributes",
        "dataset_infos.json",
        "_cache/x.parquet",
        "data/test-00000-of-00001.parquet",
        "data/train-00001-of-00002.parquet",
        "data/train-00000-of-00002.parquet",
        "data/validation-00000-of-00001-6ef3991c06080e14.parquet",
        "train/part-10.jsonl.gz",
        "train/part-9.jsonl.zst",
        "extra/words.TXT",
        "de/dev.csv",
        "my_train_file.json",
        "plain.tsv",
    ]
    assert [(each.name, each.split, each.shape) for each in sources_in(names)] == [
        ("data/train-00000-of-00002.parquet", "train", Shape.PARQUET),
        ("data/train-00001-of-00002.parquet", "train", Shape.PARQUET),
        ("my_train_file.json", "train", None),
        ("train/part-9.jsonl.zst", "train", Shape.NDJSON),
        ("train/part-10.jsonl.gz", "train", Shape.NDJSON),
        ("data/validation-00000-of-00001-6ef3991c06080e14.parquet", "validation", Shape.PARQUET),
        ("de/dev.csv", "validation", Shape.CSV),
        ("data/test-00000-of-00001.parquet", "test", Shape.PARQUET),
        ("extra/words.TXT", None, Shape.TEXT_LINES),
        ("plain.tsv", None, Shape.TSV),
    ]


def test_a_split_of_another_name_is_that_of_its_shards() -> None:
    names = ["unsupervised-00000-of-00001.jsonl"]
    assert [each.split for each in sources_in(names)] == ["unsupervised"]


@pytest.mark.parametrize(
    "names",
    [
        ["a-00000-of-00002.csv"],
        ["a-00000-of-00002.csv", "a-00002-of-00002.csv"],
        ["a-00000-of-00002.csv", "b/a-00001-of-00002.csv"],
        ["a.csv", "a.csv"],
        ["x" * 1025 + ".csv"],
    ],
)
def test_half_a_set_or_a_name_that_does_not_do_is_refused(names: list[str]) -> None:
    with pytest.raises(Invalid):
        sources_in(names)


@settings(deadline=None)
@given(names=st.lists(st.text("at-0/.csv", min_size=1, max_size=12), unique=True, max_size=8))
def test_the_order_follows_from_the_names_alone(names: list[str]) -> None:
    def outcome(given: list[str]) -> object:
        try:
            return sources_in(given)
        except VaultError as error:
            return type(error)

    assert outcome(names) == outcome(names[::-1])


def test_a_manifest_lists_files_in_its_order() -> None:
    text = json.dumps([{"name": "b", "format": "csv", "split": "train"}, {"name": "a"}]).encode()
    listed = (Source("b", "train", Shape.CSV), Source("a", None, None))
    assert parse_manifest(text) == Manifest(listed, CountBounds())


@pytest.mark.parametrize("bounds", [(None, None), (3, None), (None, 0), (3, 3)])
def test_a_manifest_may_bound_the_number_of_records(bounds: tuple[int | None, int | None]) -> None:
    said = {"files": [{"name": "a"}], "min_records": bounds[0], "max_records": bounds[1]}
    manifest = parse_manifest(json.dumps(said).encode())
    assert manifest == Manifest((Source("a", None, None),), CountBounds(*bounds))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", Malformed),
        (b"{}", Malformed),
        (b"[1]", Malformed),
        (b'[{"name":1}]', Malformed),
        (b'[{"split":"x"}]', Malformed),
        (b'[{"name":"a","format":"xml"}]', Malformed),
        (b'[{"name":"a","size":1}]', Malformed),
        (b"[" * 100_000, Malformed),
        (b'[{"name":"\xff"}]', Malformed),
        (b"[]", Invalid),
        (b'[{"name":""}]', Invalid),
        (b'[{"name":"a"},{"name":"a"}]', Invalid),
        (b'{"files":[{"name":"a"}],"records":1}', Malformed),
        (b'{"files":[{"name":"a"}],"min_records":-1}', Malformed),
        (b'{"files":[{"name":"a"}],"max_records":1.5}', Malformed),
        (b'{"files":[{"name":"a"}],"max_records":9007199254740992}', Malformed),
        (b'{"files":[]}', Invalid),
        (b'{"files":[{"name":"a"}],"min_records":2,"max_records":1}', Invalid),
    ],
)
def test_another_manifest_is_refused(text: bytes, error: type[VaultError]) -> None:
    with pytest.raises(error) as caught:
        parse_manifest(text)
    assert caught.value.__context__ is None


def test_a_manifest_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES_MAX", 1)
    with pytest.raises(TooLarge):
        parse_manifest(b'[{"name":"a"},{"name":"b"}]')
    monkeypatch.setattr(sources, "MANIFEST_BYTES_MAX", 10)
    with pytest.raises(TooLarge):
        parse_manifest(b'[{"name":"a"}]')
