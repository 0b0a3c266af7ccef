"""What ``ports.Landing`` promises."""

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from datavault.adapters.memory.landing import MemoryLanding
from datavault.domain.errors import Invalid, NotFound, PreconditionFailed, VaultError
from datavault.domain.landing import (
    Checksums,
    Landed,
    LandedPart,
    PartClaim,
    PartPromise,
    SignedPart,
)
from datavault.domain.uploads import PART_BYTES_MIN
from datavault.ports import Landing
from tests.contract.played import LANDING, AwsPlayed

type Send = Callable[[SignedPart, bytes], str]
type PutWhole = Callable[[str, bytes], Landed]

LONG = b"0123456789abcdef" * (PART_BYTES_MIN // 16)
SHORT = b"the end"


@pytest.fixture
def send(landing: Landing) -> Send:
    """PUT a part as somebody would who has nothing but its URL and headers; its ETag."""
    if isinstance(landing, MemoryLanding):
        return landing.send

    def put(signed: SignedPart, content: bytes) -> str:
        request = urllib.request.Request(
            signed.url, data=content, headers=dict(signed.headers), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.headers["ETag"].strip('"'))

    return put


@pytest.fixture
def put(landing: Landing, request: pytest.FixtureRequest) -> PutWhole:
    """Put a whole object there, as those do who drop files."""
    if isinstance(landing, MemoryLanding):
        return landing.put
    played: AwsPlayed = request.getfixturevalue("aws")

    def put_whole(key: str, content: bytes) -> Landed:
        played.s3.put_object(Bucket=LANDING, Key=key, Body=content)
        return landing.head(key)

    return put_whole


def begun(landing: Landing, send: Send, key: str, *contents: bytes) -> tuple[str, list[PartClaim]]:
    """An upload whose parts have arrived."""
    token = landing.begin(key, Checksums.NONE)
    claims = []
    for number, content in enumerate(contents, start=1):
        promise = PartPromise(number, len(content))
        etag = send(landing.sign_part(key, token, promise, expires_s=60), content)
        claims.append(PartClaim(number, etag))
    return token, claims


def test_parts_that_were_sent_become_one_object(landing: Landing, send: Send, name: str) -> None:
    token, claims = begun(landing, send, name, LONG, SHORT)
    with pytest.raises(NotFound):
        landing.head(name)
    landed = landing.complete(name, token, claims)
    assert (landed.key, landed.size) == (name, len(LONG + SHORT))
    assert landing.head(name) == landed
    assert landing.read(landed, 0, landed.size) == LONG + SHORT


def test_completing_again_finds_the_same_object(landing: Landing, send: Send, name: str) -> None:
    token, claims = begun(landing, send, name, SHORT)
    landed = landing.complete(name, token, claims)
    assert landing.complete(name, token, claims) == landed


def test_parts_that_have_arrived_are_listed_by_number_and_page(
    landing: Landing, send: Send, name: str
) -> None:
    token, claims = begun(landing, send, name, b"1", b"22", b"333")
    first, more = landing.parts(name, token, after=0, limit=2)
    assert more
    rest, more = landing.parts(name, token, after=2, limit=2)
    assert not more
    assert [*first, *rest] == [
        LandedPart(claim.number, claim.etag, claim.number) for claim in claims
    ]


def test_a_part_sent_again_replaces_the_one_before(landing: Landing, send: Send, name: str) -> None:
    token, _ = begun(landing, send, name, b"before")
    signed = landing.sign_part(name, token, PartPromise(1), expires_s=60)
    etag = send(signed, b"after")
    landed = landing.complete(name, token, [PartClaim(1, etag)])
    assert landing.read(landed, 0, 100) == b"after"


def test_a_part_with_a_checksum_keeps_it_and_is_claimed_with_it(
    landing: Landing, send: Send, name: str
) -> None:
    token = landing.begin(name, Checksums.SHA256)
    digest = sha256(SHORT).digest()
    signed = landing.sign_part(name, token, PartPromise(1, len(SHORT), digest), expires_s=60)
    etag = send(signed, SHORT)
    ((part,), _) = landing.parts(name, token, after=0, limit=10)
    assert (part.etag, part.sha256) == (etag, digest)
    landed = landing.complete(name, token, [PartClaim(1, etag, digest)])
    assert landed.size == len(SHORT)


def test_other_bytes_than_the_checksum_says_do_not_arrive(
    landing: Landing, send: Send, name: str
) -> None:
    token = landing.begin(name, Checksums.SHA256)
    promise = PartPromise(1, len(SHORT), sha256(SHORT).digest())
    signed = landing.sign_part(name, token, promise, expires_s=60)
    with pytest.raises((VaultError, urllib.error.HTTPError)):
        send(signed, SHORT.upper())
    assert landing.parts(name, token, after=0, limit=10) == ((), False)


@pytest.mark.parametrize("wrong", ["absent", "another", "twice", "disordered", "none"])
def test_parts_that_are_not_as_claimed_are_refused_and_can_be_claimed_rightly(
    landing: Landing, send: Send, name: str, wrong: str
) -> None:
    token, claims = begun(landing, send, name, LONG, SHORT)
    one, two = claims
    given = {
        "absent": [one, PartClaim(3, two.etag)],
        "another": [one, replace(two, etag=one.etag)],
        "twice": [one, one, two],
        "disordered": [two, one],
        "none": [],
    }[wrong]
    with pytest.raises(Invalid):
        landing.complete(name, token, given)
    assert landing.complete(name, token, claims).size == len(LONG + SHORT)


def test_a_part_in_the_middle_may_not_be_small(landing: Landing, send: Send, name: str) -> None:
    token, claims = begun(landing, send, name, b"small", SHORT)
    with pytest.raises(Invalid):
        landing.complete(name, token, claims)


def test_an_aborted_upload_is_gone_and_may_be_aborted_again(
    landing: Landing, send: Send, name: str
) -> None:
    token, claims = begun(landing, send, name, SHORT)
    for _ in range(2):
        landing.abort(name, token)
    with pytest.raises(NotFound):
        landing.complete(name, token, claims)
    with pytest.raises(NotFound):
        landing.parts(name, token, after=0, limit=1)


def test_aborting_what_was_completed_leaves_the_object(
    landing: Landing, send: Send, name: str
) -> None:
    token, claims = begun(landing, send, name, SHORT)
    landed = landing.complete(name, token, claims)
    landing.abort(name, token)
    assert landing.head(name) == landed


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 3, b"the"), (4, 100, b"end"), (7, 5, b""), (90, 5, b""), (2, 0, b"")],
)
def test_a_range_is_clipped_to_the_end(
    landing: Landing, put: PutWhole, name: str, start: int, length: int, expected: bytes
) -> None:
    landed = put(f"landing/{name}", SHORT)
    assert landing.read(landed, start, length) == expected


def test_what_has_been_replaced_is_not_read_and_not_deleted(
    landing: Landing, put: PutWhole, name: str
) -> None:
    before = put(name, b"before")
    after = put(name, b"after!")
    with pytest.raises(PreconditionFailed):
        landing.read(before, 0, 6)
    landing.delete(before)
    assert landing.head(name) == after
    assert landing.read(after, 0, 6) == b"after!"


def test_what_was_deleted_is_gone_and_may_be_deleted_again(
    landing: Landing, put: PutWhole, name: str
) -> None:
    landed = put(name, SHORT)
    for _ in range(2):
        landing.delete(landed)
    with pytest.raises(NotFound):
        landing.head(name)
    with pytest.raises(NotFound):
        landing.read(landed, 0, 1)


def test_a_key_is_found_and_not_one_that_it_begins(
    landing: Landing, put: PutWhole, name: str
) -> None:
    put(f"{name}/a", b"a")
    with pytest.raises(NotFound):
        landing.head(name)
    with pytest.raises(NotFound):
        landing.head(f"{name}/ab")


def test_a_prefix_is_listed_in_order(landing: Landing, put: PutWhole, name: str) -> None:
    landed = [put(f"{name}/{part}", b"x") for part in ("b", "a/1", "c")]
    put(f"{name}-other", b"x")
    listed = list(landing.list(f"{name}/"))
    assert listed == sorted(landed, key=lambda each: each.key)
