"""Digests: of one record, and of many by one hasher."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.digests import (
    record_digest,
    record_digests,
    record_etag,
    record_etags,
    staged_id,
    staged_ids,
)

KEY = bytes(range(32))


@settings(deadline=None)
@given(bodies=st.lists(st.binary(max_size=70) | st.binary(min_size=1024, max_size=1100)))
def test_digests_of_many_are_those_of_each_alone(bodies: list[bytes]) -> None:
    alone = b"".join(record_digest(body, KEY) for body in bodies)
    assert record_digests(bodies, KEY) == alone
    assert record_digests(map(memoryview, bodies), KEY) == alone


@given(names=st.lists(st.text(max_size=20)), found=st.lists(st.binary(min_size=16, max_size=16)))
def test_hashes_of_many_are_those_of_each_alone(names: list[str], found: list[bytes]) -> None:
    assert staged_ids(names, KEY) == [staged_id(name, KEY) for name in names]
    assert record_etags(found, KEY) == [record_etag(digest, KEY) for digest in found]
