"""The ledger's stream: what feeds the publisher.

DynamoDB keeps the order of the changes within a shard and Lambda hands a shard over a batch at a
time, so that a batch that fails holds up what is behind it: better late than out of order. A batch
that makes the function itself fail is halved until one record is left, and that is given up after
``RETRIES_MAX`` attempts, as is whatever is older than ``AGE_HOURS_MAX``: to the dead letters, which
can still be read from the stream for the rest of its 24 hours.
"""

from aws_cdk import aws_lambda
from constructs import Construct

from datavault.contracts.operations import Task
from infra.function import VaultFunction
from infra.names import Names
from infra.stages import Stage

# Numbered in one transaction if they are of one dataset (99 and the counter); ten calls of the bus.
BATCH_ROWS_MAX = 99
# Waiting makes an event a second older, and a busy second's events a fraction as dear.
WINDOW_S = 1
# With Lambda's pauses of up to a minute: an hour and more in which whatever is down may come back.
RETRIES_MAX = 100
AGE_HOURS_MAX = 12


class LedgerStream(Construct):
    """Feeds ``function`` with every new entry of the ledger, from the first on."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        task: Task,
        function: VaultFunction,
        stream_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        assert task.follows_ledger, task.name
        mapping = aws_lambda.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=stream_arn,
            function_name=function.alias.function_arn,
            starting_position="TRIM_HORIZON",
            batch_size=BATCH_ROWS_MAX,
            maximum_batching_window_in_seconds=WINDOW_S,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=RETRIES_MAX,
            maximum_record_age_in_seconds=AGE_HOURS_MAX * 3600,
            destination_config=aws_lambda.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=aws_lambda.CfnEventSourceMapping.OnFailureProperty(
                    destination=Names(stage.name).dead_letters_arn
                )
            ),
            filter_criteria=aws_lambda.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    aws_lambda.CfnEventSourceMapping.FilterProperty(
                        pattern='{"eventName":["INSERT"]}'
                    )
                ]
            ),
        )
        # Lambda tries the permissions out when the mapping is made.
        mapping.node.add_dependency(function)
