"""The stage's own KMS key, under which tables and bucket are encrypted at rest.

It is not a workspace's key: those are made by operators, one per workspace, outside these stacks,
and seal records before they are stored. So this key never carries their tag.
"""

from aws_cdk import Duration, aws_kms
from constructs import Construct

from infra.stages import Stage


class DataKey(aws_kms.Key):
    """A rotating key; what it encrypts is gone when it is, so it goes last and slowly."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"LLM Data Vault {stage.name}: tables and objects at rest",
            alias=f"alias/datavault-{stage.name}-data",
            enable_key_rotation=True,
            pending_window=Duration.days(30),
            removal_policy=stage.removal_policy,
        )
