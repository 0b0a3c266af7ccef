"""The cache's three bounds: cost, age, uses."""

from threading import Thread

from datavault.domain.cache import BoundedCache


def test_the_least_recently_used_goes_first() -> None:
    cache: BoundedCache[str, int] = BoundedCache(3)
    for key, value in (("a", 1), ("b", 2), ("c", 3)):
        cache.put(key, value)
    assert cache.get("a") == 1
    cache.put("d", 4)
    assert [cache.get(key) for key in "abcd"] == [1, None, 3, 4]


def test_costs_are_summed_and_what_is_too_large_is_not_held() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put("a", 1, cost=6)
    cache.put("b", 2, cost=4)
    assert (cache.get("a"), cache.get("b")) == (1, 2)
    cache.put("c", 3, cost=5)
    assert [cache.get(key) for key in "abc"] == [None, 2, 3]
    cache.put("c", 4, cost=11)
    assert cache.get("c") is None
    cache.put("a", 1, cost=6)
    assert [cache.get(key) for key in "ab"] == [1, 2]


def test_a_value_put_again_takes_the_place_and_the_cost_of_the_old_one() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    for value in range(20):
        cache.put("a", value, cost=9)
    cache.put("b", 1, cost=1)
    assert (cache.get("a"), cache.get("b")) == (19, 1)


def test_a_value_is_gone_at_its_time() -> None:
    cache: BoundedCache[str, int] = BoundedCache(1)
    cache.put("a", 1, expires_ms=1000)
    assert cache.get("a", 999) == 1
    assert cache.get("a", 1000) is None
    assert cache.get("a", 999) is None
    cache.put("b", 2)
    assert cache.get("b", 10**15) == 2


def test_a_value_is_handed_out_so_many_times() -> None:
    cache: BoundedCache[str, int] = BoundedCache(1)
    cache.put("a", 1, uses_max=3)
    assert [cache.get("a") for _ in range(5)] == [1, 1, 1, None, None]


def test_what_is_discarded_or_cleared_is_gone_and_its_room_is_free() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.discard("a")
    cache.discard("a")
    assert (cache.get("a"), cache.get("b")) == (None, 2)
    cache.put("c", 3)
    assert cache.get("b") == 2
    cache.clear()
    assert (cache.get("b"), cache.get("c")) == (None, None)
    cache.put("d", 4, cost=2)
    assert cache.get("d") == 4


def test_threads_do_not_break_it() -> None:
    cache: BoundedCache[int, int] = BoundedCache(50)
    wrong: list[int] = []

    def work(first: int) -> None:
        for number in range(first, first + 2000):
            cache.put(number % 100, number % 100, cost=number % 7, uses_max=3)
            found = cache.get((number * 31) % 100)
            if found not in (None, (number * 31) % 100):
                wrong.append(number)
            cache.discard((number * 17) % 100)

    threads = [Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    cache.put(1, 1, cost=50)
    assert cache.get(1) == 1
