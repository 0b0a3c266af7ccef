"""Examples of the operations of health."""

from typing import Any

from datavault.contracts.examples.shared import AT

HEALTH_REPLY = {
    "status": "healthy",
    "checks": [
        {"name": "catalog", "status": "healthy", "latency_ms": 4.2, "message": "answers"},
        {"name": "objects", "status": "healthy", "latency_ms": 9.8, "message": "answers"},
        {"name": "keys", "status": "healthy", "latency_ms": 6.1, "message": "answers"},
        {"name": "writes", "status": "healthy", "latency_ms": 3.9, "message": "taken"},
    ],
    "timestamp": AT,
    "version": "0.1.0",
}

REPLIES: dict[str, Any] = {
    "check_live": {**HEALTH_REPLY, "checks": []},
    "check_ready": HEALTH_REPLY,
}
