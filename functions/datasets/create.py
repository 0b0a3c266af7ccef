"""POST /datasets."""

from datavault.contracts.datasets import CreateDatasetBody, DatasetReply
from datavault.domain.ids import parse_dataset_name
from datavault.ports import Vault
from datavault.services.datasets import create_dataset
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer, tagged


@endpoint("create_dataset")
def handler(vault: Vault, request: Request[None, CreateDatasetBody]) -> Answer:
    """Create a dataset."""
    body = request.body
    dataset = create_dataset(
        vault,
        caller=request.caller,
        name=parse_dataset_name(body.name),
        description=body.description,
        labels=tuple(sorted(body.labels.items())),
        metadata=tuple(sorted(body.metadata.items())),
        record_key=body.record_key,
        request=request.once,
        schema=body.record_schema(),
    )
    return tagged(DatasetReply.of(dataset), dataset.etag)
