"""The stack that watches the others: topics, alarms, dashboard, budget, sampling.

It knows them by names only and is deployed before them, so that the alarms are there when a
deployment first asks whether one rings.
"""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.alarms import StageAlarms, Topics
from infra.budget import StageBudget
from infra.dashboard import StageDashboard
from infra.names import Names
from infra.stages import PRIORITIES, Alarms, Stage
from infra.tracing import StageSampling


class WatchStack(Stack):
    """What is looked at, by whom, and how much of it."""

    def __init__(self, scope: Construct, *, stage: Stage, alarms: Alarms) -> None:
        names = Names(stage.name)
        name = names.stack("Watch")
        super().__init__(
            scope,
            name,
            stack_name=name,
            description=f"LLM Data Vault {stage.name}: alarms, dashboard, budget",
        )
        topics = Topics(self, "Topics", stage=stage, alarms=alarms)
        StageAlarms(self, "Alarms", stage=stage, alarms=alarms).node.add_dependency(topics)
        dashboard = StageDashboard(self, "Dashboard", stage=stage)
        if stage.budget is not None:
            budget = StageBudget(self, "Budget", stage=stage, budget=stage.budget)
            budget.node.add_dependency(topics)
        if stage.sampling is not None:
            StageSampling(self, "Sampling", stage=stage, sampling=stage.sampling)
        CfnOutput(self, "DashboardUrl", value=dashboard.url)
        for priority in PRIORITIES:
            CfnOutput(self, f"{priority.capitalize()}TopicArn", value=names.topic_arn(priority))
