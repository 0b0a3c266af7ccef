"""How callers move to a new version of a function: at once, or a tenth of them ten minutes earlier.

CodeDeploy moves the alias ``live`` and moves it back when an alarm rings meanwhile: the function's
own, or one of the API's. Functions are moved each for itself, so two versions of the vault answer
at the same time; that holds anyway, because stacks are deployed one after another.
"""

from aws_cdk import aws_cloudwatch, aws_codedeploy, aws_iam
from constructs import Construct

from infra.acknowledgements import ROLLOUT, acknowledge
from infra.alarms import API_DOWN, API_ERRORS, Condition, VaultAlarm
from infra.function import VaultFunction
from infra.metrics import FIVE_MINUTES, Metrics
from infra.names import Names, Row
from infra.stages import Stage

# A version that is broken for good fails the tenth that it gets: one in ten of all runs. In ten
# minutes there are two of these periods.
FAILURES_PERCENT_MAX = 5
FAILURES_MIN = 3


class Canary(Construct):
    """The deployments of one stack's functions."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._names = Names(stage.name)
        self._application = aws_codedeploy.LambdaApplication(self, "Application")
        # One role for all groups: the CDK would make one for each.
        self._role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("codedeploy.amazonaws.com"),
            description="What CodeDeploy may do: move aliases and read alarms",
            managed_policies=[
                aws_iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AWSCodeDeployRoleForLambdaLimited"
                )
            ],
        )
        acknowledge(self._role, ROLLOUT)
        self._of_api = [
            aws_cloudwatch.Alarm.from_alarm_arn(self, name, self._names.alarm_arn(name))
            for name in (API_DOWN, API_ERRORS)
        ]

    def move(self, function: VaultFunction, row: Row) -> None:
        """From now on the function's alias moves slowly."""
        share = Metrics(self._names).failures_percent(
            row, failures_min=FAILURES_MIN, period=FIVE_MINUTES
        )
        failing = VaultAlarm(
            function,
            "Failing",
            stage=self._stage,
            name=f"{row.name.replace('_', '-')}-failing",
            priority="p2",
            condition=Condition(
                share,
                aws_cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                FAILURES_PERCENT_MAX,
                periods=1,
                datapoints=1,
            ),
            runbook=f"over {FAILURES_PERCENT_MAX} % of runs of {row.name} fail. A deployment "
            "under way is taken back by itself. Otherwise its log has `failure` with type and "
            "place for each.",
        )
        aws_codedeploy.LambdaDeploymentGroup(
            function,
            "Deployment",
            application=self._application,
            alias=function.alias,
            role=self._role,
            deployment_group_name=self._names.function(row),
            deployment_config=aws_codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
            alarms=[failing, *self._of_api],
            # An alarm that cannot be read is not a quiet one.
            ignore_poll_alarms_failure=False,
            auto_rollback=aws_codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
