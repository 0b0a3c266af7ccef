"""What ``ports.Clock`` promises."""

import pytest

from datavault.ports import Clock

YEAR_2024_MS = 1_704_067_200_000
YEAR_2100_MS = 4_102_444_800_000


def test_the_time_is_in_milliseconds_since_the_epoch(clock: Clock) -> None:
    assert YEAR_2024_MS < clock.now_ms() < YEAR_2100_MS


def test_a_sleep_takes_its_time(clock: Clock) -> None:
    before = clock.now_ms()
    clock.sleep(0.05)
    assert 45 <= clock.now_ms() - before <= 5000


def test_a_sleep_of_nothing_is_none(clock: Clock) -> None:
    clock.sleep(0)


def test_nobody_sleeps_backwards(clock: Clock) -> None:
    with pytest.raises(ValueError):
        clock.sleep(-1)
