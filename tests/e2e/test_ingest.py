"""A corpus goes in as one commit over the real adapters, in calls that do not grow with it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from datavault.domain.errors import Invalid, Malformed, VaultError
from datavault.domain.ids import BranchName
from datavault.ports import Vault
from datavault.services.exports import export_lines
from datavault.services.ingest.stream import Ingested, ingest_lines
from tests.e2e.deployment import Deployment, Person, Shelf
from tests.support.builders import Process

CORPUS = Path(__file__).parents[1] / "corpora" / "sentences.jsonl"
MAIN = BranchName("main")


@pytest.fixture(scope="module")
def corpus() -> list[bytes]:
    return CORPUS.read_bytes().splitlines()


@pytest.fixture
def keyed(admin: Person) -> Shelf:
    return admin.dataset(record_key="id")


class Counted:
    """A port whose calls are counted by name."""

    def __init__(self, port: object, calls: Counter[str]) -> None:
        self._port = port
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        called: Callable[..., Any] = getattr(self._port, name)

        def count(*arguments: Any, **named: Any) -> Any:
            self._calls[name] += 1
            return called(*arguments, **named)

        return count


@contextmanager
def counted(deployed: Deployment) -> Iterator[tuple[Vault, Counter[str]]]:
    """A vault of a fresh process, and the calls of its catalog and its objects."""
    calls: Counter[str] = Counter()
    with deployed.vault() as vault:
        process = Process(vault)
        process.catalog = Counted(vault.catalog, calls)
        process.objects = Counted(vault.objects, calls)
        yield process, calls


def ingest(shelf: Shelf, lines: list[bytes], vault: Vault, message: str = "ingest") -> Ingested:
    text = b"\n".join(lines) + b"\n"
    return ingest_lines(
        vault,
        caller=shelf.person.tenant.caller(),
        dataset_id=shelf.dataset_id,
        branch=MAIN,
        chunks=[text[at : at + 100_000] for at in range(0, len(text), 100_000)],
        message=message,
    )


def by_id(lines: list[bytes]) -> list[bytes]:
    return [line for _, line in sorted((json.loads(line)["id"].encode(), line) for line in lines)]


def test_a_corpus_again_shuffled_and_edited(
    deployed: Deployment, keyed: Shelf, corpus: list[bytes]
) -> None:
    with deployed.vault() as vault:
        first = ingest(keyed, corpus, vault)
        assert (first.records, first.stored) == (len(corpus), len(set(corpus)))
        assert keyed.lines(ref=first.commit.id) == by_id(corpus)

        again = ingest(keyed, corpus, vault, "again")
        assert (again.commit.id, again.stored) == (first.commit.id, 0)
        shuffled = Random(7).sample(corpus, len(corpus))
        assert ingest(keyed, shuffled, vault, "shuffled").commit.id == first.commit.id
        assert len(keyed.log()) == 2

        edited = list(corpus)
        for at in range(0, len(corpus), 100):
            edited[at] = corpus[at][:-1] + b',"reviewed":1.0}'
        edited += [b'{"id":"added","text":"one more"}']
        changed = ingest(keyed, edited, vault, "edited")
        counts = changed.commit.counts
        assert (counts.added, counts.changed, counts.removed) == (1, -(-len(corpus) // 100), 0)
        assert changed.stored == counts.added + counts.changed
        assert keyed.lines(ref=changed.commit.id) == by_id(edited)
        assert keyed.lines(ref=first.commit.id) == by_id(corpus)
        assert keyed.lines() == by_id(edited)


def test_the_whole_of_a_version_comes_out_as_a_stream(
    deployed: Deployment, keyed: Shelf, corpus: list[bytes]
) -> None:
    with deployed.vault() as vault:
        version = ingest(keyed, corpus, vault).commit.id
        caller = keyed.person.tenant.caller()
        stream = export_lines(vault, caller=caller, dataset_id=keyed.dataset_id, ref=version)
        assert b"".join(stream).splitlines() == by_id(corpus)


def test_a_file_without_keys_changes_nothing_when_it_comes_again(
    deployed: Deployment, shelf: Shelf, corpus: list[bytes]
) -> None:
    twice = [*corpus[:300], *corpus[:300], corpus[0]]
    with deployed.vault() as vault:
        first = ingest(shelf, twice, vault)
        assert first.commit.counts.records == len(twice)
        assert first.stored == 300
        for lines in (twice, Random(7).sample(twice, len(twice))):
            again = ingest(shelf, lines, vault)
            assert (again.commit.id, again.stored) == (first.commit.id, 0)
        assert sorted(shelf.lines()) == sorted(twice)
        more = ingest(shelf, [*twice, corpus[0]], vault)
        assert more.commit.counts.added == 1
        assert more.stored == 0


def test_staged_changes_stay_on_top(
    deployed: Deployment, keyed: Shelf, corpus: list[bytes]
) -> None:
    changed = corpus[0][:-1] + b',"staged":true}'
    keyed.append_lines(changed)
    with deployed.vault() as vault:
        version = ingest(keyed, corpus[:10], vault).commit.id
    assert keyed.lines() == by_id([changed, *corpus[1:10]])
    assert keyed.lines(ref=version) == by_id(corpus[:10])
    commit = keyed.commit()
    assert (commit["parents"], commit["changed"]) == ([version], 1)


BAD: list[tuple[bytes, type[VaultError]]] = [
    (b"canary", Malformed),
    (b'{"id":"x","t":"canary', Malformed),
    (b'{"id":"x","t":"canary\\ud800"}', Malformed),
    (b'{"id":"x","t":"canary\xff"}', Malformed),
    (b'{"id":"x","t":"canary\\u0000"}', Invalid),
    (b'{"id":"x","t":1,"t":"canary"}', Invalid),
    (b'{"t":"canary"}', Invalid),
    (b'{"id":1.5,"t":"canary"}', Invalid),
    (b'{"id":"x","a":' + b"[" * 100 + b'"canary"' + b"]" * 100 + b"}", Invalid),
    (b'["canary"]', Invalid),
]


@pytest.mark.parametrize(("line", "error"), BAD)
def test_a_bad_line_refuses_the_whole_and_names_itself(
    line: bytes, error: type[VaultError], deployed: Deployment, keyed: Shelf, corpus: list[bytes]
) -> None:
    before = keyed.state()
    lines = [*corpus[:50], b"", line, *corpus[50:100]]
    with deployed.vault() as vault, pytest.raises(error, match=r"^line 52: ") as refused:
        ingest(keyed, lines, vault)
    assert refused.value.field == "line 52"
    assert "canary" not in str(refused.value)
    assert keyed.state() == before


def test_calls_do_not_grow_with_records(deployed: Deployment, admin: Person) -> None:
    found = []
    for records in (100, 10_000):
        shelf = admin.dataset(f"of {records}", record_key="id")
        lines = [b'{"id":"%d","n":%d}' % (at, at) for at in range(records)]
        with counted(deployed) as (vault, calls):
            ingest(shelf, lines, vault)
            first = dict(calls)
            calls.clear()
            ingest(shelf, [*lines, b'{"id":"more"}'], vault)
            found.append((first, dict(calls)))
    few, many = found
    assert few[0] == many[0]
    # A larger tree has more nodes to read, a few at a time; the catalog is asked as often.
    reads = {"get_range", "get_ranges"}
    for small, large in zip(few, many, strict=True):
        assert _without(small, reads) == _without(large, reads)
        assert sum(large.get(name, 0) for name in reads) <= 10


def _without(calls: dict[str, int], names: set[str]) -> dict[str, int]:
    return {name: count for name, count in calls.items() if name not in names}
