"""GET /datasets/{dataset_id}/stats."""

from datavault.contracts.stats import DatasetStatsReply, StatsQuery
from datavault.ports import Vault
from datavault.services.datasets.stats import get_dataset_stats
from functions.edge.http import Request, endpoint


@endpoint("get_dataset_stats")
def handler(vault: Vault, request: Request[StatsQuery, None]) -> DatasetStatsReply:
    """Count what a version takes."""
    query = request.query
    stats = get_dataset_stats(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        ref=query.ref,
        base=query.base,
    )
    return DatasetStatsReply.of(stats, request.dataset_id, query)
