"""A whole vault in memory."""

from functools import cached_property

from datavault.adapters.memory.bus import MemoryBus
from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.adapters.memory.clock import MemoryClock
from datavault.adapters.memory.dead_letters import MemoryDeadLetters
from datavault.adapters.memory.keyring import MemoryKeyring
from datavault.adapters.memory.landing import MemoryLanding
from datavault.adapters.memory.objects import MemoryObjects
from datavault.adapters.memory.tokens import MemoryTokens
from datavault.adapters.memory.workflows import MemoryWorkflows
from datavault.domain.cache import BoundedCache
from datavault.domain.history import Kept
from datavault.domain.store.nodes import NodeCache
from datavault.ports import Columnar
from datavault.schema_ports import Schemas

KEYS_MAX = 1000
COMMITS_MAX = 1000
NODES_BYTES_MAX = 96 * 2**20


class MemoryVault:
    """Keeps ``ports.Vault``: one twin of each port, and empty caches.

    The twins have more to them than the ports: ``clock.set``, ``keyring.disable``,
    ``tokens.issue``.
    """

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        self.objects = MemoryObjects()
        self.keyring = MemoryKeyring()
        self.clock = MemoryClock()
        self.tokens = MemoryTokens(self.clock)
        self.workflows = MemoryWorkflows()
        self.landing = MemoryLanding(self.clock)
        self.bus = MemoryBus()
        self.dead_letters = MemoryDeadLetters(self.clock)
        self.keys: BoundedCache[str, object] = BoundedCache(KEYS_MAX)
        self.nodes: NodeCache = BoundedCache(NODES_BYTES_MAX)
        self.commits: BoundedCache[str, Kept] = BoundedCache(COMMITS_MAX)

    def copy(self) -> "MemoryVault":
        """A vault of its own with the same rows and objects, under the same KEKs, at the same
        time; its caches are empty, as are what is landed, queued and told."""
        made = MemoryVault()
        made.catalog, made.objects = self.catalog.copy(), self.objects.copy()
        made.keyring = self.keyring
        made.clock.set(self.clock.now_ms())
        return made

    @cached_property
    def columnar(self) -> Columnar:
        """No twin: what it reads is the caller's. Few tests are worth pyarrow's import."""
        from datavault.adapters.parquet.columnar import ParquetColumnar

        return ParquetColumnar()

    @cached_property
    def schemas(self) -> Schemas:
        """No twin: it keeps nothing."""
        from datavault.adapters.json_schema.checking import CompiledSchemas

        return CompiledSchemas()
