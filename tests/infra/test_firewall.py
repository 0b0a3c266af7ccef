"""The web ACL blocks what is never meant well, lets data be data, and logs none of it."""

import pytest

from infra import firewall
from tests.infra.conftest import Assembly, Json, plain

PRIORITIES = {
    "AWSManagedRulesAmazonIpReputationList": 0,
    "RequestsPerAddress": 1,
    "AWSManagedRulesKnownBadInputsRuleSet": 2,
    "AWSManagedRulesCommonRuleSet": 3,
}
# Of the common rules, those that look at what a request is about and so may block:
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
BLOCKING = {
    "NoUserAgent_HEADER",
    "UserAgent_BadBots_HEADER",
    "SizeRestrictions_Cookie_HEADER",
    "EC2MetaDataSSRF_COOKIE",
    "CrossSiteScripting_COOKIE",
}


def acl(assembly: Assembly) -> Json:
    (found,) = assembly.resources("AWS::WAFv2::WebACL").values()
    properties: Json = found["Properties"]
    return properties


def rules(assembly: Assembly) -> dict[str, Json]:
    return {rule["Name"]: rule for rule in acl(assembly)["Rules"]}


def overrides(rule: Json) -> dict[str, Json]:
    group = rule["Statement"]["ManagedRuleGroupStatement"]
    return {each["Name"]: each["ActionToUse"] for each in group.get("RuleActionOverrides", [])}


def test_every_stage_but_the_local_one_is_behind_a_web_acl(assembly: Assembly) -> None:
    kinds = ("WebACL", "WebACLAssociation", "LoggingConfiguration")
    guarded = assembly.stage.name != "local"
    for kind in kinds:
        assert len(assembly.resources(f"AWS::WAFv2::{kind}")) == guarded


def test_the_acl_stands_before_the_apis_stage(prod: Assembly) -> None:
    (association,) = prod.resources("AWS::WAFv2::WebACLAssociation").values()
    (deployed,) = prod.resources("AWS::ApiGateway::Stage")
    arn = plain(association["Properties"]["ResourceArn"])
    assert "::/restapis/<" in arn
    assert arn.endswith(f"/stages/<{deployed.removeprefix('Api/')}>")


def test_rules_are_these_in_this_order_and_block(prod: Assembly) -> None:
    found = rules(prod)
    assert {name: rule["Priority"] for name, rule in found.items()} == PRIORITIES
    for name, rule in found.items():
        if name == "RequestsPerAddress":
            assert "Block" in rule["Action"]
        else:
            # `None` leaves the group's own actions in force; `Count` would disarm it.
            assert rule["OverrideAction"] == {"None": {}}
            assert rule["Statement"]["ManagedRuleGroupStatement"]["VendorName"] == "AWS"


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_address_has_the_stages_rate(name: str, assemblies: dict[str, Assembly]) -> None:
    assembly = assemblies[name]
    assert assembly.stage.firewall is not None
    statement = rules(assembly)["RequestsPerAddress"]["Statement"]["RateBasedStatement"]
    assert statement == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": assembly.stage.firewall.requests_per_ip,
    }


def test_a_large_body_of_records_is_let_through(prod: Assembly) -> None:
    assert overrides(rules(prod)["AWSManagedRulesCommonRuleSet"])["SizeRestrictions_BODY"] == {
        "Count": {}
    }


def test_only_rules_on_bodies_paths_and_queries_are_kept_from_blocking(prod: Assembly) -> None:
    common = overrides(rules(prod)["AWSManagedRulesCommonRuleSet"])
    known = overrides(rules(prod)["AWSManagedRulesKnownBadInputsRuleSet"])
    assert all(action == {"Count": {}} for action in (common | known).values())
    assert not set(common) & BLOCKING
    data = ("_BODY", "_URIPATH", "_QUERYARGUMENTS", "_QUERYSTRING")
    assert all(name.endswith(data) for name in (*common, *known))
    assert not overrides(rules(prod)["AWSManagedRulesAmazonIpReputationList"])


def test_the_log_has_what_was_blocked_without_credentials_paths_and_queries(
    prod: Assembly,
) -> None:
    (logging,) = prod.resources("AWS::WAFv2::LoggingConfiguration").values()
    properties = logging["Properties"]
    (destination,) = properties["LogDestinationConfigs"]
    group_id = destination["Fn::GetAtt"][0]
    group = prod.resources("AWS::Logs::LogGroup")[f"Api/{group_id}"]
    assert group["Properties"]["LogGroupName"] == "aws-waf-logs-datavault-prod"
    assert properties["RedactedFields"] == [
        {"SingleHeader": {"Name": "authorization"}},
        {"SingleHeader": {"Name": "cookie"}},
        {"SingleHeader": {"Name": "idempotency-key"}},
        {"SingleHeader": {"Name": "x-correlation-id"}},
        {"QueryString": {}},
        {"UriPath": {}},
    ]
    assert properties["LoggingFilter"]["DefaultBehavior"] == "DROP"
    (kept,) = properties["LoggingFilter"]["Filters"]
    actions = {each["ActionCondition"]["Action"] for each in kept["Conditions"]}
    assert actions == {"BLOCK"}


def test_no_piece_of_a_record_or_token_is_in_what_a_rule_tells(prod: Assembly) -> None:
    protected = acl(prod)["DataProtectionConfig"]["DataProtections"]
    fields = {
        (each["Field"]["FieldType"], *each["Field"].get("FieldKeys", [])) for each in protected
    }
    assert fields == {
        ("BODY",),
        ("QUERY_STRING",),
        ("SINGLE_HEADER", "authorization"),
        ("SINGLE_HEADER", "cookie"),
    }
    for each in protected:
        assert each["Action"] == "SUBSTITUTION"
        assert each["ExcludeRuleMatchDetails"] is False
    seen = [rule["VisibilityConfig"] for rule in acl(prod)["Rules"]]
    for each in [*seen, acl(prod)["VisibilityConfig"]]:
        assert each["SampledRequestsEnabled"] is False
        assert each["CloudWatchMetricsEnabled"] is True


def test_the_rate_window_is_one_that_waf_knows() -> None:
    assert firewall.RATE_WINDOW_S in {60, 120, 300, 600}
