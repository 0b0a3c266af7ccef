"""A web ACL before the API: AWS's rules for what is never meant well, and a rate for each address.

The vault stores whatever language models read and write: a record may hold any attack there is, a
record's id may be a URL or a path, and both are data here. The common rules that look for attacks
in bodies, paths and queries therefore count and do not block; what they would protect (a shell, a
database, a file system, a browser) does not stand behind this API. What remains blocks: bad
reputation, too many requests, clients without a name or with a scanner's, and attacks in headers.

The log has the requests that were blocked, without path, query, body and the headers that say who
asks or what for; other headers of a client's own are in it.
"""

from collections.abc import Iterable

from aws_cdk import aws_apigateway, aws_logs, aws_wafv2
from constructs import Construct

from infra.masking import masking
from infra.names import Names
from infra.stages import Firewall, Stage

RATE_WINDOW_S = 300

type Rule = aws_wafv2.CfnWebACL.RuleProperty

# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
_COUNTED_COMMON = (
    # A body of records has up to 10 MB; the rule blocks what is over 8 KB.
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    # Record ids and names of branches: a URL, `../`, `<b>`, `notes.log`; and long cursors.
    "SizeRestrictions_URIPATH",
    "CrossSiteScripting_URIPATH",
    "EC2MetaDataSSRF_URIPATH",
    "GenericLFI_URIPATH",
    "GenericRFI_URIPATH",
    "RestrictedExtensions_URIPATH",
    "SizeRestrictions_QUERYSTRING",
    "CrossSiteScripting_QUERYARGUMENTS",
    "EC2MetaDataSSRF_QUERYARGUMENTS",
    "GenericLFI_QUERYARGUMENTS",
    "GenericRFI_QUERYARGUMENTS",
    "RestrictedExtensions_QUERYARGUMENTS",
)
# Records that quote an exploit of Java or React are records.
_COUNTED_BAD_INPUTS = (
    "JavaDeserializationRCE_BODY",
    "Log4JRCE_BODY",
    "ReactJSRCE_BODY",
    # A record with such an id could be appended, and never be read or deleted again.
    "ExploitablePaths_URIPATH",
    "JavaDeserializationRCE_URIPATH",
    "JavaDeserializationRCE_QUERYSTRING",
    "Log4JRCE_URIPATH",
    "Log4JRCE_QUERYSTRING",
)


class ApiFirewall(Construct):
    """The web ACL, on the API's stage, and its log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        firewall: Firewall,
        deployed: aws_apigateway.Stage,
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        acl = aws_wafv2.CfnWebACL(
            self,
            "Acl",
            name=names.service,
            description=f"LLM Data Vault {stage.name}: before the API",
            scope="REGIONAL",
            default_action=aws_wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility(names.service),
            rules=list(_rules(firewall)),
            data_protection_config=_hidden(),
        )
        aws_wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=deployed.stage_arn, web_acl_arn=acl.attr_arn
        )
        log = aws_logs.LogGroup(
            self,
            "Log",
            # The prefix is WAF's rule.
            log_group_name=f"aws-waf-logs-{names.service}",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
            data_protection_policy=masking(stage),
        )
        aws_wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[log],
            redacted_fields=_redacted(),
            logging_filter=_blocked_only(),
        )


def _rules(firewall: Firewall) -> Iterable[Rule]:
    """By price: what ends a request early comes first."""
    yield _managed(0, "AWSManagedRulesAmazonIpReputationList")
    yield aws_wafv2.CfnWebACL.RuleProperty(
        name="RequestsPerAddress",
        priority=1,
        action=aws_wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=aws_wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=aws_wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP",
                limit=firewall.requests_per_ip,
                evaluation_window_sec=RATE_WINDOW_S,
            )
        ),
        visibility_config=_visibility("RequestsPerAddress"),
    )
    yield _managed(2, "AWSManagedRulesKnownBadInputsRuleSet", counted=_COUNTED_BAD_INPUTS)
    yield _managed(3, "AWSManagedRulesCommonRuleSet", counted=_COUNTED_COMMON)


def _managed(priority: int, name: str, *, counted: Iterable[str] = ()) -> Rule:
    """One of AWS's rule groups; it blocks, but for the rules that only count."""
    count = aws_wafv2.CfnWebACL.RuleActionProperty(count={})
    return aws_wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=aws_wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=aws_wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=aws_wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    aws_wafv2.CfnWebACL.RuleActionOverrideProperty(name=each, action_to_use=count)
                    for each in counted
                ]
                or None,
            )
        ),
        visibility_config=_visibility(name),
    )


def _visibility(metric: str) -> aws_wafv2.CfnWebACL.VisibilityConfigProperty:
    """Metrics, but no samples: those would show paths and queries to whoever sees the console."""
    return aws_wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, sampled_requests_enabled=False, metric_name=metric
    )


def _hidden() -> aws_wafv2.CfnWebACL.DataProtectionConfigProperty:
    """A rule tells what it matched, which may be a piece of a record or a token: not of these."""
    fields = (
        ("BODY", None),
        ("QUERY_STRING", None),
        ("SINGLE_HEADER", ["authorization"]),
        ("SINGLE_HEADER", ["cookie"]),
    )
    return aws_wafv2.CfnWebACL.DataProtectionConfigProperty(
        data_protections=[
            aws_wafv2.CfnWebACL.DataProtectProperty(
                field=aws_wafv2.CfnWebACL.FieldToProtectProperty(field_type=kind, field_keys=keys),
                action="SUBSTITUTION",
                exclude_rule_match_details=False,
                exclude_rate_based_details=False,
            )
            for kind, keys in fields
        ]
    )


def _redacted() -> list[aws_wafv2.CfnLoggingConfiguration.FieldToMatchProperty]:
    field = aws_wafv2.CfnLoggingConfiguration.FieldToMatchProperty
    return [
        *(
            field(single_header={"Name": name})
            for name in ("authorization", "cookie", "idempotency-key", "x-correlation-id")
        ),
        field(query_string={}),
        field(uri_path={}),
    ]


def _blocked_only() -> dict[str, object]:
    """What was blocked. Nearly every append is counted, for its size; metrics have that."""
    return {
        "DefaultBehavior": "DROP",
        "Filters": [
            {
                "Behavior": "KEEP",
                "Requirement": "MEETS_ANY",
                "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
            }
        ],
    }
