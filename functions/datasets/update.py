"""PATCH /datasets/{dataset_id}."""

from datavault.contracts.datasets import DatasetReply, UpdateDatasetBody
from datavault.domain.ids import parse_dataset_name
from datavault.ports import Vault
from datavault.services.datasets.changes import Edit, update_dataset
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer, tagged


@endpoint("update_dataset")
def handler(vault: Vault, request: Request[None, UpdateDatasetBody]) -> Answer:
    """Change what is said of a dataset."""
    body = request.body
    dataset = update_dataset(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        edit=Edit(
            None if body.name is None else parse_dataset_name(body.name),
            body.description,
            None if body.labels is None else tuple(sorted(body.labels.items())),
            None if body.metadata is None else tuple(sorted(body.metadata.items())),
        ),
        precondition=request.precondition,
        request=request.once,
        schema=body.record_schema(),
    )
    return tagged(DatasetReply.of(dataset), dataset.etag)
