"""The event bus: what other teams subscribe to, with an archive to replay from.

A team in this account makes a rule on the bus. One in another account does so too, if the stage's
data name its account or organisation: the rule is its own, and sends to a bus of its own account.
Or the vault makes the rule for it: ``Subscription``.
"""

from collections.abc import Mapping

from aws_cdk import Duration, aws_cloudwatch, aws_events, aws_iam, aws_sqs
from aws_cdk.aws_events import CfnEventBusPolicy, CfnRule
from constructs import Construct

from infra.names import Names
from infra.schedule import DeadLetters
from infra.stages import EventSubscription, Stage

SOURCE = "io.llm-data-vault"
# What somebody needs who keeps rules of their own on a bus of ours.
_RULES = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:DisableRule",
    "events:EnableRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
)
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-manage-iam-access.html: nobody
# changes a rule that another account has made.
_OWN_RULES = {"StringEqualsIfExists": {"events:creatorAccount": "${aws:PrincipalAccount}"}}
DELIVERY_HOURS_MAX = 24
DELIVERY_RETRIES_MAX = 185


class VaultBus(Construct):
    """The bus, the archive of all that went over it, and the queue of what could not."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        self.bus = aws_events.EventBus(
            self,
            "Bus",
            event_bus_name=names.bus,
            description=f"LLM Data Vault {stage.name}: what happened",
        )
        aws_events.Archive(
            self,
            "Archive",
            source_event_bus=self.bus,
            archive_name=names.bus,
            description="Every event of the vault, to replay for a subscriber that was down",
            event_pattern=aws_events.EventPattern(source=aws_events.Match.prefix(SOURCE)),
            retention=Duration.days(stage.archive_days),
        )
        self.dead_letters = DeadLetters(self, "DeadLetters", queue_name=names.dead_letters)
        Subscribers(self, "Subscribers", stage=stage, bus=self.bus)

    @property
    def unpublished(self) -> aws_cloudwatch.Metric:
        """How many letters wait for an operator: anything above nothing is worth an alarm."""
        return unpublished(self.dead_letters)


def unpublished(queue: aws_sqs.IQueue) -> aws_cloudwatch.Metric:
    """How many letters are in a queue of dead letters."""
    return queue.metric_approximate_number_of_messages_visible(
        statistic="Maximum", period=Duration.minutes(5)
    )


class Subscribers(Construct):
    """Whom the stage's data let in, and to whom it sends."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, bus: aws_events.EventBus
    ) -> None:
        super().__init__(scope, construct_id)
        for account in stage.events.accounts:
            self._let_in(bus, f"Account{account}", stage, aws_iam.AccountPrincipal(account), {})
        if stage.events.organization is not None:
            anyone = {"StringEquals": {"aws:PrincipalOrgID": stage.events.organization}}
            self._let_in(bus, "Organization", stage, aws_iam.AnyPrincipal(), anyone)
        for subscription in stage.events.subscriptions:
            Subscription(
                self,
                subscription.name.capitalize(),
                stage=stage,
                bus=bus,
                subscription=subscription,
            )

    def _let_in(
        self,
        bus: aws_events.EventBus,
        name: str,
        stage: Stage,
        principal: aws_iam.IPrincipal,
        conditions: Mapping[str, object],
    ) -> None:
        statement = aws_iam.PolicyStatement(
            sid=name,
            principals=[principal],
            actions=list(_RULES),
            resources=[Names(stage.name).rules_arn],
            conditions={**conditions, **_OWN_RULES},
        )
        CfnEventBusPolicy(
            self,
            name,
            event_bus_name=bus.event_bus_name,
            statement_id=name,
            statement=statement.to_statement_json(),
        )


class Subscription(Construct):
    """A rule that sends some kinds of events to a bus of another account.

    That bus has a policy that lets this account in (``events:PutEvents``); until it has, events
    wait for a day and then go to the subscription's own dead letters.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        bus: aws_events.EventBus,
        subscription: EventSubscription,
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        rule_name = f"{names.bus}-{subscription.name}"
        dead_letters = DeadLetters(self, "DeadLetters", queue_name=f"{rule_name}-undelivered")
        self.undelivered = unpublished(dead_letters)
        role = _sender(self, subscription)
        rule = CfnRule(
            self,
            "Rule",
            name=rule_name,
            description=f"Events of the vault for {subscription.name}",
            event_bus_name=bus.event_bus_name,
            event_pattern={
                "source": [SOURCE],
                "detail-type": [{"prefix": f"{SOURCE}.{kind}"} for kind in subscription.kinds],
            },
            targets=[
                CfnRule.TargetProperty(
                    id="Bus",
                    arn=subscription.bus_arn,
                    role_arn=role.role_arn,
                    dead_letter_config=CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
                    retry_policy=CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=DELIVERY_HOURS_MAX * 3600,
                        maximum_retry_attempts=DELIVERY_RETRIES_MAX,
                    ),
                )
            ],
        )
        dead_letters.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="KeepUndelivered",
                principals=[aws_iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )


def _sender(scope: Construct, subscription: EventSubscription) -> aws_iam.Role:
    """A role that may send events to the subscription's bus and do nothing else."""
    return aws_iam.Role(
        scope,
        "Role",
        assumed_by=aws_iam.ServicePrincipal("events.amazonaws.com"),
        description=f"What the subscription of {subscription.name} may do",
        inline_policies={
            "Send": aws_iam.PolicyDocument(
                statements=[
                    aws_iam.PolicyStatement(
                        sid="SendEvents",
                        actions=["events:PutEvents"],
                        resources=[subscription.bus_arn],
                    )
                ]
            )
        },
    )
