"""``VaultFunction``: the one way a Lambda function is made, and the one caller of the CDK's.

A function follows from its row: name, handler, memory, timeout, and a role that may do what the
row's grants say, write its own log, and no more. Callers use the alias ``live``, which points to a
published version, so that a deployment moves it at once and SnapStart has something to restore.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Tags, aws_iam, aws_lambda, aws_logs, aws_sqs
from constructs import Construct

from datavault.contracts.operations import Grant, Task
from infra.acknowledgements import FUNCTION, acknowledge
from infra.grants import Permission, landing_tags, permissions
from infra.layers import VaultCode
from infra.masking import masking
from infra.names import ALIAS, METRICS_NAMESPACE, TABLES, Names, Row, workspace_keys_arn
from infra.stages import Stage

# From here on functions hold whole packs. With glibc's defaults each pack's memory goes back to the
# kernel and is faulted in again for the next; restoring was 1.3 times faster with these.
LARGE_MEMORY_MB = 1024
_LARGE_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "MALLOC_MMAP_THRESHOLD_": "536870912",
    "MALLOC_TOP_PAD_": "67108864",
}
# A worker makes one batch after the other: with the settings above it comes to 350 MB for short
# rows of Parquet, with these to 280, for a twentieth more CPU; with glibc's 128 KiB, a fourth more.
WORKER_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
}
_WORKERS = {"ingest_part"}
_KEYS = {Grant.KEYS_GENERATE, Grant.KEYS_UNWRAP}
_OBJECTS = {Grant.OBJECTS_READ, Grant.OBJECTS_WRITE, Grant.OBJECTS_DELETE}


class VaultFunction(Construct):
    """The function of one row, its log group, its role and its alias."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        row: Row,
        code: VaultCode,
        data_key_arn: str,
        environment: Mapping[str, str] | None = None,
        dead_letters: aws_sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        log_group = aws_logs.LogGroup(
            self,
            "Log",
            log_group_name=names.log_group(row),
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
            data_protection_policy=masking(stage),
        )
        role = self._role(names, row, stage, data_key_arn, dead_letters)
        self.function = aws_lambda.Function(
            self,
            "Function",
            function_name=names.function(row),
            description=row.summary,
            runtime=aws_lambda.Runtime.PYTHON_3_13,
            architecture=stage.lambda_architecture,
            handler=f"{row.function}.handler",
            code=code.functions,
            layers=code.layers("core", *row.layers),
            memory_size=row.memory_mb,
            timeout=Duration.seconds(row.timeout_s),
            # The CDK would add statements of its own to a role that it may change.
            role=role.without_policy_updates(),
            environment=_environment(stage, row, names) | dict(environment or {}),
            log_group=log_group,
            logging_format=aws_lambda.LoggingFormat.JSON,
            system_log_level_v2=aws_lambda.SystemLogLevel.INFO,
            application_log_level_v2=aws_lambda.ApplicationLogLevel.INFO,
            tracing=aws_lambda.Tracing.ACTIVE if stage.tracing else aws_lambda.Tracing.DISABLED,
            snap_start=(
                aws_lambda.SnapStartConf.ON_PUBLISHED_VERSIONS if stage.snap_start else None
            ),
            current_version_options=aws_lambda.VersionOptions(
                description=_version_description(environment or {})
            ),
        )
        self.alias = aws_lambda.Alias(
            self, "Live", alias_name=ALIAS, version=self.function.current_version
        )
        self._acknowledge(names, row, stage)

    def _acknowledge(self, names: Names, row: Row, stage: Stage) -> None:
        """Say why what the rules find in it stays."""
        acknowledge(
            self,
            FUNCTION,
            *_occasions(row, stage),
            **_unnamed(row, names),
        )

    def _role(
        self,
        names: Names,
        row: Row,
        stage: Stage,
        data_key_arn: str,
        dead_letters: aws_sqs.IQueue | None,
    ) -> aws_iam.Role:
        """What the function may do: its row's grants, and what any function needs."""
        allowed = permissions(row.grants, names, data_key_arn=data_key_arn)
        allowed += _own_permissions(names, row, stage, dead_letters)
        role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {row.name} may do",
            inline_policies={
                "Grants": aws_iam.PolicyDocument(
                    statements=[permission.statement() for permission in allowed]
                )
            },
        )
        for tag in landing_tags(row.grants):
            Tags.of(role).add(tag, stage.name)
        return role


def _unnamed(row: Row, names: Names) -> dict[str, str]:
    """The resources that statements name by a pattern, as acknowledgements call them."""
    return {
        "log_streams": names.log_streams_arn(row),
        "workspace_keys": workspace_keys_arn(),
        "bucket": names.bucket_arn,
        "landing": names.landing_arn,
        "machines": names.state_machines_prefix,
        "executions": names.executions_prefix,
        "streams": names.streams_arn("ledger"),
    }


def _occasions(row: Row, stage: Stage) -> list[str]:
    """What there is to acknowledge of a function, in the words of its acknowledgements."""
    return [
        "traced" if stage.tracing else "untraced",
        _started(row),
        *(["following"] if Grant.LEDGER_FOLLOW in row.grants else []),
        *(["restored"] if stage.snap_start else []),
        *_touched(row),
    ]


def _started(row: Row) -> str:
    """What starts a function, in the word of its acknowledgements."""
    if isinstance(row, Task) and row.follows_ledger:
        return "fed"
    return "scheduled" if isinstance(row, Task) and row.every_minutes else "called"


def _touched(row: Row) -> list[str]:
    """What of the vault's a function touches that it cannot name exactly."""
    touched = {
        "objects": row.grants & _OBJECTS,
        "machines": row.grants & {Grant.WORKFLOWS_START},
        "executions": row.grants & {Grant.WORKFLOWS_READ, Grant.WORKFLOWS_STOP},
        "landing": row.grants & {Grant.LANDING_READ, Grant.LANDING_DELETE},
        "uploads": row.grants & {Grant.LANDING_LIST, Grant.LANDING_WRITE, Grant.LANDING_SIGN},
        "keys": row.grants & _KEYS,
        "landing key": set() if row.grants & _KEYS else set(landing_tags(row.grants)),
    }
    return [what for what, is_touched in touched.items() if is_touched]


def _own_permissions(
    names: Names, row: Row, stage: Stage, dead_letters: aws_sqs.IQueue | None
) -> list[Permission]:
    """What a function needs to be one: its log, its traces, and a place for failed events."""
    allowed = [
        Permission(
            "WriteLog",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            (names.log_streams_arn(row),),
        )
    ]
    if stage.tracing:
        # X-Ray knows no resources to name.
        traces = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
        allowed.append(Permission("WriteTraces", traces, ("*",)))
    if dead_letters is not None:
        allowed.append(
            Permission("KeepFailedEvents", ("sqs:SendMessage",), (dead_letters.queue_arn,))
        )
    return allowed


def _environment(stage: Stage, row: Row, names: Names) -> dict[str, str]:
    return {
        "VAULT_STAGE": stage.name,
        **{f"VAULT_TABLES__{table.upper()}": names.table(table) for table in TABLES},
        "VAULT_OBJECTS__BUCKET": names.bucket,
        "VAULT_LANDING__BUCKET": names.landing,
        "VAULT_WORKFLOWS__PREFIX": names.state_machines_prefix,
        "VAULT_EVENTS__BUS": names.bus,
        "VAULT_EVENTS__DEAD_LETTERS": names.dead_letters_url,
        **_variables("VAULT", stage.vault),
        "POWERTOOLS_SERVICE_NAME": names.service,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_TRACE_DISABLED": "false" if stage.tracing else "true",
        # Numpy's linear algebra would start a thread a core, which costs half its import time.
        "OPENBLAS_NUM_THREADS": "1",
        # Looking for plugins reads what every package says of itself; there are none.
        "PYDANTIC_DISABLE_PLUGINS": "1",
        **_memory(row),
    }


def _memory(row: Row) -> dict[str, str]:
    if row.name in _WORKERS:
        return WORKER_MEMORY
    return _LARGE_MEMORY if row.memory_mb >= LARGE_MEMORY_MB else {}


def _variables(prefix: str, settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as the vault reads them: ``VAULT_SECTION__FIELD``, however deep."""
    variables: dict[str, str] = {}
    separator = "__" if "_" in prefix else "_"
    for name, value in settings.items():
        variable = f"{prefix}{separator}{name.upper()}"
        if isinstance(value, Mapping):
            variables |= _variables(variable, value)
        else:
            variables[variable] = str(value)
    return variables


def _version_description(environment: Mapping[str, str]) -> str | None:
    """Text that changes with deploy-time parameters, which alone would publish no new version.

    The CDK publishes when the template changes; a parameter's value is not in it. A description
    is, and CloudFormation replaces a version whose description changes.
    """
    return " ".join(environment.values()) or None
