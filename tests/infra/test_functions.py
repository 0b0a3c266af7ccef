"""Each row of OPERATIONS and TASKS is one function, as its row and its stage say."""

import pytest

from datavault.contracts.operations import OPERATIONS, TASKS
from infra.names import Row
from layers.build import ROOT
from tests.infra.conftest import Assembly, Json, plain

ROWS: tuple[Row, ...] = (*OPERATIONS, *TASKS)
DATA = "arn:<AWS::Partition>"


def named(row: Row) -> str:
    return row.name


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_has_a_module_with_a_handler(row: Row) -> None:
    module = ROOT / f"{row.function.replace('.', '/')}.py"
    assert module.is_file()
    assert "def handler(" in module.read_text()


def test_there_is_one_function_for_each_row(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    assert {each["Properties"]["FunctionName"] for each in functions.values()} == {
        f"datavault-{assembly.stage.name}-{row.name.replace('_', '-')}" for row in ROWS
    }
    assert len({row.function for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_function_is_what_its_row_and_stage_say(row: Row, assembly: Assembly) -> None:
    stage, function = assembly.stage, assembly.function(row)
    assert function["Handler"] == f"{row.function}.handler"
    assert function["Runtime"] == "python3.13"
    assert function["MemorySize"] == row.memory_mb
    assert function["Timeout"] == row.timeout_s
    assert function["Architectures"] == [stage.layer_architecture]
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["SystemLogLevel"] == "INFO"
    assert len(function["Layers"]) == 2 + len(row.layers)
    assert function.get("TracingConfig") == ({"Mode": "Active"} if stage.tracing else None)
    assert function.get("SnapStart") == (
        {"ApplyOn": "PublishedVersions"} if stage.snap_start else None
    )


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_function_is_told_where_things_are_and_no_more(row: Row, assembly: Assembly) -> None:
    stage = assembly.stage
    expected = {
        "VAULT_STAGE": stage.name,
        "VAULT_TABLES__CATALOG": f"datavault-{stage.name}-catalog",
        "VAULT_TABLES__STAGING": f"datavault-{stage.name}-staging",
        "VAULT_TABLES__LEDGER": f"datavault-{stage.name}-ledger",
        "VAULT_OBJECTS__BUCKET": (f"datavault-{stage.name}-objects-<AWS::AccountId>-<AWS::Region>"),
        "VAULT_LANDING__BUCKET": (f"datavault-{stage.name}-landing-<AWS::AccountId>-<AWS::Region>"),
        "VAULT_WORKFLOWS__PREFIX": (
            f"{DATA}:states:<AWS::Region>:<AWS::AccountId>:stateMachine:datavault-{stage.name}-"
        ),
        "VAULT_EVENTS__BUS": f"datavault-{stage.name}",
        "VAULT_EVENTS__DEAD_LETTERS": (
            "https://sqs.<AWS::Region>.<AWS::URLSuffix>/<AWS::AccountId>"
            f"/datavault-{stage.name}-unpublished"
        ),
        "POWERTOOLS_SERVICE_NAME": f"datavault-{stage.name}",
        "POWERTOOLS_METRICS_NAMESPACE": "DataVault",
        "POWERTOOLS_TRACE_DISABLED": "false" if stage.tracing else "true",
        "OPENBLAS_NUM_THREADS": "1",
        "PYDANTIC_DISABLE_PLUGINS": "1",
    }
    if row.name == "ingest_part":
        expected |= {"MALLOC_TRIM_THRESHOLD_": "16777216", "MALLOC_MMAP_THRESHOLD_": "1048576"}
    elif row.memory_mb >= 1024:
        expected |= {
            "MALLOC_TRIM_THRESHOLD_": "536870912",
            "MALLOC_MMAP_THRESHOLD_": "536870912",
            "MALLOC_TOP_PAD_": "67108864",
        }
    if row.name == "authorize":
        expected |= {
            "VAULT_ISSUER__URL": "<IssuerUrl>",
            "VAULT_ISSUER__AUDIENCE": "<IssuerAudience>",
            "VAULT_ISSUER__JWKS_URL": "<IssuerJwksUrl>",
            "VAULT_ISSUER__LIFETIME_S_MAX": str(stage.issuer.lifetime_s_max),
        }
    assert plain(assembly.function(row)["Environment"]["Variables"]) == expected


def test_settings_of_a_stage_reach_functions_however_deep() -> None:
    from infra.function import _variables

    settings = {"aws": {"read_s": 5}, "issuer": {"claims": {"roles": "groups"}}, "stage": "x"}
    assert _variables("VAULT", settings) == {
        "VAULT_AWS__READ_S": "5",
        "VAULT_ISSUER__CLAIMS__ROLES": "groups",
        "VAULT_STAGE": "x",
    }


def test_whose_tokens_hold_are_parameters_with_the_stages_defaults(assembly: Assembly) -> None:
    parameters = assembly.stacks()["Access"]["Parameters"]
    issuer = assembly.stage.issuer
    assert {name: parameters[name]["Default"] for name in parameters if "Issuer" in name} == {
        "IssuerUrl": issuer.url,
        "IssuerAudience": issuer.audience,
        "IssuerJwksUrl": issuer.jwks_url,
    }


def test_another_issuer_publishes_another_version(prod: Assembly) -> None:
    # Otherwise the alias would stay at a version that trusts the old one.
    (version,) = prod.resources("AWS::Lambda::Version", "Access").values()
    assert plain(version["Properties"]["Description"]) == (
        "<IssuerUrl> <IssuerAudience> <IssuerJwksUrl> 900"
    )


def test_callers_reach_a_function_by_an_alias_to_its_version(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    versions = assembly.resources("AWS::Lambda::Version")
    aliases = assembly.resources("AWS::Lambda::Alias")
    assert len(functions) == len(versions) == len(aliases)
    for alias in aliases.values():
        assert alias["Properties"]["Name"] == "live"


def test_every_log_is_kept_for_90_days(assembly: Assembly) -> None:
    groups = assembly.resources("AWS::Logs::LogGroup")
    # One for each function and each state machine, the API's two, and the web ACL's.
    machines = len(assembly.resources("AWS::StepFunctions::StateMachine"))
    assert len(groups) == len(ROWS) + machines + 2 + (assembly.stage.firewall is not None)
    for name, group in groups.items():
        assert group["Properties"]["RetentionInDays"] == 90, name


def test_a_log_outlives_its_stack_where_data_do(assemblies: dict[str, Assembly]) -> None:
    for name, policy in (("local", "Delete"), ("prod", "RetainExceptOnCreate")):
        for group in assemblies[name].resources("AWS::Logs::LogGroup").values():
            assert group["DeletionPolicy"] == policy


def test_a_scheduled_task_starts_when_it_should_and_its_failures_are_kept(
    assembly: Assembly,
) -> None:
    scheduled = [task for task in TASKS if task.every_minutes]
    schedules = assembly.resources("AWS::Scheduler::Schedule")
    assert len(schedules) == len(scheduled) > 0
    for task in scheduled:
        (schedule,) = (
            each["Properties"]
            for each in schedules.values()
            if each["Properties"]["Name"].endswith(task.name.replace("_", "-"))
        )
        target: Json = schedule["Target"]
        assert schedule["ScheduleExpression"] == f"rate({task.every_minutes} minutes)"
        assert target["RetryPolicy"]["MaximumRetryAttempts"] == 2
        assert "DeadLetters" in plain(target["DeadLetterConfig"]["Arn"])
        assert assembly.statements(task)["KeepFailedEvents"]["Action"] == "sqs:SendMessage"
    configured = assembly.resources("AWS::Lambda::EventInvokeConfig")
    assert len(configured) == len(scheduled)
    for each in configured.values():
        destination = plain(each["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])
        assert "DeadLetters" in destination


def test_dead_letters_are_encrypted_and_tls_only(assembly: Assembly) -> None:
    for queue in assembly.resources("AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    for policy in assembly.resources("AWS::SQS::QueuePolicy").values():
        (denied,) = (
            statement
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
        )
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_what_reads_parquet_is_given_its_layer() -> None:
    assert [row.name for row in ROWS if "columnar" in row.layers] == ["ingest_part"]


def test_only_what_sets_schemas_or_makes_records_is_given_their_layer() -> None:
    assert {row.name for row in ROWS if "schemas" in row.layers} == {
        "create_dataset",
        "update_dataset",
        "append_records",
        "ingest_part",
        "preview_merge",
        "list_conflicts",
        "merge_refs",
        "cherry_pick_commit",
        "revert_commit",
    }
