"""Dead letters in memory."""

from collections.abc import Sequence
from threading import Lock

from datavault.adapters.limits import HIDDEN_S, LETTERS_TAKEN_MAX
from datavault.domain.deliveries import Letter, Taken
from datavault.ports import Clock


class MemoryDeadLetters:
    """Keeps ``ports.DeadLetters``. ``lose_track`` puts a letter that says no entry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._count = 0
        self._letters: dict[str, tuple[Letter | None, int]] = {}

    @property
    def kept(self) -> list[Letter]:
        """All letters, taken or not."""
        with self._lock:
            return [letter for letter, _ in self._letters.values() if letter is not None]

    def lose_track(self) -> None:
        self._keep([None])

    def put(self, letters: Sequence[Letter]) -> None:
        self._keep(letters)

    def take(self, limit: int) -> list[Taken]:
        assert 1 <= limit <= LETTERS_TAKEN_MAX, limit
        now_ms = self._clock.now_ms()
        with self._lock:
            visible = [
                receipt for receipt, (_, hidden) in self._letters.items() if hidden <= now_ms
            ]
            found: list[Taken] = []
            for receipt in visible[:limit]:
                letter, _ = self._letters[receipt]
                self._letters[receipt] = letter, now_ms + HIDDEN_S * 1000
                found.append(Taken(receipt, None if letter is None else (letter.key,)))
            return found

    def remove(self, taken: Taken) -> None:
        with self._lock:
            self._letters.pop(taken.receipt, None)

    def _keep(self, letters: Sequence[Letter | None]) -> None:
        with self._lock:
            for letter in letters:
                self._count += 1
                self._letters[f"receipt-{self._count}"] = letter, 0
