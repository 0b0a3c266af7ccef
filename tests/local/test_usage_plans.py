"""The local cloud counts requests by the key that an authorizer names, as API Gateway does."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from datavault.local.cloud import LocalCloud
from tests.local.rig import Reply, deploy_function, deploy_stack, request
from tests.local.test_api_gateway import ECHO, api_resources

AUTHORIZER = """
def handler(event, context):
    return {
        "principalId": "alice",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
            ],
        },
        "context": {"said": "something"},
        "usageIdentifierKey": event["headers"]["authorization"],
    }
"""
SLOW, FAST, QUOTA, IN_NO_PLAN = (
    f"{name}-0123456789abcdef" for name in ("slow", "fast", "quota", "none")
)


@dataclass(frozen=True, slots=True)
class Api:
    base: str

    def send(self, identifier: str, **headers: str) -> Reply:
        return request(f"{self.base}/guarded/x", headers={"Authorization": identifier, **headers})


@pytest.fixture(scope="module")
def api(cloud: LocalCloud) -> Api:
    echo, authorizer = deploy_function(cloud, ECHO), deploy_function(cloud, AUTHORIZER)
    parts = api_resources(echo.arn, authorizer.arn)
    parts["Api"]["Properties"]["ApiKeySourceType"] = "AUTHORIZER"
    parts["GuardedMethod"]["Properties"]["ApiKeyRequired"] = True
    api_id = deploy_stack(cloud, parts, ApiId={"Ref": "Api"})["ApiId"]
    gateway = cloud.boto3("apigateway")
    plans: dict[str, dict[str, Any]] = {
        SLOW: {"throttle": {"rateLimit": 0.5, "burstLimit": 2}},
        FAST: {"throttle": {"rateLimit": 1000, "burstLimit": 1000}},
        QUOTA: {"quota": {"limit": 3, "period": "DAY"}},
    }
    for value, limits in plans.items():
        _plan(gateway, api_id, value, limits)
    gateway.create_api_key(name="alone", value=IN_NO_PLAN, enabled=True)
    return Api(cloud.api_url(api_id, "local"))


def _plan(gateway: Any, api_id: str, value: str, limits: dict[str, Any]) -> None:
    stages = [{"apiId": api_id, "stage": "local"}]
    plan = gateway.create_usage_plan(name=value, apiStages=stages, **limits)["id"]
    key = gateway.create_api_key(name=value, value=value, enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")


def test_one_is_throttled_and_the_other_does_not_notice(api: Api) -> None:
    slow = [api.send(SLOW).status for _ in range(5)]
    assert slow.count(200) in {2, 3}
    assert slow[-1] == 429
    assert {api.send(FAST).status for _ in range(20)} == {200}
    time.sleep(2.1)
    assert api.send(SLOW).status == 200


def test_a_quota_is_used_up(api: Api) -> None:
    assert [api.send(QUOTA).status for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("identifier", [IN_NO_PLAN, "unknown-0123456789abcdef"])
def test_who_is_in_no_plan_is_refused(api: Api, identifier: str) -> None:
    assert api.send(identifier).status == 403


def test_a_key_in_a_header_says_nothing(api: Api) -> None:
    assert api.send("unknown-0123456789abcdef", **{"x-api-key": FAST}).status == 403


def test_the_function_is_not_told_the_key(api: Api) -> None:
    told = api.send(FAST).json()["requestContext"]["authorizer"]
    assert told == {"principalId": "alice", "said": "something"}
