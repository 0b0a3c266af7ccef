"""When a call is made again, and after how long.

A call is repeated only if repeating it is safe: a GET, or a change named by an
``Idempotency-Key``, which the vault carries out once in 24 hours.
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
PAUSE_S_MIN = 1.0
PAUSE_S_MAX = 32.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how far apart a call is repeated.

    The pause before attempt ``n + 1`` is uniform between nothing and ``2 ** (n - 1)`` seconds, at
    most 32 (full jitter). ``Retry-After`` is waited out in full, with jitter on top; where the
    vault asks for more than ``pause_s_max`` the call fails at once and its error says how much.
    """

    attempts_max: int = 6
    pause_s_min: float = PAUSE_S_MIN
    pause_s_max: float = PAUSE_S_MAX
    jitter: Callable[[], float] = random.random

    def pause_s(self, attempt: int, retry_after_s: float | None) -> float | None:
        """How long to wait after failed attempt ``attempt`` (from 1); ``None`` to give up."""
        if attempt >= self.attempts_max:
            return None
        widest = min(self.pause_s_max, self.pause_s_min * 2.0 ** (attempt - 1))
        spread = widest * self.jitter()
        if retry_after_s is None:
            return spread
        return None if retry_after_s > self.pause_s_max else retry_after_s + spread


NO_RETRIES = Retries(attempts_max=1)


class RetryBudget:
    """Retries that a client may still make, so that an outage does not multiply its load.

    It starts full; each retry takes one, each call that succeeds gives a tenth back. While
    nothing succeeds a client makes ``capacity`` retries in all, then one attempt a call. Safe to
    share between threads and between clients.
    """

    def __init__(self, capacity: float = 30.0, *, refund: float = 0.1) -> None:
        self._capacity = capacity
        self._refund = refund
        self._left = capacity
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Spend one retry; whether there was one."""
        with self._lock:
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True

    def succeeded(self) -> None:
        """A call succeeded."""
        with self._lock:
            self._left = min(self._capacity, self._left + self._refund)


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """What ``Retry-After`` asks for, given in seconds or as a date (RFC 9110, 10.2.3)."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    # Imported here: 20 ms, for what hardly any server sends.
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - now_s)
