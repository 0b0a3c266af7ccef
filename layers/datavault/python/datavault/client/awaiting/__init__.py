"""Generated from the operations table: every operation as a method."""

from datavault.client.awaiting.datasets import AsyncDatasets
from datavault.client.awaiting.health import AsyncHealth
from datavault.client.awaiting.ingest import AsyncIngest
from datavault.client.awaiting.jobs import AsyncJobs
from datavault.client.awaiting.records import AsyncRecords
from datavault.client.awaiting.versions import AsyncVersions


class AsyncOperations(
    AsyncDatasets, AsyncRecords, AsyncVersions, AsyncJobs, AsyncIngest, AsyncHealth
):
    """A method for each operation of the vault."""
