"""Alarms: what wakes somebody, whom, and what they should do first.

P0 is for a vault that nobody can use or whose data are damaged, P1 for one that fails some, P2 for
what becomes a P1 if nobody looks. There is a topic for each, and who listens is the stage's data.

No alarm treats missing data as it comes: where nothing is asked, nothing fails, so silence is good
everywhere but where something has to run by itself.
"""

from dataclasses import dataclass
from typing import Self

from aws_cdk import Aws, Duration, RemovalPolicy, aws_iam, aws_kms, aws_sns, aws_sqs
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, IMetric, Stats, TreatMissingData
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_sns_subscriptions import EmailSubscription, UrlSubscription
from constructs import Construct

from datavault.contracts.operations import TASKS, Task
from infra import metrics
from infra.acknowledgements import SUBSCRIPTION, acknowledge
from infra.metrics import FIVE_MINUTES, MINUTE, Metrics
from infra.names import AUTHORIZER, Names
from infra.stages import PRIORITIES, Alarms, Stage

# Names that a deployment looks at while it moves traffic: `infra.rollout`.
API_DOWN = "api-down"
API_ERRORS = "api-errors"

_ABOVE = ComparisonOperator.GREATER_THAN_THRESHOLD
_AT_LEAST = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = ComparisonOperator.LESS_THAN_THRESHOLD
_CONCURRENCY_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Condition:
    """When an alarm rings: ``datapoints`` of the last ``periods`` of its metric are beyond."""

    metric: IMetric
    comparison: ComparisonOperator
    threshold: float
    periods: int
    datapoints: int
    missing: TreatMissingData = TreatMissingData.NOT_BREACHING

    @classmethod
    def even_one(cls, metric: IMetric) -> Self:
        """It rings for what should never be."""
        return cls(metric, _AT_LEAST, 1, periods=1, datapoints=1)


class Topics(Construct):
    """A topic for each priority, readable by whom the stage names, encrypted under one key.

    Not under the key that SNS brings along: its policy lets neither CloudWatch nor Budgets in.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, alarms: Alarms
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        senders = [
            aws_iam.ServicePrincipal(f"{service}.amazonaws.com")
            for service in ("cloudwatch", "budgets")
        ]
        key = aws_kms.Key(
            self,
            "Key",
            description=f"LLM Data Vault {stage.name}: alarms on their way",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            # Messages are read within seconds: what is left when the key goes is nothing.
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="SendersOfAlarms",
                principals=list(senders),
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
        for priority in PRIORITIES:
            topic = aws_sns.Topic(
                self,
                priority.upper(),
                topic_name=names.topic(priority),
                display_name=f"Data Vault {stage.name} {priority.upper()}",
                master_key=key,
                enforce_ssl=True,
            )
            topic.add_to_resource_policy(
                aws_iam.PolicyStatement(
                    sid="SendersOfAlarms",
                    principals=list(senders),
                    actions=["sns:Publish"],
                    resources=[topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
                )
            )
            for endpoint in alarms.subscribers[priority]:
                subscription = topic.add_subscription(
                    UrlSubscription(endpoint)
                    if endpoint.startswith("https://")
                    else EmailSubscription(endpoint)
                )
                acknowledge(subscription, SUBSCRIPTION)


class VaultAlarm(Alarm):
    """One alarm: told to its priority's topic when it begins and when it ends."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        name: str,
        priority: str,
        condition: Condition,
        runbook: str,
    ) -> None:
        names = Names(stage.name)
        super().__init__(
            scope,
            construct_id,
            alarm_name=names.alarm(name),
            alarm_description=f"{priority.upper()}: {runbook}",
            metric=condition.metric,
            comparison_operator=condition.comparison,
            threshold=condition.threshold,
            evaluation_periods=condition.periods,
            datapoints_to_alarm=condition.datapoints,
            treat_missing_data=condition.missing,
        )
        topic = aws_sns.Topic.from_topic_arn(self, "Topic", names.topic_arn(priority))
        self.add_alarm_action(SnsAction(topic))
        self.add_ok_action(SnsAction(topic))


class StageAlarms(Construct):
    """The alarms on a stage as a whole; those on a queue or a schedule stand beside it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, alarms: Alarms
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._metrics = Metrics(Names(stage.name))
        self._nobody_can_work()
        self._some_cannot_work()
        self._too_slow(alarms)
        self._too_much(alarms)

    def _alarm(self, name: str, priority: str, condition: Condition, runbook: str) -> None:
        title = "".join(word.capitalize() for word in name.split("-"))
        VaultAlarm(
            self,
            title,
            stage=self._stage,
            name=name,
            priority=priority,
            condition=condition,
            runbook=runbook,
        )

    def _nobody_can_work(self) -> None:
        share = self._metrics.server_errors_percent(requests_min=5, period=MINUTE)
        self._alarm(
            API_DOWN,
            "p0",
            Condition(share, _AT_LEAST, 25, periods=5, datapoints=3),
            "a quarter of all requests fail. GET /health/ready names what does not answer; the "
            "access log's `error` tells the API's own failures from the functions'. If a "
            "deployment is under way it rolls back by itself; a fix is deployed with "
            "`-c deployment=all_at_once`, because a canary waits for this alarm to end.",
        )
        successes = self._metrics.successes(requests_min=20, period=FIVE_MINUTES)
        self._alarm(
            "nothing-succeeds",
            "p0",
            Condition(successes, _BELOW, 1, periods=3, datapoints=3),
            "people ask and nobody gets an answer that is not an error. All 401: the issuer's "
            "keys or the stage's Issuer parameters. All 403: the web ACL. All 429: the throttle. "
            "Only 404 from few addresses is a scanner and may wait.",
        )
        (authorizer,) = (task for task in TASKS if task.name == AUTHORIZER)
        failed = self._metrics.of_operation(metrics.ERRORS, authorizer)
        self._alarm(
            "authorizer-failing",
            "p0",
            Condition(failed, _AT_LEAST, 3, periods=5, datapoints=3),
            "tokens cannot be judged, so nobody new gets in. Mostly the issuer's key set is out "
            "of reach: fetch IssuerJwksUrl, then read the authorizer's log for `failure`.",
        )
        self._alarm(
            "corrupt",
            "p0",
            Condition.even_one(self._metrics.ours(metrics.CORRUPT)),
            "stored bytes failed verification and were not handed out. Find the log lines with "
            "code `corrupt`; stop deletions and sweeps; verify the dataset's other versions; "
            "restore the table to the second before, never the object by hand.",
        )

    def _some_cannot_work(self) -> None:
        share = self._metrics.server_errors_percent(requests_min=100, period=FIVE_MINUTES)
        self._alarm(
            API_ERRORS,
            "p1",
            Condition(share, _ABOVE, 1, periods=3, datapoints=2),
            "over 1 % of requests fail. The dashboard shows which operation; its log has "
            "`failure` with type and place for each. After a deployment: roll back first.",
        )
        self._alarm(
            "keks-unavailable",
            "p2",
            Condition.even_one(self._metrics.ours(metrics.KEKS_UNAVAILABLE, period=FIVE_MINUTES)),
            "KMS refuses a workspace's key: disabled, deleted, or not granted to us. CloudTrail "
            "has the refused call and its key; ask the key's owner before doing anything: it may "
            "be meant. The other workspaces are not affected.",
        )
        self._alarm(
            "drops-refused",
            "p2",
            Condition.even_one(self._metrics.ours(metrics.DROPS_REFUSED, period=FIVE_MINUTES)),
            "a file was put into the landing and no job takes it in: the log of open_drop has the "
            "code. not_found or invalid: its key names no workspace and dataset; conflict: the "
            "dataset is archived. It stays for three days: tell its owner to put it elsewhere.",
        )

    def _too_slow(self, alarms: Alarms) -> None:
        for percentile, limit_ms in (
            (95, alarms.latency_p95_ms),
            (99, alarms.latency_p99_ms),
        ):
            latency = self._metrics.api(
                "Latency", statistic=Stats.percentile(percentile), period=FIVE_MINUTES
            )
            self._alarm(
                f"latency-p{percentile}",
                "p2",
                Condition(latency, _ABOVE, limit_ms, periods=3, datapoints=3),
                f"one request in {100 // (100 - percentile)} takes over {limit_ms} ms. The "
                "dashboard shows which operation; a trace shows whether KMS, DynamoDB, S3 or a "
                "cold start; then look at throttles and concurrency.",
            )

    def _too_much(self, alarms: Alarms) -> None:
        throttled = self._metrics.ours(metrics.THROTTLED, period=FIVE_MINUTES)
        self._alarm(
            "api-throttled",
            "p2",
            Condition(throttled, _AT_LEAST, 50, periods=3, datapoints=2),
            "clients are told 429. The access log's `subject` says who; one of them: talk to "
            "them or lower their plan; all of them: raise the stage's throttle.",
        )
        functions = self._metrics.account_functions("Throttles", period=FIVE_MINUTES)
        self._alarm(
            "functions-throttled",
            "p2",
            Condition.even_one(functions),
            "Lambda starts no more functions in this account and region. See who uses them by "
            "function on the dashboard; ask AWS for a higher limit of concurrent executions.",
        )
        running = self._metrics.account_functions("ConcurrentExecutions", statistic=Stats.MAXIMUM)
        limit = alarms.concurrency_max * _CONCURRENCY_PERCENT // 100
        self._alarm(
            "concurrency-near-limit",
            "p2",
            Condition(running, _AT_LEAST, limit, periods=5, datapoints=3),
            f"{limit} of {alarms.concurrency_max} functions run at once in this account and "
            "region. Ask AWS for a higher limit, then raise concurrency_max in the stage's data.",
        )
        self._alarm(
            "tables-throttled",
            "p2",
            Condition(
                self._metrics.tables_throttled(period=FIVE_MINUTES),
                _AT_LEAST,
                10,
                periods=3,
                datapoints=2,
            ),
            "DynamoDB turns requests away, which are tried again and become slow. Mostly one "
            "branch's head is written by too many at once: find it by Contributor Insights.",
        )


START_BY_HAND = (
    "Each message says why; mend that, start the task by hand once, then delete the message. Tasks "
    "bear being started twice."
)
REDRIVE = (
    "Each message says which entries of the ledger were not told; mend why, then `datavault events "
    "redrive` tells them. Consumers drop what comes twice."
)


def watch_dead_letters(
    scope: Construct, *, stage: Stage, queue: aws_sqs.IQueue, of: str, runbook: str = START_BY_HAND
) -> None:
    """Ring while events of a capability wait that no retry could deliver."""
    waiting = queue.metric_approximate_number_of_messages_visible(
        period=MINUTE, statistic=Stats.MAXIMUM
    )
    VaultAlarm(
        scope,
        "DeadLettersWait",
        stage=stage,
        name=f"{of}-dead-letters",
        priority="p1",
        condition=Condition.even_one(waiting),
        runbook=f"events of {of} failed for good. {runbook}",
    )


def watch_schedule(scope: Construct, *, stage: Stage, task: Task) -> None:
    """Ring when a scheduled task has not started for three of its intervals.

    Here silence is the fault. A new stage rings until the first start.
    """
    assert task.every_minutes is not None, task.name
    started = Metrics(Names(stage.name)).function(
        "Invocations", task, period=Duration.minutes(task.every_minutes)
    )
    missing = TreatMissingData.BREACHING
    VaultAlarm(
        scope,
        f"{''.join(word.capitalize() for word in task.name.split('_'))}Idle",
        stage=stage,
        name=f"{task.name.replace('_', '-')}-idle",
        priority="p2",
        condition=Condition(started, _BELOW, 1, periods=3, datapoints=3, missing=missing),
        runbook=f"{task.name} should start every {task.every_minutes} minutes and does not. Look "
        "whether its schedule is enabled and its role may invoke the function.",
    )
