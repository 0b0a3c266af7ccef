"""What ``ports.Keyring`` promises."""

from collections.abc import Callable

import pytest

from datavault.adapters.memory.keyring import MemoryKeyring
from datavault.domain.errors import Corrupt, KekUnavailable
from datavault.ports import Keyring
from tests.contract.played import AwsPlayed

CONTEXT = {"workspace": "ws_1", "store": "st_1", "purpose": "records", "epoch": "1"}


@pytest.fixture
def kek(keyring: Keyring) -> str:
    return keyring.create(description="a test's", tags={"stage": "test"})


@pytest.fixture
def disable(keyring: Keyring, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What an operator does, which is not of the port."""
    if isinstance(keyring, MemoryKeyring):
        return keyring.disable
    played: AwsPlayed = request.getfixturevalue("aws")
    return played.disable_kek


def test_a_generated_key_is_fresh_and_unwraps(keyring: Keyring, kek: str) -> None:
    first, wrapped_first = keyring.generate(kek, CONTEXT)
    second, wrapped_second = keyring.generate(kek, CONTEXT)
    assert len(first) == len(second) == 32
    assert first != second
    assert keyring.unwrap(kek, wrapped_first, CONTEXT) == first
    assert keyring.unwrap(kek, wrapped_second, CONTEXT) == second


def test_a_wrapped_key_does_not_hold_the_key(keyring: Keyring, kek: str) -> None:
    key, wrapped = keyring.generate(kek, CONTEXT)
    assert key not in wrapped


def test_the_order_of_a_context_does_not_matter(keyring: Keyring, kek: str) -> None:
    key, wrapped = keyring.generate(kek, CONTEXT)
    assert keyring.unwrap(kek, wrapped, dict(reversed(CONTEXT.items()))) == key


@pytest.mark.parametrize(
    "other",
    [{}, CONTEXT | {"epoch": "2"}, CONTEXT | {"more": "x"}, {"workspace": "ws_1"}],
)
def test_a_key_does_not_unwrap_in_another_context(
    keyring: Keyring, kek: str, other: dict[str, str]
) -> None:
    _, wrapped = keyring.generate(kek, CONTEXT)
    with pytest.raises(Corrupt):
        keyring.unwrap(kek, wrapped, other)


def test_a_key_does_not_unwrap_with_any_byte_changed(keyring: Keyring, kek: str) -> None:
    _, wrapped = keyring.generate(kek, CONTEXT)
    for at in range(0, len(wrapped), 7):
        changed = bytearray(wrapped)
        changed[at] ^= 1
        with pytest.raises(Corrupt):
            keyring.unwrap(kek, bytes(changed), CONTEXT)


@pytest.mark.parametrize("wrapped", [b"x", b"not a wrapped key at all", bytes(200)])
def test_what_was_never_wrapped_does_not_unwrap(keyring: Keyring, kek: str, wrapped: bytes) -> None:
    with pytest.raises(Corrupt):
        keyring.unwrap(kek, wrapped, CONTEXT)


def test_a_truncated_key_does_not_unwrap(keyring: Keyring, kek: str) -> None:
    _, wrapped = keyring.generate(kek, CONTEXT)
    with pytest.raises(Corrupt):
        keyring.unwrap(kek, wrapped[:-1], CONTEXT)


def test_a_key_does_not_unwrap_under_another_kek(keyring: Keyring, kek: str) -> None:
    _, wrapped = keyring.generate(kek, CONTEXT)
    other = keyring.create(description="another", tags={})
    with pytest.raises(Corrupt):
        keyring.unwrap(other, wrapped, CONTEXT)


def test_a_disabled_kek_is_unavailable(
    keyring: Keyring, kek: str, disable: Callable[[str], None]
) -> None:
    _, wrapped = keyring.generate(kek, CONTEXT)
    disable(kek)
    with pytest.raises(KekUnavailable):
        keyring.unwrap(kek, wrapped, CONTEXT)
    with pytest.raises(KekUnavailable):
        keyring.generate(kek, CONTEXT)


def test_a_kek_that_does_not_exist_is_unavailable(keyring: Keyring, kek: str) -> None:
    absent = kek[:-4] + "0abc"
    with pytest.raises(KekUnavailable):
        keyring.generate(absent, CONTEXT)


def test_a_ping_of_a_keyring_that_answers_is_quiet(keyring: Keyring) -> None:
    keyring.ping()
