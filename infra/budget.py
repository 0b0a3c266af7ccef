"""What a stage may cost in a month, told before it has cost it."""

from aws_cdk import aws_budgets
from constructs import Construct

from infra.names import Names
from infra.stages import Budget, Stage

PRIORITY = "p2"
APPLICATION_TAG = "application"


class StageBudget(Construct):
    """Tells the P2 topic at 80 % spent, and as soon as the forecast is over all of it.

    It counts what carries the stage's tag, which somebody has to activate once for cost allocation
    in the account that pays; until then it counts nothing.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, budget: Budget
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        told = [
            aws_budgets.CfnBudget.SubscriberProperty(
                subscription_type="SNS", address=names.topic_arn(PRIORITY)
            )
        ]
        aws_budgets.CfnBudget(
            self,
            "Budget",
            budget=aws_budgets.CfnBudget.BudgetDataProperty(
                budget_name=names.service,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=aws_budgets.CfnBudget.SpendProperty(
                    amount=budget.monthly_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:{APPLICATION_TAG}${names.service}"]},
            ),
            notifications_with_subscribers=[
                aws_budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=aws_budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=told,
                )
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )
