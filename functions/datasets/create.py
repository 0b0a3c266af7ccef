"""POST /datasets."""

from datavault.contracts.datasets import CreateDatasetBody, DatasetReply
from datavault.domain.ids import parse_dataset_name
from datavault.ports import Vault
from datavault.services.datasets import create_dataset
from functions.edge.http import Request, endpoint


@endpoint("create_dataset")
def handler(vault: Vault, request: Request[None, CreateDatasetBody]) -> DatasetReply:
    """Create a dataset."""
    body = request.body
    dataset = create_dataset(
        vault,
        caller=request.caller,
        name=parse_dataset_name(body.name),
        description=body.description,
        labels=tuple(sorted(body.labels.items())),
        record_key=body.record_key,
        request=request.once,
    )
    return DatasetReply.of(dataset)
