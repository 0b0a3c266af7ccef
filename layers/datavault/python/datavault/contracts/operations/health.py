"""Rows of the table: health, and what describes the API."""

from datavault.contracts import health
from datavault.contracts.operations.rows import HTML, Grant, Operation

ROWS: tuple[Operation, ...] = (
    Operation(
        name="check_live",
        capability="health",
        method="GET",
        path="/health/live",
        summary="Say that the service answers",
        action=None,
        reply=health.HealthReply,
        status=200,
        function="functions.health.live",
        grants=frozenset(),
        memory_mb=256,
    ),
    Operation(
        name="check_ready",
        capability="health",
        method="GET",
        path="/health/ready",
        summary="Probe the catalog, the objects and the keys for real",
        action=None,
        reply=health.HealthReply,
        status=200,
        function="functions.health.ready",
        # Asking KMS for a sign of life takes no permission.
        grants=frozenset({Grant.CATALOG_READ, Grant.OBJECTS_READ}),
    ),
    Operation(
        name="describe_api",
        capability="health",
        method="GET",
        path="/openapi.json",
        summary="This API as an OpenAPI 3.1 document",
        action=None,
        status=200,
        function="functions.health.openapi",
        grants=frozenset(),
    ),
    Operation(
        name="browse_docs",
        capability="health",
        method="GET",
        path="/docs",
        summary="This API as a page to read",
        action=None,
        returns=(HTML,),
        status=200,
        function="functions.health.docs",
        grants=frozenset(),
    ),
)
