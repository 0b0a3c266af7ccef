"""A vault that fails: at any call of a port, in every way the world can, on a schedule.

What can happen at one call:

- ``BEFORE``: ``Unavailable``, and nothing was done;
- ``AFTER``: it was done, then ``Unavailable``: the acknowledgement is lost;
- ``PART``: of a write of many rows without a transaction some are written, then ``Unavailable``;
- ``CRASH_BEFORE``, ``CRASH_AFTER``: the process ends there (``Crash``), and its caches with it;
- ``COLLIDE``: a transaction meets another one and does not happen (``ConditionFailed({})``);
- ``INTERLEAVE``: somebody else does something whole in between;
- ``TORN``: the same, and of somebody's last transaction this process sees some rows only, for a
  few calls, or until half a second has passed. DynamoDB serializes single reads with
  transactions, but isolates a query and a batch read from them only row by row. So ``page`` may
  miss rows although a ``get`` has seen others, and ``get_many`` may mix what was and what is,
  once.

The clock does not fail: nothing is asked over a wire.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any, Protocol, cast

from datavault.domain.errors import Unavailable
from datavault.domain.rows import Change, Key, Row, RowPage
from datavault.event_ports import Bus, DeadLetters
from datavault.ports import Catalog, ConditionFailed, Keyring, Landing, Objects, Vault, Workflows
from tests.support.builders import Process

# The methods of ports that change nothing, and those that may do a part of what they are asked.
READS = frozenset({"get", "get_many", "get_range", "get_ranges", "keys", "page", "unwrap"})
IN_PARTS = frozenset({"put_many", "delete_many"})
TORN_CALLS = 12
# Rows of one transaction appear within milliseconds of each other; readers wait for a second.
TORN_MS_MAX = 500


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
    TORN = auto()


class Schedule(Protocol):
    """Decides what happens at each call."""

    def __call__(self, port: str, method: str, /) -> Fault: ...


def nothing_happens(port: str, method: str) -> Fault:
    """The schedule of a good day."""
    return Fault.NONE


class ChaosVault(Process):
    """A process on the ports of ``vault`` to which ``schedule`` happens.

    ``meanwhile`` is called at ``INTERLEAVE`` and ``TORN``; what it returns at the latter, rows as
    they were, is what this process goes on seeing for ``TORN_CALLS`` calls or ``TORN_MS_MAX``.
    ``calls`` counts the calls of ports. A crash empties the caches, as the end of a process does.
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
        self._old: dict[Key, Row | None] = {}
        self._old_until = 0
        self._old_until_ms = 0
        self._serial = False
        self.catalog = cast(Catalog, _Port("catalog", vault.catalog, self))
        self.objects = cast(Objects, _Port("objects", vault.objects, self))
        self.keyring = cast(Keyring, _Port("keyring", vault.keyring, self))

    @cached_property
    def workflows(self) -> Workflows:
        return cast(Workflows, _Port("workflows", self._vault.workflows, self))

    @cached_property
    def landing(self) -> Landing:
        return cast(Landing, _Port("landing", self._vault.landing, self))

    @cached_property
    def bus(self) -> Bus:
        return cast(Bus, _Port("bus", self._vault.bus, self))

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return cast(DeadLetters, _Port("dead_letters", self._vault.dead_letters, self))

    def through[T](self, name: str, port: T) -> T:
        """A port that operators have beside the vault's, and that this happens to as well."""
        return cast(T, _Port(name, port, self))

    def hear(self) -> None:
        """Somebody told this process of all that was acknowledged: nothing is torn any more."""
        self._old = {}

    def call(self, port: str, method: str, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Make one call of a port, or what the schedule makes of it."""
        self.calls += 1
        fault = self.schedule(port, method)
        match fault:
            case Fault.NONE:
                return self._do(port, method, do, *args, **named)
            case Fault.BEFORE:
                raise Unavailable(f"{port}.{method} was not asked")
            case Fault.AFTER:
                do(*args, **named)
                raise Unavailable(f"{port}.{method} did not answer")
            case Fault.PART:
                if method in IN_PARTS:
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
                return self._do(port, method, do, *args, **named)
            case Fault.TORN:
                self._old = cast(dict[Key, Row | None], self.meanwhile() or {})
                self._old_until = self.calls + TORN_CALLS
                self._old_until_ms = self.clock.now_ms() + TORN_MS_MAX
                self._serial = False
                return self._do(port, method, do, *args, **named)

    def _do(self, port: str, method: str, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """The call, answered from a catalog in which some rows are still as they were."""
        whole = self.calls >= self._old_until or self.clock.now_ms() >= self._old_until_ms
        if not self._old or whole or port != "catalog":
            return do(*args, **named)
        match method:
            case "get":
                self._serial = True
                return do(*args, **named)
            case "get_many" if not self._serial:
                found = cast(dict[Key, Row], do(*args, **named))
                mixed = {key: self._old.get(key, found.get(key)) for key in args[0]}
                # Who has seen one of the rows has seen the transaction.
                self._serial = any(key not in self._old for key in args[0])
                return {key: row for key, row in mixed.items() if row is not None}
            case "page":
                page = cast(RowPage, do(*args, **named))
                rows = (self._old.get(row.key, row) for row in page.rows)
                return RowPage(tuple(row for row in rows if row is not None), page.more)
            case "write" if any(change.key in self._old for change in args[0]):
                raise ConditionFailed({})  # That transaction is still under way.
            case _:
                return do(*args, **named)


class LastWrite(Process):
    """A process that remembers what stood where its last transaction wrote."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.before: dict[Key, Row | None] = {}
        port = vault.catalog
        own = cast(Catalog, _Through(port))

        def write(changes: Sequence[Change], *, token: str) -> None:
            before = {change.key: port.get(change.key) for change in changes}
            port.write(changes, token=token)
            self.before = before

        own.write = write  # type: ignore[method-assign]
        self.catalog = own


class _Through:
    """A port whose methods can be replaced."""

    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, method: str) -> Any:
        return getattr(self._port, method)


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


class Heard:
    """The schedule of a good day that keeps which methods were called."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def __call__(self, port: str, method: str) -> Fault:
        self.methods.append(method)
        return Fault.NONE


def is_its_own(fault: Fault, method: str) -> bool:
    """Whether ``fault`` at a call of ``method`` leaves anything that no other fault leaves.

    A read without an answer is one that was never asked. Where nothing is done in parts, none of
    it is done; and only a transaction meets another.
    """
    match fault:
        case Fault.PART:
            return method in IN_PARTS
        case Fault.COLLIDE:
            return method == "write"
        case Fault.AFTER | Fault.CRASH_AFTER:
            return method not in READS
        case _:
            return True


class Once:
    """The schedule that lets the first call of ``method`` fail, after ``meanwhile``."""

    def __init__(self, method: str, meanwhile: Callable[[], None]) -> None:
        self._method: str | None = method
        self._meanwhile = meanwhile

    def __call__(self, port: str, method: str) -> Fault:
        if method != self._method:
            return Fault.NONE
        self._method = None
        self._meanwhile()
        return Fault.BEFORE
