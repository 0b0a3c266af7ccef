"""Schedules: what starts a task every so many minutes.

EventBridge Scheduler hands the event to Lambda, which runs the function asynchronously: the
scheduler's retries cover the handing over, Lambda's the function itself. What fails for good ends
in one queue of the stack, from either.
"""

from aws_cdk import Duration, aws_iam, aws_lambda_destinations, aws_scheduler, aws_sqs
from constructs import Construct

from datavault.contracts.operations import Task
from infra.acknowledgements import DEAD_LETTERS as ACKNOWLEDGED_DEAD_LETTERS
from infra.acknowledgements import acknowledge
from infra.function import VaultFunction
from infra.names import Names
from infra.stages import Stage

# A schedule that repeats soon is better missed than run late; one that fails twice needs a person.
DELIVERY_RETRIES = 2
FUNCTION_RETRIES = 1
DEAD_LETTER_DAYS = 14


class DeadLetters(aws_sqs.Queue):
    """Events that no retry could deliver, kept until somebody has looked at them."""

    def __init__(
        self, scope: Construct, construct_id: str, *, queue_name: str | None = None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=queue_name,
            encryption=aws_sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(DEAD_LETTER_DAYS),
        )
        acknowledge(self, ACKNOWLEDGED_DEAD_LETTERS)


class VaultSchedule(Construct):
    """Starts ``function`` every ``task.every_minutes``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        task: Task,
        function: VaultFunction,
        dead_letters: aws_sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        assert task.every_minutes is not None, task.name
        interval = Duration.minutes(task.every_minutes)
        function.alias.configure_async_invoke(
            on_failure=aws_lambda_destinations.SqsDestination(dead_letters),
            retry_attempts=FUNCTION_RETRIES,
            max_event_age=interval,
        )
        role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("scheduler.amazonaws.com"),
            description=f"What the schedule of {task.name} may do",
            inline_policies={
                "Start": aws_iam.PolicyDocument(
                    statements=[
                        aws_iam.PolicyStatement(
                            sid="StartTask",
                            actions=["lambda:InvokeFunction"],
                            resources=[function.alias.function_arn],
                        ),
                        aws_iam.PolicyStatement(
                            sid="KeepFailedEvents",
                            actions=["sqs:SendMessage"],
                            resources=[dead_letters.queue_arn],
                        ),
                    ]
                )
            },
        )
        aws_scheduler.CfnSchedule(
            self,
            "Schedule",
            name=Names(stage.name).function(task),
            description=task.summary,
            schedule_expression=_rate(task.every_minutes),
            flexible_time_window=aws_scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=aws_scheduler.CfnSchedule.TargetProperty(
                arn=function.alias.function_arn,
                role_arn=role.role_arn,
                input="{}",
                retry_policy=aws_scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=interval.to_seconds(),
                    maximum_retry_attempts=DELIVERY_RETRIES,
                ),
                dead_letter_config=aws_scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=dead_letters.queue_arn
                ),
            ),
        )


def _rate(minutes: int) -> str:
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
