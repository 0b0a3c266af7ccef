"""GET /datasets/{dataset_id}."""

from datavault.contracts.datasets import DescribedDatasetReply
from datavault.ports import Vault
from datavault.services.datasets import describe_dataset
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer, tagged


@endpoint("describe_dataset")
def handler(vault: Vault, request: Request[None, None]) -> Answer:
    """Describe one dataset."""
    found = describe_dataset(vault, caller=request.caller, dataset_id=request.dataset_id)
    reply = DescribedDatasetReply.describing(found.dataset, found.schema)
    return tagged(reply, found.dataset.etag)
