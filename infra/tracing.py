"""Which requests are traced: X-Ray's sampling rule of a stage.

The API starts a trace and hands it to the functions, so one rule decides for both. What starts by
schedule is sampled by Lambda's own rule. Functions load no X-Ray SDK, which would add 200 ms to
each cold start: log lines and the access log carry the trace's id beside the correlation id.
"""

from aws_cdk import aws_xray
from constructs import Construct

from infra.names import API_STAGE, Names
from infra.stages import Sampling, Stage

# Before X-Ray's own rule, which is at 10000, and with room for an operator's rules before this one.
_PRIORITY = 1000


class StageSampling(Construct):
    """``sampling`` for the requests to the stage's API."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, sampling: Sampling
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        aws_xray.CfnSamplingRule(
            self,
            "Rule",
            sampling_rule=aws_xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name=names.service,
                version=1,
                priority=_PRIORITY,
                reservoir_size=sampling.reservoir,
                fixed_rate=sampling.rate,
                # X-Ray's names of an API of API Gateway.
                service_name=f"{names.service}/{API_STAGE}",
                service_type="AWS::ApiGateway::Stage",
                host="*",
                http_method="*",
                url_path="*",
                resource_arn="*",
            ),
        )
