"""On AWS: what was done and whose answer was lost is neither done twice nor reported as failed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from datavault.domain.errors import Conflict, Unavailable
from datavault.domain.rows import Absent, Delete, Key, Put, Table, Update
from datavault.wiring import AwsVault
from tests.contract.lossy import LossyProxy, lossy_proxy
from tests.contract.played import AwsPlayed


@dataclass(frozen=True)
class Lossy:
    vault: AwsVault
    proxy: LossyProxy


@pytest.fixture(scope="module")
def lossy(aws: AwsPlayed) -> Iterator[Lossy]:
    with lossy_proxy(aws.environment["AWS_ENDPOINT_URL"]) as proxy:
        vault = AwsVault(aws.environment | {"AWS_ENDPOINT_URL": proxy.endpoint})
        try:
            yield Lossy(vault, proxy)
        finally:
            proxy.lose(0)
            vault.close()


def key(partition: str, sort: str = "a") -> Key:
    return Key(Table.CATALOG, partition, sort)


@pytest.mark.parametrize("losses", [1, 2, 3])
def test_a_transaction_happens_once(lossy: Lossy, name: str, losses: int) -> None:
    catalog = lossy.vault.catalog
    catalog.put_many([Put(key(name, "sum"), {"n": 0}), Put(key(name, "gone"), {})])
    lossy.proxy.lose(losses)
    catalog.write(
        (
            Update(key(name, "sum"), add={"n": 1}),
            Put(key(name, "made"), {}, Absent()),
            Delete(key(name, "gone"), ()),
        ),
        token=name,
    )
    assert len(lossy.proxy.lost) == losses
    rows = catalog.page(Table.CATALOG, name).rows
    assert [(row.key.sort, row.attributes) for row in rows] == [("made", {}), ("sum", {"n": 1})]


def test_a_caller_that_was_told_unavailable_may_try_again(lossy: Lossy, name: str) -> None:
    catalog = lossy.vault.catalog
    changes = (Put(key(name), {"n": 1}, Absent()),)
    lossy.proxy.lose(50)
    with pytest.raises(Unavailable):
        catalog.write(changes, token=name)
    lossy.proxy.lose(0)
    catalog.write(changes, token=name)
    row = catalog.get(key(name))
    assert row is not None
    assert row.attributes == {"n": 1}


def test_rows_are_put_read_and_deleted(lossy: Lossy, name: str) -> None:
    catalog = lossy.vault.catalog
    keys = [key(name, f"{n:02}") for n in range(30)]
    lossy.proxy.lose(1)
    catalog.put_many([Put(at, {}) for at in keys])
    lossy.proxy.lose(2)
    catalog.delete_many(keys[1:])
    lossy.proxy.lose(3)
    assert catalog.get_many(keys).keys() == {keys[0]}
    assert [row.key for row in catalog.page(Table.CATALOG, name).rows] == keys[:1]


@pytest.mark.parametrize("losses", [1, 3])
def test_an_object_is_put_once_and_is_no_conflict_with_itself(
    lossy: Lossy, name: str, losses: int
) -> None:
    objects = lossy.vault.objects
    lossy.proxy.lose(losses)
    objects.put(name, [b"own"])
    assert lossy.proxy.lost == [f"PUT /contract-objects/{name}"] * losses
    assert objects.get(name) == b"own"


def test_an_object_that_is_anothers_is_a_conflict_even_after_a_lost_answer(
    lossy: Lossy, name: str
) -> None:
    objects = lossy.vault.objects
    objects.put(name, [b"another's"])
    lossy.proxy.lose(1)
    with pytest.raises(Conflict):
        objects.put(name, [b"own"])
    assert objects.get(name) == b"another's"


def test_objects_are_read_deleted_and_listed(lossy: Lossy, name: str) -> None:
    objects = lossy.vault.objects
    objects.put(f"{name}/a", [b"0123456789"])
    lossy.proxy.lose(2)
    assert objects.get(f"{name}/a") == b"0123456789"
    lossy.proxy.lose(2)
    assert objects.get_range(f"{name}/a", 2, 3) == b"234"
    lossy.proxy.lose(2)
    assert list(objects.keys(f"{name}/")) == [f"{name}/a"]
    lossy.proxy.lose(2)
    objects.delete(f"{name}/a")
    assert list(objects.keys(f"{name}/")) == []


def test_objects_that_never_answer_are_unavailable(lossy: Lossy, name: str) -> None:
    objects = lossy.vault.objects
    lossy.proxy.lose(1000)
    calls: list[Callable[[], object]] = [
        lambda: objects.put(name, [b""]),
        lambda: objects.get(name),
        lambda: objects.get_ranges(name, [(0, 1), (1 << 30, 1)]),
        lambda: objects.delete(name),
        lambda: list(objects.keys(name)),
        objects.ping,
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            call()
    lossy.proxy.lose(0)


def test_a_key_is_generated_and_unwrapped(lossy: Lossy) -> None:
    keyring = lossy.vault.keyring
    kek = keyring.create(description="a test's", tags={})
    lossy.proxy.lose(1)
    key, wrapped = keyring.generate(kek, {"store": "s"})
    lossy.proxy.lose(2)
    assert keyring.unwrap(kek, wrapped, {"store": "s"}) == key
    lossy.proxy.lose(100)
    with pytest.raises(Unavailable):
        keyring.ping()
    lossy.proxy.lose(0)
