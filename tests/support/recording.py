"""A vault that notes what is asked of its ports, in the words of grants."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from datavault.contracts.operations import Grant
from datavault.domain.rows import Change, Check, Key, Put, Table
from datavault.event_ports import Bus, DeadLetters
from datavault.ports import Catalog, Keyring, Landing, Objects, Vault, Workflows
from tests.support.builders import Process

_READ = {Table.CATALOG: Grant.CATALOG_READ, Table.STAGING: Grant.STAGING_READ}
_WRITE = {
    Table.CATALOG: Grant.CATALOG_WRITE,
    Table.STAGING: Grant.STAGING_WRITE,
    Table.LEDGER: Grant.LEDGER_APPEND,
}
_METHODS: dict[tuple[str, str], Grant] = {
    ("objects", "get"): Grant.OBJECTS_READ,
    ("objects", "get_range"): Grant.OBJECTS_READ,
    ("objects", "get_ranges"): Grant.OBJECTS_READ,
    ("objects", "keys"): Grant.OBJECTS_READ,
    ("objects", "ping"): Grant.OBJECTS_READ,
    ("objects", "put"): Grant.OBJECTS_WRITE,
    ("objects", "delete"): Grant.OBJECTS_DELETE,
    ("keyring", "generate"): Grant.KEYS_GENERATE,
    ("keyring", "unwrap"): Grant.KEYS_UNWRAP,
    ("catalog", "ping"): Grant.CATALOG_READ,
    ("workflows", "start"): Grant.WORKFLOWS_START,
    ("workflows", "find"): Grant.WORKFLOWS_READ,
    ("workflows", "stop"): Grant.WORKFLOWS_STOP,
    ("landing", "begin"): Grant.LANDING_WRITE,
    ("landing", "sign_part"): Grant.LANDING_SIGN,
    ("landing", "parts"): Grant.LANDING_LIST,
    ("landing", "complete"): Grant.LANDING_WRITE,
    ("landing", "abort"): Grant.LANDING_DELETE,
    ("landing", "read"): Grant.LANDING_READ,
    ("landing", "delete"): Grant.LANDING_DELETE,
    ("bus", "put"): Grant.EVENTS_PUBLISH,
    ("dead_letters", "put"): Grant.LETTERS_KEEP,
}


class RecordingVault(Process):
    """A process on ``vault``'s ports; ``used`` is what a role would have had to grant it."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.under = vault
        self.used: set[Grant] = set()
        self.catalog = cast(Catalog, _Port("catalog", vault.catalog, self.used))
        self.objects = cast(Objects, _Port("objects", vault.objects, self.used))
        self.keyring = cast(Keyring, _Port("keyring", vault.keyring, self.used))
        self.workflows = cast(Workflows, _Port("workflows", vault.workflows, self.used))
        self.landing = cast(Landing, _Port("landing", vault.landing, self.used))
        self.bus = cast(Bus, _Port("bus", vault.bus, self.used))
        letters = _Port("dead_letters", vault.dead_letters, self.used)
        self.dead_letters = cast(DeadLetters, letters)


class RangesVault(Process):
    """A process that notes which ranges of objects it reads: key, start, length."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.ranges: list[tuple[str, int, int]] = []
        self.calls = 0
        self.objects = cast(Objects, _Ranges(vault.objects, self))


class _Ranges:
    def __init__(self, objects: Objects, noted: RangesVault) -> None:
        self._objects, self._noted = objects, noted

    def __getattr__(self, method: str) -> Any:
        return getattr(self._objects, method)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> Any:
        self._noted.calls += 1
        self._noted.ranges += [(key, start, length) for start, length in ranges]
        return self._objects.get_ranges(key, ranges)


class _Port:
    def __init__(self, name: str, port: object, used: set[Grant]) -> None:
        self._name, self._port, self._used = name, port, used

    def __getattr__(self, method: str) -> Callable[..., Any]:
        do = getattr(self._port, method)

        def call(*args: Any, **named: Any) -> Any:
            self._used |= _grants(self._name, method, args)
            return do(*args, **named)

        return call


def _grants(port: str, method: str, args: Sequence[Any]) -> set[Grant]:
    if (port, method) == ("keyring", "ping"):
        return set()  # A sign of life is asked for without a KEK, and so without permission.
    if (port, method) in {("landing", "head"), ("landing", "list")}:
        return set()  # Whatever a function may do to what has landed, it may look for it.
    if (port, method) in _METHODS:
        return {_METHODS[port, method]}
    assert port == "catalog", f"{port}.{method} needs a grant that nobody has named"
    match method:
        case "get":
            return {_READ[args[0].table]}
        case "page":
            return {_READ[args[0]]}
        case "get_many":
            return {_READ[key.table] for key in cast(Sequence[Key], args[0])}
        case "delete_many":
            return {_WRITE[key.table] for key in cast(Sequence[Key], args[0])}
        case "put_many":
            return {_WRITE[row.key.table] for row in cast(Sequence[Put], args[0])}
    assert method == "write"
    return {_change(change) for change in cast(Sequence[Change], args[0])}


def _change(change: Change) -> Grant:
    """A check alone reads; an entry of the ledger is only ever added."""
    if isinstance(change, Check):
        return _READ[change.key.table]
    if change.key.table is Table.LEDGER:
        assert isinstance(change, Put), "the ledger is only added to"
    return _WRITE[change.key.table]
