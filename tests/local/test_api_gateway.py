"""A REST API hands over what was sent, authorizes, and answers for itself as on AWS."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from datavault.local.cloud import LocalCloud
from tests.local.rig import Reply, deploy_function, deploy_stack, request

ECHO = """
import base64, json

def handler(event, context):
    asked = event["headers"].get("x-answer")
    if asked == "fail":
        raise RuntimeError("a secret detail")
    if asked == "binary":
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/x-ndjson"},
            "isBase64Encoded": True,
            "body": base64.b64encode(bytes(range(256))).decode(),
        }
    if asked == "length":
        return {"statusCode": 200, "body": str(len(event["body"]))}
    return {"statusCode": 200, "body": json.dumps(event)}
"""

AUTHORIZER = """
def handler(event, context):
    match event["headers"].get("authorization"):
        case "refused":
            raise Exception("Unauthorized")
        case "denied":
            effect = "Deny"
        case _:
            effect = "Allow"
    return {
        "principalId": "alice",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
            ],
        },
        "context": {
            "workspace": "w1", "roles": '["reader"]', "mfa": True, "path": event["path"],
        },
    }
"""

PROBLEM = '{"code":"%s","title":$context.error.messageString,"status":%d}'
SCHEMA = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}


def function_uri(arn: str) -> str:
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def gateway_response(kind: str, code: str, status: int) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "ResponseType": kind,
            "StatusCode": str(status),
            "ResponseTemplates": {"application/json": PROBLEM % (code, status)},
            "ResponseParameters": {
                "gatewayresponse.header.Content-Type": "'application/problem+json'",
            },
        },
    }


def resource(part: str, parent: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::Resource",
        "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": parent, "PathPart": part},
    }


def method(name: str, function: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "ResourceId": {"Ref": name},
            "HttpMethod": "ANY",
            "AuthorizationType": "NONE",
            "Integration": {
                "Type": "AWS_PROXY",
                "IntegrationHttpMethod": "POST",
                "Uri": function_uri(function),
            },
            **properties,
        },
    }


def part_of_api(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": f"AWS::ApiGateway::{kind}",
        "Properties": {"RestApiId": {"Ref": "Api"}, **properties},
    }


def routes(echo: str, authorizer: str) -> dict[str, Any]:
    root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    guard = {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Authorizer"}}
    shape = {"application/json": {"Ref": "Shape"}}
    return {
        "Records": resource("records", root),
        "Record": resource("{record_id}", {"Ref": "Records"}),
        "Guarded": resource("guarded", root),
        "GuardedRecord": resource("{record_id}", {"Ref": "Guarded"}),
        "Validated": resource("validated", root),
        "Authorizer": part_of_api(
            "Authorizer",
            Name="guard",
            Type="REQUEST",
            IdentitySource="method.request.header.Authorization",
            AuthorizerResultTtlInSeconds=300,
            AuthorizerUri=function_uri(authorizer),
        ),
        "Validator": part_of_api("RequestValidator", ValidateRequestBody=True),
        "Shape": part_of_api("Model", Name="Shape", ContentType="application/json", Schema=SCHEMA),
        "RecordMethod": method("Record", echo),
        "GuardedMethod": method("GuardedRecord", echo, **guard),
        "ValidatedMethod": method(
            "Validated", echo, RequestValidatorId={"Ref": "Validator"}, RequestModels=shape
        ),
        "Unauthorized": gateway_response("UNAUTHORIZED", "unauthenticated", 401),
        "AccessDenied": gateway_response("ACCESS_DENIED", "denied", 403),
        "TooLarge": gateway_response("REQUEST_TOO_LARGE", "too_large", 413),
    }


def api_resources(echo: str, authorizer: str) -> dict[str, Any]:
    """A REST API with an open, a guarded and a validated route, deployed to a stage."""
    parts = routes(echo, authorizer)
    return {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Name": "probe", "BinaryMediaTypes": ["application/x-ndjson"]},
        },
        **parts,
        "Deployment": {**part_of_api("Deployment"), "DependsOn": [*parts]},
        "Stage": part_of_api("Stage", StageName="local", DeploymentId={"Ref": "Deployment"}),
    }


@dataclass(frozen=True, slots=True)
class Api:
    base: str

    def send(self, path: str, **named: Any) -> Reply:
        return request(self.base + path, **named)

    def event(self, path: str, **named: Any) -> Any:
        reply = self.send(path, **named)
        assert reply.status == 200, reply.body
        return reply.json()


@pytest.fixture(scope="module")
def api(cloud: LocalCloud) -> Api:
    echo = deploy_function(cloud, ECHO)
    authorizer = deploy_function(cloud, AUTHORIZER)
    made = deploy_stack(cloud, api_resources(echo.arn, authorizer.arn), ApiId={"Ref": "Api"})
    return Api(cloud.api_url(made["ApiId"], "local"))


@pytest.mark.parametrize(
    "record_id", ["a/b", "50%", "%2F", "a b", "é", "日本", "a+b", "..", "a?b#c", "=&;@"]
)
def test_a_path_parameter_arrives_as_it_was_encoded(api: Api, record_id: str) -> None:
    encoded = quote(record_id, safe="")
    event = api.event(f"/records/{encoded}")
    assert event["pathParameters"] == {"record_id": encoded}
    assert event["path"] == f"/records/{encoded}"
    assert event["requestContext"]["path"] == f"/local/records/{encoded}"
    assert event["resource"] == "/records/{record_id}"


def test_a_slash_that_is_not_encoded_is_another_resource(api: Api) -> None:
    assert api.send("/records/a/b").status == 403


def test_query_parameters_arrive_decoded_once_and_many_valued(api: Api) -> None:
    event = api.event("/records/x?label=a&label=b&q=1%252F&empty=")
    assert event["multiValueQueryStringParameters"] == {
        "label": ["a", "b"],
        "q": ["1%2F"],
        "empty": [""],
    }
    assert event["queryStringParameters"] == {"label": "b", "q": "1%2F", "empty": ""}


def test_a_body_of_a_binary_media_type_arrives_as_base64(api: Api) -> None:
    body = bytes(range(256))
    event = api.event(
        "/records/x", method="POST", body=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_body_of_another_media_type_arrives_as_text(api: Api) -> None:
    event = api.event(
        "/records/x",
        method="POST",
        body='{"é":1}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert (event["isBase64Encoded"], event["body"]) == (False, '{"é":1}')


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/x-ndjson, */*;q=0.1"])
def test_a_binary_reply_is_decoded_for_who_accepts_it(api: Api, accept: str) -> None:
    reply = api.send("/records/x", headers={"x-answer": "binary", "Accept": accept})
    assert reply.body == bytes(range(256))
    assert reply.headers["content-type"] == "application/x-ndjson"


def test_the_authorizers_context_reaches_the_function_as_text(api: Api) -> None:
    event = api.event("/guarded/a%2Fb", headers={"Authorization": "fine"})
    assert event["requestContext"]["authorizer"] == {
        "principalId": "alice",
        "workspace": "w1",
        "roles": '["reader"]',
        "mfa": "true",
        "path": "/guarded/a%2Fb",
    }


def test_a_cached_verdict_is_for_its_own_method_alone(api: Api) -> None:
    assert api.send("/guarded/one", headers={"Authorization": "cached"}).status == 200
    assert api.send("/guarded/two", headers={"Authorization": "cached"}).status == 403


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthenticated"),
        ({"Authorization": "refused"}, 401, "unauthenticated"),
        ({"Authorization": "denied"}, 403, "denied"),
    ],
)
def test_a_refusal_is_our_own_problem_document(
    api: Api, headers: dict[str, str], status: int, code: str
) -> None:
    reply = api.send("/guarded/x", headers=headers)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.json()["code"], reply.json()["status"]) == (code, status)


def test_a_functions_failure_is_not_shown(api: Api) -> None:
    reply = api.send("/records/x", headers={"x-answer": "fail"})
    assert (reply.status, reply.json()) == (502, {"message": "Internal server error"})


def test_a_functions_failure_is_what_the_api_says_of_failures(cloud: LocalCloud) -> None:
    function = deploy_function(cloud, ECHO)
    parts = api_resources(function.arn, function.arn)
    parts["Failure"] = gateway_response("DEFAULT_5XX", "unavailable", 503)
    parts["Deployment"]["DependsOn"].append("Failure")
    made = deploy_stack(cloud, parts, ApiId={"Ref": "Api"})
    failing = Api(cloud.api_url(made["ApiId"], "local"))
    reply = failing.send("/records/x", headers={"x-answer": "fail"})
    assert (reply.status, reply.json()["code"]) == (503, "unavailable")
    assert reply.headers["content-type"] == "application/problem+json"


def test_the_validator_of_a_template_refuses_a_body(api: Api) -> None:
    def status(body: object) -> int:
        return api.send("/validated", method="POST", body=json.dumps(body).encode()).status

    assert (status({}), status([])) == (200, 400)


@pytest.mark.parametrize("length", [6_300_000, 10 * 1024 * 1024 + 1])
def test_a_request_beyond_lambdas_or_the_gateways_limit_is_refused(api: Api, length: int) -> None:
    reply = api.send("/records/x", method="POST", body=b"x" * length)
    assert (reply.status, reply.json()["code"]) == (413, "too_large")


def test_a_request_just_below_lambdas_limit_passes(api: Api) -> None:
    body = b"x" * 6_200_000
    reply = api.send("/records/x", method="POST", body=body, headers={"x-answer": "length"})
    assert reply.body == b"6200000"
