"""Generated from the operations table: every operation as a method."""

from datavault.client.awaiting.datasets import AsyncDatasets
from datavault.client.awaiting.health import AsyncHealth
from datavault.client.awaiting.records import AsyncRecords
from datavault.client.awaiting.versions import AsyncVersions


class AsyncOperations(AsyncDatasets, AsyncRecords, AsyncVersions, AsyncHealth):
    """A method for each operation of the vault."""
