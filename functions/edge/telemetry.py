"""One log line and a few metrics for each operation: how it went, never what it carried.

Every metric is there twice: under ``operation`` and ``service``, and under ``service`` alone, which
is the whole stage and what alarms watch. Zeroes are written of errors and refusals only; of the
rest, no datum means that there was none, and costs nothing.

No body, record id, query string, header or token is logged, and of an exception its type and
where it was raised: messages may quote the data they choked on.
"""

import re
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from datavault.domain.errors import Corrupt, KekUnavailable, ReadOnly

NAMESPACE = "DataVault"
FRAMES_MAX = 12
CORRUPT = "corrupt"
TURNED_AWAY = "turned_away"

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
# The service's name, ``datavault-`` and the stage, is Powertools' own setting
# (POWERTOOLS_SERVICE_NAME), and tells the stages of one account apart.
_logger = Logger()
_metrics = Metrics(namespace=NAMESPACE)

_ZEROES = frozenset({"errors", "refusals"})
# Failures that have an alarm of their own.
_COUNTED: Mapping[type[Exception], str] = {Corrupt: CORRUPT, KekUnavailable: "keks_unavailable"}
# Answered with 503 by somebody's decision, the operator's or a key owner's: refusals, not errors.
# Alarms take them off what the API counts as 5xx.
_DECIDED = (ReadOnly, KekUnavailable)


def correlation_id_of(given: str | None, request_id: str | None) -> str:
    """The caller's correlation id if it is one, else the gateway's request id, else a new one.

    It goes as it is into logs and ledger, which keeps it for good: callers must not put personal
    data there. The form has room for the ids of tracers and for none of e-mail addresses.
    """
    for candidate in (given, request_id):
        if candidate is not None and _CORRELATION_ID.fullmatch(candidate):
            return candidate
    return str(uuid.uuid4())


@dataclass(slots=True)
class Observation:
    """One run of an operation, from its start to ``report``."""

    operation: str
    correlation_id: str
    started: float = field(default_factory=time.perf_counter)

    def report(
        self,
        code: str,
        *,
        status: int,
        failure: Exception | None = None,
        counts: Mapping[str, int] | None = None,
        **sizes: int,
    ) -> None:
        """Write the line and the metrics. ``failure`` is traced when the fault is ours,
        which a ``status`` of 5xx says but for what somebody has decided.

        ``counts`` are metrics as well as part of the line, ``sizes`` are in the line only.
        """
        latency_ms = (time.perf_counter() - self.started) * 1000
        turned_away = status >= 500 and isinstance(failure, _DECIDED)
        server_fault = status >= 500 and not turned_away
        line: dict[str, Any] = {
            "operation": self.operation,
            "status": status,
            "code": code,
            "latency_ms": round(latency_ms, 3),
            **sizes,
            **(counts or {}),
        }
        if failure is not None and server_fault:
            line["failure"] = _trace(failure)
        _logger.set_correlation_id(self.correlation_id)
        (_logger.error if server_fault else _logger.info)(self.operation, extra=line)
        found = {
            "errors": int(server_fault),
            "refusals": int(status >= 400 and not server_fault),
            TURNED_AWAY: int(turned_away),
        }
        self._measure(latency_ms, found | _counted(failure) | dict(counts or {}))

    def _measure(self, latency_ms: float, counts: Mapping[str, int]) -> None:
        _metrics.add_dimension(name="operation", value=self.operation)
        if service := _metrics.provider.service:
            _metrics.add_dimensions(service=service)
        _metrics.add_metric("latency", MetricUnit.Milliseconds, latency_ms)
        for name, count in counts.items():
            if count or name in _ZEROES:
                _metrics.add_metric(name, MetricUnit.Count, count)
        _metrics.flush_metrics()


def _counted(failure: Exception | None) -> dict[str, int]:
    return {name: 1 for kind, name in _COUNTED.items() if isinstance(failure, kind)}


def _trace(failure: BaseException) -> list[Mapping[str, Any]]:
    """The failure and its causes, innermost last: types, places, and AWS's or the vault's code."""
    chain: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = failure
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-FRAMES_MAX:]
        place: dict[str, Any] = {
            "type": f"{type(current).__module__}.{type(current).__qualname__}",
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        # A word of a protocol, unlike the message beside it.
        if isinstance(code := getattr(current, "code", None), str):
            place["code"] = code
        chain.append(place)
        current = current.__cause__ or current.__context__
    return chain
