"""A domain of its own: modern TLS, mutual where asked for, and no other way in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App

from infra.stacks.edge import ApiStack
from infra.stages import Domain, HostedZone, Stage, StageError, Truststore
from tests.infra.conftest import Assembly, Json, plain

MODERN = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
NAMED = Domain(
    name="vault.example.com",
    certificate_arn="arn:aws:acm:eu-central-1:111122223333:certificate/0",
    security_policy=MODERN,
    truststore=None,
    hosted_zone=None,
)
MUTUAL = replace(
    NAMED, security_policy="TLS_1_2", truststore=Truststore("s3://trust/ca/bundle.pem", "v7")
)
ZONED = replace(NAMED, hosted_zone=HostedZone("Z0123", "example.com"))


def api_of(stage: Stage, domain: Domain, given: Mapping[str, object]) -> Json:
    app = App(context=dict(given))
    stack = ApiStack(app, stage=replace(stage, domain=domain))
    template: Json = app.synth().get_stack_by_name(stack.stack_name).template
    return template


def only(template: Json, kind: str) -> Json:
    (found,) = (each for each in template["Resources"].values() if each["Type"] == kind)
    properties: Json = found["Properties"]
    return properties


def test_no_stage_has_a_domain_before_somebody_has_a_certificate(assembly: Assembly) -> None:
    assert not assembly.resources("AWS::ApiGateway::DomainName")
    (rest,) = assembly.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["DisableExecuteApiEndpoint"] is False


def test_a_domain_offers_tls_1_3_and_takes_1_2_at_least(
    prod: Assembly, given: Mapping[str, object]
) -> None:
    made = only(api_of(prod.stage, NAMED, given), "AWS::ApiGateway::DomainName")
    assert made["DomainName"] == "vault.example.com"
    assert made["SecurityPolicy"] == MODERN
    assert made["EndpointAccessMode"] == "STRICT"
    assert made["RegionalCertificateArn"] == NAMED.certificate_arn
    assert made["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "MutualTlsAuthentication" not in made


def test_behind_a_domain_the_generated_address_is_off(
    prod: Assembly, given: Mapping[str, object]
) -> None:
    template = api_of(prod.stage, NAMED, given)
    assert only(template, "AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    mapping = only(template, "AWS::ApiGateway::BasePathMapping")
    assert "BasePath" not in mapping
    (deployed,) = (
        name
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::ApiGateway::Stage"
    )
    assert mapping["Stage"] == {"Ref": deployed}


def test_the_address_that_is_told_is_the_domains(
    prod: Assembly, given: Mapping[str, object]
) -> None:
    outputs = api_of(prod.stage, NAMED, given)["Outputs"]
    assert outputs["ApiUrl"]["Value"] == "https://vault.example.com/"
    assert "RegionalDomainName" in plain(outputs["DomainTarget"]["Value"])


def test_mutual_tls_trusts_one_version_of_a_bundle(
    prod: Assembly, given: Mapping[str, object]
) -> None:
    made = only(api_of(prod.stage, MUTUAL, given), "AWS::ApiGateway::DomainName")
    assert made["MutualTlsAuthentication"] == {
        "TruststoreUri": "s3://trust/ca/bundle.pem",
        "TruststoreVersion": "v7",
    }
    assert made["SecurityPolicy"] == "TLS_1_2"
    assert "EndpointAccessMode" not in made


def test_a_record_is_made_where_the_zone_is_ours(
    prod: Assembly, given: Mapping[str, object]
) -> None:
    records = [
        each["Properties"]
        for each in api_of(prod.stage, ZONED, given)["Resources"].values()
        if each["Type"] == "AWS::Route53::RecordSet"
    ]
    assert {each["Type"] for each in records} == {"A", "AAAA"}
    for each in records:
        assert each["HostedZoneId"] == "Z0123"
        assert each["Name"] == "vault.example.com."


def with_domain(given: Mapping[str, Any], **domain: object) -> Mapping[str, Any]:
    data: dict[str, object] = {
        "name": "vault.example.com",
        "certificate_arn": NAMED.certificate_arn,
        "security_policy": MODERN,
        "truststore": None,
        "hosted_zone": None,
    }
    return {"prod": {**given["stages"]["prod"], "domain": data | domain}}


def test_a_domain_is_read_from_the_stages_data(given: Mapping[str, Any]) -> None:
    zone = {"id": "Z0123", "name": "example.com"}
    assert Stage.named("prod", with_domain(given, hosted_zone=zone)).domain == ZONED


def test_what_api_gateway_refuses_is_refused_at_synthesis(given: Mapping[str, Any]) -> None:
    truststore = {"uri": "s3://trust/ca/bundle.pem", "version": "v7"}
    with pytest.raises(StageError, match="mutual TLS is to be had with TLS_1_2 only"):
        Stage.named("prod", with_domain(given, truststore=truststore))
    with pytest.raises(StageError, match=r"TLS 1\.2 at least"):
        Stage.named("prod", with_domain(given, security_policy="TLS_1_0"))
