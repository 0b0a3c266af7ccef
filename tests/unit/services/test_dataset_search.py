"""Searching datasets: what is listed is exactly what is there, whatever they are called."""

import random
import unicodedata
from itertools import product

import pytest

from datavault.domain import dataset_index
from datavault.domain.dataset_index import Criteria
from datavault.domain.datasets import (
    LABELS_MAX,
    METADATA_FIELDS_MAX,
    Dataset,
    Labels,
    Metadata,
    State,
)
from datavault.domain.errors import Conflict, PreconditionFailed
from datavault.domain.ids import DatasetName, parse_dataset_name
from datavault.domain.preconditions import ANY, Precondition
from datavault.domain.rows import TRANSACTION_CHANGES_MAX, Table
from datavault.services import datasets
from datavault.services.datasets import changes, search
from datavault.services.datasets.changes import Edit
from tests.simulation.model import rows_of
from tests.support.builders import Process, Shelf, a_caller, a_dataset
from tests.support.chaos import AtCall, ChaosVault, Fault

AWKWARD = (
    "é",
    "e\u0301clair",
    "ﬁne",
    "STRASSE",
    "straße",
    "İstanbul",
    "שלום עולם",
    "\u202eright to left\u202c",
    "👩‍👩‍👧‍👦 family",
    "quote ' \" ` end",
    "a/b/../c",
    "100% of \\ & ? # =",
    "x" * 256,
    "𝔘" * 256,
    "ΐ" * 256,
    "-",
)


def update(shelf: Shelf, edit: Edit, precondition: Precondition = ANY) -> Dataset:
    return changes.update_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        edit=edit,
        precondition=precondition,
        request=None,
    )


def found(shelf: Shelf, criteria: Criteria, *, limit: int = 3) -> list[Dataset]:
    """All pages of a search."""
    listed: list[Dataset] = []
    cursor = None
    while True:
        page = search.list_datasets(
            shelf.vault, caller=shelf.caller, limit=limit, cursor=cursor, criteria=criteria
        )
        assert len(page.items) <= limit
        listed += page.items
        cursor = page.next_cursor
        if cursor is None:
            return listed


def make(shelf: Shelf, name: str, labels: Labels = (), metadata: Metadata = ()) -> Dataset:
    shelf.vault.clock.sleep(0.001)
    return datasets.create_dataset(
        shelf.vault,
        caller=shelf.caller,
        name=DatasetName(name),
        description="",
        labels=labels,
        metadata=metadata,
        record_key=None,
        request=None,
    )


def test_every_search_finds_what_a_look_at_every_dataset_finds() -> None:
    """Labels, metadata, names, states and times at random; then changed at random; all searches."""
    chance = random.Random(20_260_101)
    shelf = Shelf.make()
    known: dict[str, Dataset] = {shelf.dataset.id: shelf.dataset}
    for number in range(60):
        labels = {chance.choice("ab"): chance.choice("12") for _ in range(chance.randrange(3))}
        metadata = {chance.choice("mn"): chance.choice((1, True, "1", "x", 1.5))}
        name = f"{chance.choice(('Ab', 'aB', 'Ä', 'b'))}{number}"
        made = make(shelf, name, tuple(labels.items()), tuple(metadata.items()))
        known[made.id] = made
    for dataset in chance.sample([*known.values()], 30):
        own = Shelf(shelf.vault, shelf.caller, dataset)
        known[dataset.id] = update(
            own,
            Edit(
                name=DatasetName(f"renamed {dataset.name}"),
                labels=((chance.choice("abc"), chance.choice("12")),),
                metadata=(("m", chance.choice((2, "x"))),),
            ),
        )
    for dataset in chance.sample([*known.values()], 15):
        known[dataset.id] = changes.archive_dataset(
            shelf.vault, caller=shelf.caller, dataset_id=dataset.id, request=None
        )
    every = sorted(known.values(), key=lambda dataset: dataset.id)
    middle = every[30].created_ms
    seen = 0
    for prefix, wanted, fields, state, times in product(
        (None, "a", "AB1", "renamed", "ä"),
        ((), (("a", None),), (("a", "1"),), (("a", "1"), ("b", None))),
        ((), (("m", "1"),), (("m", "true"),), (("n", "1.5"),)),
        (None, State.ACTIVE, State.ARCHIVED),
        ((None, None), (middle, None), (None, middle)),
    ):
        criteria = Criteria(prefix, wanted, fields, None, state, *times)
        expected = [dataset for dataset in every if criteria.admits(dataset)]
        assert found(shelf, criteria, limit=chance.choice((1, 5, 1000))) == expected
        seen += bool(expected)
    assert seen > 150


def test_what_a_search_means_is_as_written() -> None:
    """``admits`` is the other test's measure; here it is measured itself."""
    shelf = Shelf.make()
    one = make(shelf, "Straße 1", (("k", "v"), ("l", "")), (("f", 5), ("t", True)))
    for criteria, admitted in (
        (Criteria(), True),
        (Criteria(state=State.ARCHIVED), False),
        (Criteria(name_prefix="STRASSE"), True),
        (Criteria(name_prefix="straße 1"), True),
        (Criteria(name_prefix="straße 1x"), False),
        (Criteria(name_prefix="raße"), False),
        (Criteria(labels=(("k", None), ("l", ""))), True),
        (Criteria(labels=(("k", "V"),)), False),
        (Criteria(labels=(("k", None), ("m", None))), False),
        (Criteria(metadata=(("f", "5.0"), ("t", "true"))), True),
        (Criteria(metadata=(("f", "true"),)), False),
        (Criteria(metadata=(("t", "True"),)), False),
        (Criteria(created_by="alice"), True),
        (Criteria(created_by="Alice"), False),
        (Criteria(created_from_ms=one.created_ms), True),
        (Criteria(created_from_ms=one.created_ms + 1), False),
        (Criteria(created_before_ms=one.created_ms + 1), True),
        (Criteria(created_before_ms=one.created_ms), False),
    ):
        assert criteria.admits(one) == admitted, criteria


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_name_is_kept_found_and_taken_once(name: str) -> None:
    shelf = Shelf.make()
    parsed = parse_dataset_name(name)
    made = make(shelf, parsed)
    assert made.name == unicodedata.normalize("NFC", name)
    for prefix in (name, name[:1], name[:4], name.upper(), unicodedata.normalize("NFD", name)):
        assert made in found(shelf, Criteria(name_prefix=prefix))
    with pytest.raises(Conflict, match=made.id):
        make(shelf, parse_dataset_name(unicodedata.normalize("NFD", name)))
    renamed = update(Shelf(shelf.vault, shelf.caller, made), Edit(name=DatasetName("plain")))
    assert found(shelf, Criteria(name_prefix=name)) == []
    assert found(shelf, Criteria(name_prefix="PLAIN")) == [renamed]
    make(shelf, parsed)


def test_a_search_reads_what_it_finds_and_not_the_rest() -> None:
    """5 of 500 datasets have the label: a page costs a few reads, not one of everything."""
    shelf = Shelf.make()
    for number in range(500):
        make(
            shelf,
            f"{number}",
            (("all", "1"), ("rare", "1")) if number % 100 == 0 else (("all", "1"),),
        )
    chaos = ChaosVault(shelf.vault)
    own = shelf.on(chaos)
    listed = found(own, Criteria(labels=(("all", "1"), ("rare", "1"))), limit=100)
    assert [dataset.name for dataset in listed] == ["0", "100", "200", "300", "400"]
    assert chaos.calls < 8


def test_a_small_page_reads_as_far_ahead_as_a_large_one() -> None:
    """The index has 500 names that begin alike; to find the last takes a few reads."""
    shelf = Shelf.make()
    for number in range(500):
        made = make(shelf, f"beginning {number}")
    for limit in (1, 100):
        chaos = ChaosVault(shelf.vault)
        criteria = Criteria(name_prefix="beginning 499", state=None)
        assert found(shelf.on(chaos), criteria, limit=limit) == [made]
        assert chaos.calls < 20


def test_a_page_looks_at_a_bounded_number_of_datasets_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each label is common and together they are rare: pages are short or empty, and complete."""
    monkeypatch.setattr(search, "LOOKED_AT_MAX", 40)
    shelf = Shelf.make()
    for number in range(200):
        labels = (("a", ""), ("b", "")) if number in {150, 199} else ((("a", "b")[number % 2], ""),)
        make(shelf, f"{number}", labels)
    criteria = Criteria(labels=(("a", None), ("b", None)))
    first = search.list_datasets(
        shelf.vault, caller=shelf.caller, limit=10, cursor=None, criteria=criteria
    )
    assert (first.items, first.next_cursor is None) == ((), False)
    assert [dataset.name for dataset in found(shelf, criteria)] == ["150", "199"]


def test_a_page_stays_below_what_a_function_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE_BYTES_MAX", 1500)
    shelf = Shelf.make()
    for number in range(9):
        make(shelf, f"{number}")
    page = search.list_datasets(shelf.vault, caller=shelf.caller, limit=100, cursor=None)
    assert 1 < len(page.items) < 9
    assert len(found(shelf, Criteria(), limit=100)) == 10


def test_a_change_of_everything_fits_a_transaction() -> None:
    shelf = Shelf.make()

    def said(tag: str) -> Edit:
        return Edit(
            name=DatasetName(f"{tag} with a name"),
            labels=tuple((f"{tag}{number}", "v") for number in range(LABELS_MAX)),
            metadata=tuple((f"{tag}{number}", number) for number in range(METADATA_FIELDS_MAX)),
        )

    old = update(shelf, said("old"))
    key = bytes(32)
    new = said("new").of(old)
    # Beside the index: the dataset, two names, the request, the ledger.
    assert len(dataset_index.reindex(old, new, key)) + 5 <= TRANSACTION_CHANGES_MAX
    update(shelf, said("new"))
    assert len(found(shelf, Criteria(labels=(("new0", "v"),)))) == 1
    assert found(shelf, Criteria(labels=(("old0", "v"),))) == []


def test_the_index_has_no_more_rows_than_it_should() -> None:
    shelf = Shelf.make()
    before = {row.key for row in rows_of(shelf.vault.catalog, Table.CATALOG)}
    update(shelf, Edit(labels=(("a", "1"), ("b", "2")), metadata=(("f", 1),)))
    update(shelf, Edit(name=DatasetName("other"), labels=(("a", "2"),)))
    update(shelf, Edit(name=DatasetName("corpus"), labels=(), metadata=()))
    assert {row.key for row in rows_of(shelf.vault.catalog, Table.CATALOG)} == before


def test_nothing_that_was_said_stands_in_a_key_nor_a_hash_that_all_can_make() -> None:
    shelf = Shelf.make()
    other = Shelf(shelf.vault, a_caller(shelf.vault), shelf.dataset)
    secret = "secret@example.com"
    keys = []
    for each in (shelf, other):
        made = make(each, secret, ((secret, secret),), ((secret, secret),))
        prefix = f"workspace/{made.workspace}/"
        keys.append(
            {
                f"{row.key.partition}/{row.key.sort}".replace(prefix, "").replace(made.id, "")
                for row in rows_of(shelf.vault.catalog, Table.CATALOG)
                if row.key.partition.startswith(prefix)
            }
        )
    assert not any(secret in key or "secret" in key for key in keys[0] | keys[1])
    names = [{key for key in each if key.startswith("names/")} for each in keys]
    assert not names[0] & names[1], "the same name has the same hash in two workspaces"


# Two at once.


def test_of_two_updates_on_one_version_one_wins_wherever_the_other_comes() -> None:
    counted = Shelf.make()
    chaos = ChaosVault(counted.vault)
    update(counted.on(chaos), Edit(description="mine"), Precondition(frozenset("1")))
    lost = 0
    for call in range(chaos.calls):
        shelf = Shelf.make()

        def meanwhile(shelf: Shelf = shelf) -> None:
            theirs = shelf.on(Process(shelf.vault))
            try:
                update(theirs, Edit(description="theirs"), Precondition(frozenset("1")))
            except PreconditionFailed:
                return

        racing = shelf.on(ChaosVault(shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile))
        try:
            made = update(racing, Edit(description="mine"), Precondition(frozenset("1")))
            assert made.version == 2
        except PreconditionFailed:
            lost += 1
        (now,) = found(shelf, Criteria())
        assert now.version == 2
    assert lost > 0


def test_updates_of_any_version_are_both_made() -> None:
    counted = Shelf.make()
    chaos = ChaosVault(counted.vault)
    update(counted.on(chaos), Edit(labels=(("mine", ""),)))
    for call in range(chaos.calls):
        shelf = Shelf.make()

        def meanwhile(shelf: Shelf = shelf) -> None:
            update(shelf.on(Process(shelf.vault)), Edit(description="theirs"))

        racing = shelf.on(ChaosVault(shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile))
        update(racing, Edit(labels=(("mine", ""),)))
        (now,) = found(shelf, Criteria())
        assert (now.version, now.description, now.labels) == (3, "theirs", (("mine", ""),))


def test_of_two_datasets_that_take_a_name_one_gets_it() -> None:
    counted = Shelf.make()
    chaos = ChaosVault(counted.vault)
    update(counted.on(chaos), Edit(name=DatasetName("wanted")))
    refused = 0
    for call in range(chaos.calls):
        shelf = Shelf.make()
        other = Shelf(shelf.vault, shelf.caller, a_dataset(shelf.vault, shelf.caller, name="other"))

        def meanwhile(other: Shelf = other) -> None:
            try:
                update(other.on(Process(other.vault)), Edit(name=DatasetName("wanted")))
            except Conflict:
                return

        racing = shelf.on(ChaosVault(shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile))
        try:
            update(racing, Edit(name=DatasetName("wanted")))
        except Conflict as refusal:
            assert other.dataset.id in str(refusal)  # noqa: PT017
            refused += 1
        names = [dataset.name for dataset in found(shelf, Criteria())]
        assert names.count(DatasetName("wanted")) == 1
        rows = rows_of(shelf.vault.catalog, Table.CATALOG)
        taken = [row for row in rows if row.key.partition.endswith("/names")]
        assert len(taken) == 2
    assert refused > 0
