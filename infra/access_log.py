"""The API's access log: from which workspace which route was asked, how it went, and nothing that
was sent.

Routes and never paths, queries or bodies, because record ids and filters may be personal data; so
may be a token's subject. Who changed what is in the ledger.
"""

import json

from aws_cdk import aws_apigateway, aws_logs
from constructs import Construct

from infra.masking import masking
from infra.metrics import THROTTLED
from infra.names import METRICS_NAMESPACE, Names
from infra.stages import Stage

# $context names: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
FIELDS = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "workspace": "$context.authorizer.principalId",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_ms": "$context.integrationLatency",
    "error": "$context.error.responseType",
}


class AccessLog(aws_logs.LogGroup):
    """The log, and the metric of what was told 429: API Gateway has one of all 4xx only."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        names = Names(stage.name)
        super().__init__(
            scope,
            construct_id,
            log_group_name=f"/aws/apigateway/{names.service}/access",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
            data_protection_policy=masking(stage),
        )
        # A metric's dimension is a field of the line, so the line names the stage.
        line = FIELDS | {"service": names.service}
        self.format = aws_apigateway.AccessLogFormat.custom(json.dumps(line))
        self.add_metric_filter(
            "Throttled",
            filter_pattern=aws_logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=METRICS_NAMESPACE,
            metric_name=THROTTLED,
            metric_value="1",
            dimensions={"service": "$.service"},
        )
