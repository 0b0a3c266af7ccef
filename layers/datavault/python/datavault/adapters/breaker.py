"""A circuit breaker: what has failed several times in a row is not asked again for a while.

Without it every request to a dead dependency takes as long as all its attempts (up to 20 s of an
API call's 29), and as many functions wait as there are callers. Closed, it only counts. After
``FAILURES_MAX`` failed calls in a row, each with its own retries used up, or one that took
``SLOW_S`` to fail, it opens: calls fail at once. When the time is over, which is drawn anew each
time so that processes do not come back together, one call is let through as a probe; its success
closes the breaker, its failure opens it for twice as long, within bounds.

One process's opinion: Lambda environments share nothing, and one of them learns of an outage
within a few requests of its own.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from datavault.domain.errors import Unavailable

FAILURES_MAX = 3
# A second one of these would leave nothing of a request's 29 seconds.
SLOW_S = 5.0
# As long as one call with all its attempts, at most: callers are told to come back in 5 seconds.
OPEN_S = 5.0
OPEN_S_MAX = 30.0
# A probe that never comes back (its environment was frozen) does not keep the breaker open.
PROBE_S_MAX = 30.0


class Breaker:
    """Guards the calls to one dependency; safe to use from several threads.

    ``clock`` gives seconds. By default on the wall: a frozen Lambda's monotonic clock stands
    still, and its outage would last for ever.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._name = name
        self._clock = clock
        self._jitter = jitter
        self._lock = Lock()
        self._failures = 0
        self._times_opened = 0
        self._opened_s = 0.0
        self._open_for_s: float | None = None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call with all its attempts: ``Unavailable`` at once while it is open.

        Only ``Unavailable`` counts as a failure. Any other error is an answer.
        """
        started_s = self._enter()
        try:
            yield
        except Unavailable:
            self._failed(started_s)
            raise
        except Exception:
            self._answered()
            raise
        self._answered()

    @property
    def is_open(self) -> bool:
        """Whether the next call would fail at once or be a probe."""
        with self._lock:
            return self._open_for_s is not None

    def _enter(self) -> float:
        """When the call began."""
        now_s = self._clock()
        with self._lock:
            if self._open_for_s is None:
                return now_s
            since_s = now_s - self._opened_s
            # A clock that was set back says nothing: then a probe is what finds out.
            if 0 <= since_s < self._open_for_s:
                raise Unavailable(f"{self._name} has not been answering; not asked again yet")
            # Half open: this one is the probe, and until it is back others fail at once.
            self._opened_s, self._open_for_s = now_s, PROBE_S_MAX
            return now_s

    def _failed(self, started_s: float) -> None:
        now_s = self._clock()
        with self._lock:
            self._failures += 1
            if self._failures < FAILURES_MAX and now_s - started_s < SLOW_S:
                return
            self._failures = FAILURES_MAX  # A probe that fails opens it again, however fast.
            longest_s = min(OPEN_S_MAX, OPEN_S * 2 ** min(self._times_opened, 8))
            self._times_opened += 1
            self._opened_s = now_s
            self._open_for_s = self._jitter(longest_s / 2, longest_s)

    def _answered(self) -> None:
        with self._lock:
            self._failures = self._times_opened = 0
            self._open_for_s = None
