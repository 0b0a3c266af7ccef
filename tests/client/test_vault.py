"""The client on the real handlers: every operation as a method, records byte for byte."""

import json
from datetime import UTC, datetime

import pytest

from datavault.client import Vault, errors, pages
from datavault.contracts.records import RecordIn
from tests.support.in_process import InProcessApi

# Ids that a path has to carry whole.
AWKWARD = [".", "..", "a/b", "100%", "%2F", "ü", "?x=1#y", "a b", "+", "日本", "\\", "//"]
NEVER = "ds_0190a6b2-0000-7000-8000-000000000000"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
ODD = [
    b'{"n":1.0,"e":1E5,"z":-0,"big":12345678901234567890123}',
    b'{ "b" : 1 , "a":[ 1,2 ] }',
    '{"s":"\\u00e9\\/é🔒","t":"\\ud83d\\ude00"}'.encode(),
]


@pytest.fixture
def dataset_id(vault: Vault) -> str:
    return vault.create_dataset(name="chats").id


def test_a_first_session(vault: Vault) -> None:
    dataset = vault.create_dataset(name="chats", record_key="id", labels={"team": "assist"})
    described = vault.describe_dataset(dataset.id)
    assert described.model_dump(exclude={"schema_"}) == dataset.model_dump()
    assert described.schema_ is None
    staged = vault.append_records_as_lines(dataset.id, b'{"id":"a","n":1}\n{"id":"b","n":2}\n')
    assert (staged.branch, staged.ids) == ("main", ["a", "b"])
    first = vault.create_commit(dataset.id, message="First")
    vault.create_branch(dataset.id, name="side/way", start=first.id)
    vault.delete_record(dataset.id, "a", branch="side/way")
    assert [each.id for each in vault.iter_records(dataset.id, ref="side/way")] == ["b"]
    assert vault.get_record(dataset.id, "a", ref=first.id[:12]).data == {"id": "a", "n": 1}
    assert [each.name for each in vault.iter_branches(dataset.id)] == ["main", "side/way"]
    vault.delete_branch(dataset.id, "side/way")
    assert next(vault.iter_commits(dataset.id)).message == "First"
    assert vault.get_commit(dataset.id, first.id) == first


def test_what_needs_no_credentials_gets_none(api: InProcessApi) -> None:
    with Vault(endpoint="https://vault.test/live", transport=api) as anonymous:
        assert anonymous.check_live().status == "healthy"
        assert anonymous.check_ready().status == "healthy"
        assert anonymous.describe_api()["openapi"] == "3.1.0"
        assert anonymous.browse_docs().startswith("<!doctype html>")
        with pytest.raises(errors.NotConfigured, match="DATAVAULT_TOKEN"):
            anonymous.list_datasets()
    assert not [each for each in api.requests if "Authorization" in each.headers]


def test_records_keep_their_text(vault: Vault, dataset_id: str) -> None:
    ids = vault.append_records_as_lines(dataset_id, b"\n".join(ODD)).ids
    page = vault.list_records(dataset_id)
    assert [each.text for each in page.data] == ODD
    assert [each.data for each in page.data] == [json.loads(line) for line in ODD]
    assert vault.get_record(dataset_id, ids[0]).text == ODD[0]
    assert list(vault.get_record_as_lines(dataset_id, ids[1])) == [ODD[1]]
    assert vault.list_records_as_lines(dataset_id).content == b"".join(b"%s\n" % x for x in ODD)
    assert list(vault.iter_records_as_lines(dataset_id, page_size=1)) == ODD


@pytest.mark.parametrize("record_id", AWKWARD)
def test_any_id_goes_through_a_path(vault: Vault, dataset_id: str, record_id: str) -> None:
    given = RecordIn(id=record_id, data=b'{"n":1.50}')
    assert vault.append_records(dataset_id, records=[given]).ids == [record_id]
    found = vault.get_record(dataset_id, record_id)
    assert (found.id, found.text) == (record_id, b'{"n":1.50}')
    vault.delete_record(dataset_id, record_id)
    with pytest.raises(errors.NotFound):
        vault.get_record(dataset_id, record_id)


def test_a_list_is_read_page_by_page_and_no_further(
    vault: Vault, api: InProcessApi, dataset_id: str
) -> None:
    vault.append_records_as_lines(dataset_id, b"".join(b'{"n":%d}\n' % n for n in range(5)))
    api.requests.clear()
    records = vault.iter_records(dataset_id, page_size=2)
    assert api.requests == []
    assert [next(records).data["n"] for _ in range(3)] == [0, 1, 2]
    assert len(api.requests) == 2
    assert [each.data["n"] for each in records] == [3, 4]
    assert len(api.requests) == 3
    sizes = [len(page.data) for page in pages(vault.list_records, dataset_id, limit=2)]
    assert sizes == [2, 2, 1]


def test_a_record_cannot_reach_out_of_its_place(vault: Vault, dataset_id: str) -> None:
    with pytest.raises(ValueError, match="38 bytes") as raised:
        vault.append_records(
            dataset_id, records=[RecordIn(data=b'{"a":1}},{"id":"forged","data":{"b":2}')]
        )
    assert "forged" not in repr(raised.value)
    assert raised.value.__context__ is None


def test_a_refusal_is_an_error_of_its_class(vault: Vault, dataset_id: str) -> None:
    with pytest.raises(errors.NotFound) as raised:
        vault.describe_dataset(NEVER, correlation_id="mine-1")
    assert (raised.value.status, raised.value.code) == (404, "not_found")
    assert raised.value.correlation_id == "mine-1"
    with pytest.raises(errors.Invalid) as invalid:
        vault.list_records(dataset_id, limit=5000)
    assert [each.field for each in invalid.value.errors] == ["limit"]
    with pytest.raises(errors.Conflict):
        vault.create_dataset(name="chats")


def test_an_update_states_the_version_it_is_meant_for(vault: Vault, dataset_id: str) -> None:
    seen = vault.describe_dataset(dataset_id)
    changed = vault.update_dataset(dataset_id, if_match=seen.version, labels={"team": "assist"})
    assert (changed.name, changed.labels) == (seen.name, {"team": "assist"})
    with pytest.raises(errors.PreconditionFailed):
        vault.update_dataset(dataset_id, if_match=seen.version, name="other")
    assert vault.update_dataset(dataset_id, if_match="*", name="other").name == "other"
    found = vault.iter_datasets(label=["team=assist", "team"], created_after=EPOCH)
    assert [each.id for each in found] == [dataset_id]
    assert list(vault.iter_datasets(created_before=EPOCH)) == []


def test_a_change_with_a_key_happens_once(vault: Vault, dataset_id: str) -> None:
    first = vault.append_records_as_lines(dataset_id, b"{}", idempotency_key="mine")
    assert vault.append_records_as_lines(dataset_id, b"{}", idempotency_key="mine") == first
    with pytest.raises(errors.Conflict):
        vault.append_records_as_lines(dataset_id, b'{"a":1}', idempotency_key="mine")
    assert vault.append_records_as_lines(dataset_id, b"{}") != first
