"""The dashboard of a stage: rate, errors and duration of each operation, business, limits, cost.

It follows from the table of operations. CloudWatch draws at most 500 metrics in a widget and 2500
on a dashboard; an operation has seven.
"""

from collections.abc import Iterable

from aws_cdk import Aws, Duration
from aws_cdk.aws_cloudwatch import (
    Dashboard,
    GraphWidget,
    IMetric,
    IWidget,
    Metric,
    PeriodOverride,
    Stats,
    TextWidget,
    YAxisProps,
)
from constructs import Construct

from datavault.contracts.operations import OPERATIONS, TASKS, Operation, Task
from infra import metrics
from infra.metrics import FIVE_MINUTES, Metrics
from infra.names import TABLES, Names
from infra.stages import Stage

METRICS_PER_WIDGET_MAX = 500
METRICS_MAX = 2500
_THIRD = 8
_PERCENTILES = (50, 95, 99)
_MS = YAxisProps(label="ms", show_units=False, min=0)
_COUNT = YAxisProps(label="count", show_units=False, min=0)


class StageDashboard(Dashboard):
    """All of a stage on one page."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        names = Names(stage.name)
        super().__init__(
            scope,
            construct_id,
            dashboard_name=names.service,
            default_interval=Duration.hours(3),
            period_override=PeriodOverride.AUTO,
        )
        of = Metrics(names)
        self.url = (
            f"https://{Aws.REGION}.console.aws.amazon.com/cloudwatch/home"
            f"?region={Aws.REGION}#dashboards/dashboard/{names.service}"
        )
        self.add_widgets(*_heading(f"# LLM Data Vault: {stage.name}"))
        self.add_widgets(*_whole(of))
        self.add_widgets(*_business(of))
        self.add_widgets(*_limits(of, names))
        self.add_widgets(*_cost(of))
        for capability in dict.fromkeys(row.capability for row in OPERATIONS):
            rows = [row for row in OPERATIONS if row.capability == capability]
            self.add_widgets(*_heading(f"## {capability}"))
            self.add_widgets(*_red(of, rows))
        self.add_widgets(*_heading("## tasks and the authorizer"))
        self.add_widgets(*_red(of, TASKS))


def _heading(text: str) -> Iterable[IWidget]:
    return [TextWidget(markdown=text, width=24, height=1)]


def _graph(title: str, shown: Iterable[IMetric], axis: YAxisProps) -> GraphWidget:
    return GraphWidget(title=title, left=list(shown), width=_THIRD, height=6, left_y_axis=axis)


def _red(of: Metrics, rows: Iterable[Operation | Task]) -> Iterable[IWidget]:
    """Rate, errors and refusals, and duration of some operations."""

    def each(name: str, statistic: str, label: str = "") -> list[Metric]:
        return [
            of.of_operation(name, row, statistic=statistic, period=FIVE_MINUTES).with_(
                label=f"{row.name}{label}"
            )
            for row in rows
        ]

    durations = [
        metric
        for percentile in _PERCENTILES
        for metric in each(metrics.LATENCY, Stats.percentile(percentile), f" p{percentile}")
    ]
    failures = [
        *each(metrics.ERRORS, Stats.SUM, " errors"),
        *each(metrics.REFUSALS, Stats.SUM, " refusals"),
    ]
    return [
        # Every run has a latency, so its samples are the runs.
        _graph("rate", each(metrics.LATENCY, Stats.SAMPLE_COUNT), _COUNT),
        _graph("errors (5xx) and refusals (4xx)", failures, _COUNT),
        _graph("duration", durations, _MS),
    ]


def _whole(of: Metrics) -> Iterable[IWidget]:
    """What clients see of the API."""
    return [
        _graph("requests", [of.api("Count", period=FIVE_MINUTES)], _COUNT),
        _graph(
            "5xx and 4xx",
            [of.api("5XXError", period=FIVE_MINUTES), of.api("4XXError", period=FIVE_MINUTES)],
            _COUNT,
        ),
        _graph(
            "latency",
            [
                of.api("Latency", statistic=Stats.percentile(each), period=FIVE_MINUTES)
                for each in _PERCENTILES
            ],
            _MS,
        ),
    ]


def _business(of: Metrics) -> Iterable[IWidget]:
    """What the vault is used for."""
    records, deleted, commits, received = (
        of.ours(name, period=FIVE_MINUTES) for name in metrics.BUSINESS
    )
    return [
        _graph("records appended and deleted", [records, deleted], _COUNT),
        _graph("commits made", [commits], _COUNT),
        _graph("bytes in", [received], YAxisProps(label="bytes", show_units=False, min=0)),
    ]


def _limits(of: Metrics, names: Names) -> Iterable[IWidget]:
    """What is near its limit or was turned away."""
    corrupt, keks = (
        of.ours(name, period=FIVE_MINUTES) for name in (metrics.CORRUPT, metrics.KEKS_UNAVAILABLE)
    )
    return [
        _graph(
            "turned away",
            [
                of.ours(metrics.THROTTLED, period=FIVE_MINUTES).with_(label="API (429)"),
                of.account_functions("Throttles", period=FIVE_MINUTES).with_(label="functions"),
                of.tables_throttled(period=FIVE_MINUTES),
                _blocked(names),
            ],
            _COUNT,
        ),
        _graph(
            "functions at once, in the account",
            [of.account_functions("ConcurrentExecutions", statistic=Stats.MAXIMUM)],
            _COUNT,
        ),
        _graph("corrupt, and KEKs that are refused", [corrupt, keks], _COUNT),
    ]


def _cost(of: Metrics) -> Iterable[IWidget]:
    """What the bill is made of: capacity, time of functions, and calls of KMS."""
    capacity = [
        of.table(f"Consumed{kind}CapacityUnits", table, period=FIVE_MINUTES).with_(
            label=f"{table} {kind.lower()}"
        )
        for table in TABLES
        for kind in ("Read", "Write")
    ]
    # Of the account's quotas: Decrypt, Encrypt, GenerateDataKey under symmetric keys, all in one.
    keys = Metric(
        namespace="AWS/Usage",
        metric_name="CallCount",
        dimensions_map={
            "Service": "KMS",
            "Type": "API",
            "Resource": "CryptographicOperationsSymmetric",
            "Class": "None",
        },
        statistic=Stats.SUM,
        period=FIVE_MINUTES,
        label="KMS, in the account",
    )
    rows: tuple[Operation | Task, ...] = (*OPERATIONS, *TASKS)
    durations = [
        of.function("Duration", row, period=FIVE_MINUTES).with_(label=row.name) for row in rows
    ]
    return [
        _graph("capacity units of tables", capacity, _COUNT),
        _graph("calls of KMS", [keys], _COUNT),
        _graph("milliseconds of functions", durations, _MS),
    ]


def _blocked(names: Names) -> Metric:
    return Metric(
        namespace="AWS/WAFV2",
        metric_name="BlockedRequests",
        dimensions_map={"WebACL": names.service, "Region": Aws.REGION, "Rule": "ALL"},
        statistic=Stats.SUM,
        period=FIVE_MINUTES,
        label="web ACL",
    )
