"""The event bus: what other teams subscribe to, with an archive to replay from."""

from aws_cdk import Duration, aws_events
from constructs import Construct

from infra.names import Names
from infra.stages import Stage


class VaultBus(Construct):
    """The bus and the archive of all that went over it."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        name = Names(stage.name).bus
        self.bus = aws_events.EventBus(
            self,
            "Bus",
            event_bus_name=name,
            description=f"LLM Data Vault {stage.name}: what happened",
        )
        aws_events.Archive(
            self,
            "Archive",
            source_event_bus=self.bus,
            archive_name=name,
            description="Every event of the vault, to replay for a subscriber that was down",
            event_pattern=aws_events.EventPattern(
                source=aws_events.Match.prefix("io.llm-data-vault")
            ),
            retention=Duration.days(stage.archive_days),
        )
