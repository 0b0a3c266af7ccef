"""Digests: of one record, and of many by one hasher."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.digests import record_digest, record_digests

KEY = bytes(range(32))


@settings(deadline=None)
@given(bodies=st.lists(st.binary(max_size=70) | st.binary(min_size=1024, max_size=1100)))
def test_digests_of_many_are_those_of_each_alone(bodies: list[bytes]) -> None:
    alone = b"".join(record_digest(body, KEY) for body in bodies)
    assert record_digests(bodies, KEY) == alone
    assert record_digests(map(memoryview, bodies), KEY) == alone
