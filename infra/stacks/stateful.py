"""The stateful stack: what must survive any deployment of the others."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.alarms import REDRIVE, watch_dead_letters
from infra.bus import VaultBus
from infra.data import ObjectBucket, Tables
from infra.keys import DataKey
from infra.landing import LandingBucket
from infra.names import Names
from infra.stages import Stage


class StatefulStack(Stack):
    """Keys, tables, buckets and bus. Its outputs are for people and tools; see `infra.names`."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        name = Names(stage.name).stack("Stateful")
        super().__init__(
            scope,
            name,
            stack_name=name,
            description=f"LLM Data Vault {stage.name}: key, tables, objects, events",
            termination_protection=stage.deletion_protection,
        )
        key = DataKey(self, "DataKey", stage=stage)
        tables = Tables(self, "Tables", stage=stage, key=key)
        bucket = ObjectBucket(self, "Objects", stage=stage, key=key)
        landing = LandingBucket(self, "Landing", stage=stage)
        bus = VaultBus(self, "Events", stage=stage)
        if stage.alarms is not None:
            watch_dead_letters(
                bus, stage=stage, queue=bus.dead_letters, of="events", runbook=REDRIVE
            )
        stream_arn = tables.ledger.table_stream_arn
        assert stream_arn is not None, "the ledger is streamed"
        self.data_key_arn = key.key_arn
        self.ledger_stream_arn = stream_arn
        for output, value in (
            ("CatalogTable", tables.catalog.table_name),
            ("StagingTable", tables.staging.table_name),
            ("LedgerTable", tables.ledger.table_name),
            ("LedgerStreamArn", stream_arn),
            ("ObjectBucket", bucket.bucket_name),
            ("LandingBucket", landing.bucket_name),
            ("EventBus", bus.bus.event_bus_name),
            ("DeadLetters", bus.dead_letters.queue_url),
        ):
            CfnOutput(self, output, value=value)
