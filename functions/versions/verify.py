"""GET /datasets/{dataset_id}/verify."""

from datavault.contracts.versions.verification import VerifyQuery, VerifyReply
from datavault.ports import Vault
from datavault.services.versions.verification import verify_version
from functions.edge.http import Request, endpoint


@endpoint("verify_version")
def handler(vault: Vault, request: Request[VerifyQuery, None]) -> VerifyReply:
    """Verify a part of a version."""
    query = request.query
    checked = verify_version(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        ref=query.ref,
        cursor=query.cursor,
    )
    return VerifyReply.of(checked, request.dataset_id, query)
