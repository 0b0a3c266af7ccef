"""The metrics that alarms and dashboard look at, under the names and dimensions that exist.

A metric that nobody emits is no error to CloudWatch: it has no data, and an alarm on it is silent
for ever. So each is made here, and tests compare ours with what `functions.edge` writes. Those of
AWS:

- https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
- https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
- https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
- https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import MathExpression, Metric, Stats

from infra.names import ALIAS, API_STAGE, AUTHORIZER, METRICS_NAMESPACE, TABLES, Names, Row

# What `functions.edge.telemetry` and `functions.edge.business` write.
LATENCY = "latency"
ERRORS = "errors"
REFUSALS = "refusals"
CORRUPT = "corrupt"
KEKS_UNAVAILABLE = "keks_unavailable"
TURNED_AWAY = "turned_away"
DROPS_REFUSED = "drops_refused"
BUSINESS = ("records_appended", "records_deleted", "commits_made", "bytes_in")
# What the API's access log is filtered for: `infra.api`.
THROTTLED = "throttled"

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)


class Metrics:
    """The metrics of one stage."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def ours(self, name: str, *, statistic: str = Stats.SUM, period: Duration = MINUTE) -> Metric:
        """One of our own, over all operations and tasks."""
        return _metric(METRICS_NAMESPACE, name, {"service": self._names.service}, statistic, period)

    def of_operation(
        self, name: str, row: Row, *, statistic: str = Stats.SUM, period: Duration = MINUTE
    ) -> Metric:
        """One of our own, for one operation or task."""
        dimensions = {"operation": row.name, "service": self._names.service}
        return _metric(METRICS_NAMESPACE, name, dimensions, statistic, period)

    def api(self, name: str, *, statistic: str = Stats.SUM, period: Duration = MINUTE) -> Metric:
        """API Gateway's ``Count``, ``4XXError``, ``5XXError``, ``Latency``: of every request."""
        dimensions = {"ApiName": self._names.service, "Stage": API_STAGE}
        return _metric("AWS/ApiGateway", name, dimensions, statistic, period)

    def function(
        self, name: str, row: Row, *, statistic: str = Stats.SUM, period: Duration = MINUTE
    ) -> Metric:
        """Lambda's, of the version or versions that callers reach."""
        function = self._names.function(row)
        dimensions = {"FunctionName": function, "Resource": f"{function}:{ALIAS}"}
        return _metric("AWS/Lambda", name, dimensions, statistic, period)

    def account_functions(
        self, name: str, *, statistic: str = Stats.SUM, period: Duration = MINUTE
    ) -> Metric:
        """Lambda's, of all functions of the account and region, which share one limit."""
        return _metric("AWS/Lambda", name, {}, statistic, period)

    def table(
        self, name: str, table: str, *, statistic: str = Stats.SUM, period: Duration = MINUTE
    ) -> Metric:
        """DynamoDB's, of one of ``TABLES``."""
        dimensions = {"TableName": self._names.table(table)}
        return _metric("AWS/DynamoDB", name, dimensions, statistic, period)

    def server_errors_percent(self, *, requests_min: int, period: Duration) -> MathExpression:
        """The share of requests that the API failed with 5xx; 0 while there are too few.

        Not on our own ``errors``, which know nothing of integrations that fail; but without the
        503 that somebody has decided on: read-only mode, and a workspace's disabled KEK.
        """
        failed = "FILL(failed, 0) - FILL(turned_away, 0)"
        return MathExpression(
            expression=f"IF(requests >= {requests_min}, 100 * ({failed}) / requests, 0)",
            using_metrics={
                "requests": self.api("Count", period=period),
                "failed": self.api("5XXError", period=period),
                "turned_away": self.ours(TURNED_AWAY, period=period),
            },
            label="5xx, % of requests",
            period=period,
        )

    def successes(self, *, requests_min: int, period: Duration) -> MathExpression:
        """Requests that the API answered with 2xx or 3xx; 1 while there are too few to tell."""
        return MathExpression(
            expression=(
                f"IF(requests >= {requests_min}, requests - FILL(refused, 0) - FILL(failed, 0), 1)"
            ),
            using_metrics={
                "requests": self.api("Count", period=period),
                "refused": self.api("4XXError", period=period),
                "failed": self.api("5XXError", period=period),
            },
            label="requests that went well",
            period=period,
        )

    def failures_percent(self, row: Row, *, failures_min: int, period: Duration) -> MathExpression:
        """The share of a function's runs that failed; 0 while there are too few.

        A handler answers for what it caught, which Lambda counts as a success; what ends a function
        (time, memory, an import) only Lambda counts. A task is counted by both: it is a bound from
        above. Of the authorizer Lambda's count is left out: raising is how it refuses a token.
        """
        failed = {"answered": self.of_operation(ERRORS, row, period=period)}
        if row.name != AUTHORIZER:
            failed["raised"] = self.function("Errors", row, period=period)
        total = " + ".join(f"FILL({name}, 0)" for name in failed)
        return MathExpression(
            expression=f"IF({total} >= {failures_min}, 100 * ({total}) / FILL(runs, 1), 0)",
            using_metrics={**failed, "runs": self.function("Invocations", row, period=period)},
            label=f"{row.name}: failures, % of runs",
            period=period,
        )

    def tables_throttled(self, *, period: Duration) -> MathExpression:
        """Reads and writes that DynamoDB turned away, over all tables."""
        using = {
            f"{table}_{kind.lower()}": self.table(f"{kind}ThrottleEvents", table, period=period)
            for table in TABLES
            for kind in ("Read", "Write")
        }
        return MathExpression(
            # DynamoDB writes no datum where nothing was throttled.
            expression=" + ".join(f"FILL({name}, 0)" for name in using),
            using_metrics=using,
            label="throttled reads and writes",
            period=period,
        )


def _metric(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, period: Duration
) -> Metric:
    return Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=period,
    )
