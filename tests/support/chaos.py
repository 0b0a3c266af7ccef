"""A vault that fails: at any call of a port, in every way the world can, on a schedule.

What can happen at one call:

- ``BEFORE``: ``Unavailable``, and nothing was done;
- ``AFTER``: it was done, then ``Unavailable``: the acknowledgement is lost;
- ``PART``: of a write of many rows without a transaction some are written, then ``Unavailable``;
- ``CRASH_BEFORE``, ``CRASH_AFTER``: the process ends there (``Crash``), and its caches with it;
- ``COLLIDE``: a transaction meets another one and does not happen (``ConditionFailed({})``);
- ``INTERLEAVE``: somebody else does something whole in between.

The clock does not fail: nothing is asked over a wire.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Protocol, cast

from datavault.domain.errors import Unavailable
from datavault.ports import Catalog, ConditionFailed, Keyring, Objects, Vault
from tests.support.builders import Process


class Crash(BaseException):
    """The process ended here; no ``except`` and no ``finally`` of ours is to rely on."""


class Fault(Enum):
    """What happens at a call."""

    NONE = auto()
    BEFORE = auto()
    AFTER = auto()
    PART = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    COLLIDE = auto()
    INTERLEAVE = auto()


class Schedule(Protocol):
    """Decides what happens at each call."""

    def __call__(self, port: str, method: str, /) -> Fault: ...


def nothing_happens(port: str, method: str) -> Fault:
    """The schedule of a good day."""
    return Fault.NONE


class ChaosVault(Process):
    """A process on the ports of ``vault`` to which ``schedule`` happens.

    ``meanwhile`` is called at ``INTERLEAVE``. ``calls`` counts the calls of ports. A crash empties
    the caches, as the end of a process does.
    """

    def __init__(
        self,
        vault: Vault,
        schedule: Schedule = nothing_happens,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(vault)
        self.schedule = schedule
        self.meanwhile = meanwhile
        self.calls = 0
        self.catalog = cast(Catalog, _Port("catalog", vault.catalog, self))
        self.objects = cast(Objects, _Port("objects", vault.objects, self))
        self.keyring = cast(Keyring, _Port("keyring", vault.keyring, self))

    def call(self, port: str, method: str, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Make one call of a port, or what the schedule makes of it."""
        self.calls += 1
        fault = self.schedule(port, method)
        match fault:
            case Fault.NONE:
                return do(*args, **named)
            case Fault.BEFORE:
                raise Unavailable(f"{port}.{method} was not asked")
            case Fault.AFTER:
                do(*args, **named)
                raise Unavailable(f"{port}.{method} did not answer")
            case Fault.PART:
                if method in {"put_many", "delete_many"}:
                    _some(do, *args)
                raise Unavailable(f"{port}.{method} did not answer")
            case Fault.CRASH_BEFORE:
                self.forget()
                raise Crash(f"before {port}.{method}")
            case Fault.CRASH_AFTER:
                do(*args, **named)
                self.forget()
                raise Crash(f"after {port}.{method}")
            case Fault.COLLIDE:
                if method == "write":
                    raise ConditionFailed({})
                return do(*args, **named)
            case Fault.INTERLEAVE:
                self.meanwhile()
                return do(*args, **named)


def _some(do: Callable[[Sequence[Any]], Any], rows: Sequence[Any]) -> None:
    """Every other row: neither a beginning nor an end."""
    do(list(rows)[::2])


class _Port:
    """A port whose every call goes through ``ChaosVault.call``."""

    def __init__(self, name: str, port: object, chaos: ChaosVault) -> None:
        self._name = name
        self._port = port
        self._chaos = chaos

    def __getattr__(self, method: str) -> Callable[..., Any]:
        do = getattr(self._port, method)

        def call(*args: Any, **named: Any) -> Any:
            return self._chaos.call(self._name, method, do, *args, **named)

        setattr(self, method, call)
        return call


class AtCall:
    """The schedule that does ``fault`` at call number ``index`` (from 0), and nothing else."""

    def __init__(self, index: int, fault: Fault) -> None:
        self._index = index
        self._fault = fault
        self._at = -1

    def __call__(self, port: str, method: str) -> Fault:
        self._at += 1
        return self._fault if self._at == self._index else Fault.NONE
