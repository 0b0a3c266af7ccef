"""A bus in memory: what it took, and what a test lets it refuse."""

import json
from collections.abc import Callable, Sequence
from threading import Lock

from datavault.adapters.limits import event_calls
from datavault.domain.deliveries import Delivery, Notice


class MemoryBus:
    """Keeps ``ports.Bus``. ``taken`` is all it took, in order; ``judge`` decides on each."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.taken: list[Notice] = []
        self.judge: Callable[[Notice], Delivery] = lambda _: Delivery.TAKEN

    def put(self, notices: Sequence[Notice]) -> list[Delivery]:
        outcomes = [Delivery.NEVER] * len(notices)
        for call in event_calls(notices):
            for index in call:
                assert isinstance(json.loads(notices[index].text), dict), "a text is an object"
                outcomes[index] = self.judge(notices[index])
                if outcomes[index] is Delivery.TAKEN:
                    with self._lock:
                        self.taken.append(notices[index])
            if any(outcomes[index] is Delivery.LATER for index in call):
                outcomes[call[-1] + 1 :] = [Delivery.LATER] * (len(notices) - call[-1] - 1)
                break
        return outcomes
