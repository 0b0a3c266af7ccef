"""POST /datasets/{dataset_id}/archive."""

from datavault.contracts.datasets import DatasetReply
from datavault.ports import Vault
from datavault.services.datasets.changes import archive_dataset
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer, tagged


@endpoint("archive_dataset")
def handler(vault: Vault, request: Request[None, None]) -> Answer:
    """Take no more changes to a dataset."""
    dataset = archive_dataset(
        vault, caller=request.caller, dataset_id=request.dataset_id, request=request.once
    )
    return tagged(DatasetReply.of(dataset), dataset.etag)
