"""Generated from the operations table: every operation as a method."""

from datavault.client.blocking.datasets import Datasets
from datavault.client.blocking.health import Health
from datavault.client.blocking.ingest import Ingest
from datavault.client.blocking.jobs import Jobs
from datavault.client.blocking.records import Records
from datavault.client.blocking.versions import Versions


class Operations(Datasets, Records, Versions, Jobs, Ingest, Health):
    """A method for each operation of the vault."""
