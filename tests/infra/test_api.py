"""The API has just the routes of OPERATIONS, asks for tokens where they say, and logs no data."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App

from datavault.contracts.openapi import PROBLEM_CODES
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.contracts.wire import Problem
from infra import api
from infra.api import REFUSALS
from infra.stacks.edge import ApiStack
from tests.infra.conftest import Assembly, Json, plain

CODES = {
    400: "malformed",
    401: "unauthenticated",
    403: "denied",
    404: "not_found",
    413: "too_large",
    429: "throttled",
    503: "unavailable",
}


def paths(template: Json) -> dict[str, str]:
    """The path of each API resource, by logical id."""
    resources: dict[str, Any] = {
        name: each["Properties"]
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::ApiGateway::Resource"
    }

    def path(name: str) -> str:
        parent = resources[name]["ParentId"]
        prefix = path(parent["Ref"]) if "Ref" in parent else ""
        return f"{prefix}/{resources[name]['PathPart']}"

    return {name: path(name) for name in resources}


def methods(assembly: Assembly) -> dict[tuple[str, str], Json]:
    """The properties of each method, by verb and path."""
    template = assembly.stacks()["Api"]
    known = paths(template)
    return {
        (each["Properties"]["HttpMethod"], known[each["Properties"]["ResourceId"]["Ref"]]): each[
            "Properties"
        ]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::ApiGateway::Method"
    }


def test_the_routes_are_the_rows(assembly: Assembly) -> None:
    assert set(methods(assembly)) == {(row.method, row.path) for row in OPERATIONS}


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_a_route_leads_to_its_rows_function_which_lets_only_it_in(
    row: Operation, assembly: Assembly
) -> None:
    method = methods(assembly)[row.method, row.path]
    alias = f"function:datavault-{assembly.stage.name}-{row.name.replace('_', '-')}:live"
    assert method["OperationName"] == row.name
    assert method["Integration"]["Type"] == "AWS_PROXY"
    assert f"{alias}/invocations" in plain(method["Integration"]["Uri"])
    (permission,) = (
        each["Properties"]
        for each in assembly.resources("AWS::Lambda::Permission", "Api").values()
        if plain(each["Properties"]["FunctionName"]).endswith(alias)
    )
    assert permission["Principal"] == "apigateway.amazonaws.com"
    source = plain(permission["SourceArn"])
    assert ":execute-api:" in source
    pattern = "/".join("*" if "{" in part else part for part in row.path.split("/"))
    assert source.endswith(f"/{row.method}{pattern}")


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_a_token_is_asked_for_just_where_there_is_an_action(
    row: Operation, assembly: Assembly
) -> None:
    method = methods(assembly)[row.method, row.path]
    if row.action is None:
        assert method["AuthorizationType"] == "NONE"
        assert "AuthorizerId" not in method
    else:
        assert method["AuthorizationType"] == "CUSTOM"
        assert method["AuthorizerId"]["Ref"].startswith("ApiAuthorizer")


def test_the_authorizer_sees_the_token_alone_and_is_remembered_for_minutes(
    assembly: Assembly,
) -> None:
    (authorizer,) = assembly.resources("AWS::ApiGateway::Authorizer").values()
    properties = authorizer["Properties"]
    assert properties["Type"] == "TOKEN"
    assert properties["IdentitySource"] == "method.request.header.Authorization"
    assert properties["AuthorizerResultTtlInSeconds"] <= 300
    assert "-authorize:live" in plain(properties["AuthorizerUri"])


def test_the_api_takes_ndjson_as_it_comes_and_modern_tls_alone(assembly: Assembly) -> None:
    (rest,) = assembly.resources("AWS::ApiGateway::RestApi").values()
    properties = rest["Properties"]
    assert properties["BinaryMediaTypes"] == ["application/x-ndjson", "application/json"]
    assert properties["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert properties["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_PFS")
    assert properties["EndpointAccessMode"] == "STRICT"


def test_the_stage_is_throttled_and_logged_without_data(assembly: Assembly) -> None:
    stage = assembly.stage
    (deployed,) = assembly.resources("AWS::ApiGateway::Stage").values()
    properties = deployed["Properties"]
    assert properties["StageName"] == "live"
    # Segments of the API hold paths and queries.
    assert properties["TracingEnabled"] is False
    (settings,) = properties["MethodSettings"]
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "ERROR"
    assert settings["ThrottlingRateLimit"] == stage.throttle.rate
    assert settings["ThrottlingBurstLimit"] == stage.throttle.burst


def test_each_workspace_is_held_to_the_limits_of_a_plan_by_itself(assembly: Assembly) -> None:
    limits = assembly.stage.workspace_limits
    (plan,) = assembly.resources("AWS::ApiGateway::UsagePlan").values()
    assert plan["Properties"]["Throttle"] == {
        "RateLimit": limits.rate,
        "BurstLimit": limits.burst,
    }
    assert plan["Properties"]["Quota"] == {"Limit": limits.per_day, "Period": "DAY"}
    # One workspace cannot use up what the stage admits, except where there is but one machine.
    assert limits.rate < assembly.stage.throttle.rate or assembly.stage.name == "local"
    (rest,) = assembly.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["ApiKeySourceType"] == "AUTHORIZER"
    for row in OPERATIONS:
        method = methods(assembly)[row.method, row.path]
        assert method["ApiKeyRequired"] is (row.action is not None), row.name


def test_the_execution_log_is_there_before_the_stage_that_writes_it(assembly: Assembly) -> None:
    (log,) = (
        name.removeprefix("Api/")
        for name, group in assembly.resources("AWS::Logs::LogGroup", "Api").items()
        if plain(group["Properties"]["LogGroupName"]).startswith("API-Gateway-Execution-Logs_")
    )
    (deployed,) = assembly.resources("AWS::ApiGateway::Stage").values()
    assert log in deployed["DependsOn"]
    group = assembly.stacks()["Api"]["Resources"][log]["Properties"]["LogGroupName"]
    assert plain(group).endswith(f"/{deployed['Properties']['StageName']}")


def test_access_logs_name_the_route_and_the_subject_and_nothing_that_was_sent(
    assembly: Assembly,
) -> None:
    (deployed,) = assembly.resources("AWS::ApiGateway::Stage").values()
    logged = json.loads(deployed["Properties"]["AccessLogSetting"]["Format"])
    assert logged.pop("service") == f"datavault-{assembly.stage.name}"
    assert set(logged.values()) == {
        "$context.requestId",
        "$context.requestTimeEpoch",
        "$context.httpMethod",
        "$context.resourcePath",
        "$context.status",
        "$context.authorizer.principalId",
        "$context.responseLength",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.error.responseType",
    }


def test_what_the_api_refuses_by_itself_is_a_problem_document(assembly: Assembly) -> None:
    answers = assembly.resources("AWS::ApiGateway::GatewayResponse").values()
    assert {each["Properties"]["ResponseType"] for each in answers} == {
        refusal.response_type for refusal in REFUSALS
    }
    for each in answers:
        properties = each["Properties"]
        problem = json.loads(properties["ResponseTemplates"]["application/json"])
        assert set(problem) == {
            "type",
            "title",
            "status",
            "code",
            "detail",
            "correlation_id",
            "errors",
        }
        assert problem["correlation_id"] == "$context.requestId"
        assert properties["StatusCode"] == str(problem["status"])
        assert problem["code"] == CODES[problem["status"]]
        assert Problem.model_validate(problem).model_dump() == problem
        assert problem["code"] in PROBLEM_CODES
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in properties["ResponseParameters"].items()
        }
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["X-Correlation-ID"] == "context.requestId"
        assert ("Retry-After" in headers) == (problem["status"] in {429, 503})
        assert ("WWW-Authenticate" in headers) == (problem["status"] == 401)


def test_an_unknown_route_is_not_found_rather_than_forbidden() -> None:
    statuses = {refusal.response_type: refusal.status for refusal in REFUSALS}
    assert statuses["MISSING_AUTHENTICATION_TOKEN"] == 404
    assert statuses["UNAUTHORIZED"] == 401
    assert statuses["REQUEST_TOO_LARGE"] == 413


def test_the_address_is_told(assembly: Assembly) -> None:
    assert set(assembly.stacks()["Api"]["Outputs"]) == {"ApiUrl", "ApiId", "UsagePlan"}


def test_no_stack_is_near_cloudformations_limits(assembly: Assembly) -> None:
    """Half of its 1 MB, and half of its 500 resources."""
    for path in assembly.folder.glob("*.template.json"):
        assert path.stat().st_size < 500_000, path.name
    for name, template in assembly.stacks().items():
        assert len(template["Resources"]) < 250, name


def test_the_api_has_room_for_eighty_operations(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, object], assemblies: dict[str, Assembly]
) -> None:
    def row(number: int) -> Operation:
        like = OPERATIONS[0]
        copy = {name: getattr(like, name) for name in Operation.__slots__}
        path = f"/api/v1/family{number}/{{id}}/verb"
        return Operation(**{**copy, "name": f"operation_{number}", "path": path})

    monkeypatch.setattr(api, "OPERATIONS", tuple(row(number) for number in range(80)))
    app = App(context=dict(given))
    stack = ApiStack(app, stage=assemblies["prod"].stage)
    made = app.synth().get_stack_by_name(stack.stack_name).template
    assert len(paths(made)) > 80 * 3
    assert len(made["Resources"]) < 500
