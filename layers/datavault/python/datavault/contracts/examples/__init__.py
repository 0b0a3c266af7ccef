"""Examples of requests and replies, for the OpenAPI document; a test parses each by its model."""

from typing import Any

from datavault.contracts.examples import datasets, health, ingest, jobs, records, versions

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    **datasets.PATH_PARAMETERS,
    **records.PATH_PARAMETERS,
    **versions.PATH_PARAMETERS,
    **jobs.PATH_PARAMETERS,
    **ingest.PATH_PARAMETERS,
}
REQUESTS: dict[str, Any] = {
    **datasets.REQUESTS,
    **records.REQUESTS,
    **versions.REQUESTS,
    **ingest.REQUESTS,
}
REPLIES: dict[str, Any] = {
    **datasets.REPLIES,
    **records.REPLIES,
    **versions.REPLIES,
    **jobs.REPLIES,
    **ingest.REPLIES,
    **health.REPLIES,
}

LINES = '{"id":"chat-0001","prompt":"What is a vault?","response":"A room that locks."}\n'
