"""POST /datasets/{dataset_id}/clone."""

from datavault.contracts.datasets import CloneDatasetBody, DatasetReply
from datavault.domain.ids import parse_dataset_name
from datavault.ports import Vault
from datavault.services.datasets.clones import clone_dataset
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer, tagged


@endpoint("clone_dataset")
def handler(vault: Vault, request: Request[None, CloneDatasetBody]) -> Answer:
    """Make another dataset on the same store."""
    body = request.body
    dataset = clone_dataset(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        ref=body.ref,
        name=parse_dataset_name(body.name),
        description=body.description,
        labels=None if body.labels is None else tuple(body.labels.items()),
        metadata=None if body.metadata is None else tuple(body.metadata.items()),
        request=request.once,
    )
    return tagged(DatasetReply.of(dataset), dataset.etag)
