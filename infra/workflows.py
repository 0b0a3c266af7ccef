"""State machines: one for each file under ``statemachines/``, which is deployed as it stands.

A file names the functions that it calls, ``${PlanIngestFunctionArn}``; the machine may call these
and, where it maps over many items, start executions of itself. It logs what happens and never
what is passed on. That is ids and numbers, but for what an object's event starts: the object's key,
by which somebody may have named a person, stays in that execution's history (90 days).
"""

import re
from pathlib import Path

from aws_cdk import Duration, aws_iam, aws_logs, aws_stepfunctions
from constructs import Construct

from datavault.contracts.operations import TASKS, Task
from infra.acknowledgements import WORKFLOW, WORKFLOW_ROLE, acknowledge
from infra.masking import masking
from infra.names import Names
from infra.stages import Stage

FOLDER = Path(__file__).parents[1] / "statemachines"
_PLACEHOLDER = re.compile(r"\$\{(\w+)FunctionArn\}")
# Step Functions ends an execution after a year; a job that takes a day is stuck.
EXECUTION_HOURS_MAX = 24


def machines(capability: str) -> list[Path]:
    """The files whose functions are a capability's; no file has those of two."""
    return [
        path
        for path in sorted(FOLDER.glob("*.asl.json"))
        if {task.capability for task in functions_of(path)} == {capability}
    ]


def functions_of(path: Path) -> list[Task]:
    """The rows of the functions that a file calls: ``PlanIngest`` is the task ``plan_ingest``."""
    named = sorted(set(_PLACEHOLDER.findall(path.read_text())))
    rows = {"".join(word.capitalize() for word in task.name.split("_")): task for task in TASKS}
    return [rows[name] for name in named]


class VaultWorkflow(aws_stepfunctions.StateMachine):
    """The state machine of a file."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, path: Path) -> None:
        names = Names(stage.name)
        machine = path.name.removesuffix(".asl.json")
        arns = {task: names.alias_arn(task) for task in functions_of(path)}
        role = aws_iam.Role(
            scope,
            f"{construct_id}Role",
            assumed_by=aws_iam.ServicePrincipal("states.amazonaws.com"),
            description=f"What the state machine {machine} may do",
            inline_policies={"Grants": _grants(list(arns.values()), names, machine)},
        )
        super().__init__(
            scope,
            construct_id,
            state_machine_name=names.state_machine(machine),
            definition_body=aws_stepfunctions.DefinitionBody.from_string(path.read_text()),
            definition_substitutions={
                f"{''.join(word.capitalize() for word in task.name.split('_'))}FunctionArn": arn
                for task, arn in arns.items()
            },
            # The CDK would add statements of its own to a role that it may change.
            role=role.without_policy_updates(),
            timeout=Duration.hours(EXECUTION_HOURS_MAX),
            tracing_enabled=stage.tracing,
            logs=aws_stepfunctions.LogOptions(
                destination=aws_logs.LogGroup(
                    scope,
                    f"{construct_id}Log",
                    # The name that Step Functions may write to without a policy for each group.
                    log_group_name=f"/aws/vendedlogs/states/{names.state_machine(machine)}",
                    retention=stage.log_retention,
                    removal_policy=stage.removal_policy,
                    data_protection_policy=masking(stage),
                ),
                level=aws_stepfunctions.LogLevel.ALL,
                include_execution_data=False,
            ),
            removal_policy=stage.removal_policy,
        )
        acknowledge(
            role,
            WORKFLOW_ROLE,
            prefix=names.execution_arn(machine, "*"),
            runs=names.map_runs_arn(machine),
        )
        if not stage.tracing:
            acknowledge(self, WORKFLOW, "untraced")


def _grants(functions: list[str], names: Names, machine: str) -> aws_iam.PolicyDocument:
    return aws_iam.PolicyDocument(
        statements=[
            aws_iam.PolicyStatement(
                sid="CallItsFunctions", actions=["lambda:InvokeFunction"], resources=functions
            ),
            aws_iam.PolicyStatement(
                sid="MapOverMany",
                actions=["states:StartExecution"],
                resources=[names.state_machine_arn(machine)],
            ),
            aws_iam.PolicyStatement(
                sid="LookAfterThem",
                actions=["states:DescribeExecution", "states:StopExecution"],
                resources=[names.execution_arn(machine, "*"), names.map_runs_arn(machine)],
            ),
            aws_iam.PolicyStatement(
                sid="WriteLogs",
                # These know no resources:
                # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
                actions=[
                    "logs:CreateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:DescribeLogGroups",
                    "logs:DescribeResourcePolicies",
                    "logs:GetLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:UpdateLogDelivery",
                ],
                resources=["*"],
            ),
            aws_iam.PolicyStatement(
                sid="WriteTraces",
                actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
                resources=["*"],
            ),
        ]
    )
