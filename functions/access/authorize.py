"""The API's Lambda authorizer: a bearer token becomes a policy and the caller's context."""

from typing import Any

from datavault.domain.errors import Unauthenticated
from datavault.domain.usage import usage_identifier
from datavault.ports import Vault
from datavault.services.access import authorize
from functions.edge.task import Payload, task


class Unauthorized(Unauthenticated):
    """What API Gateway turns into 401; by its documentation the message is this word alone."""


@task("authorize")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Allow the whole API, since the gateway keeps the answer for the token and not the method.

    It keeps it for minutes, also beyond the token's end, which is therefore told along.
    """
    try:
        bearer = authorize(vault, token=_bearer(payload), correlation_id="")
    except Unauthenticated:
        raise Unauthorized("Unauthorized") from None
    api, stage, _ = payload["methodArn"].split("/", 2)
    return {
        # It is logged, and a subject may be somebody's address.
        "principalId": bearer.caller.workspace,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": f"{api}/{stage}/*",
                }
            ],
        },
        # What the usage plans count by: `adapters.aws.usage_plans`.
        "usageIdentifierKey": usage_identifier(bearer.caller.workspace),
        "context": {
            "subject": bearer.caller.subject,
            "workspace": bearer.caller.workspace,
            "roles": " ".join(sorted(bearer.caller.roles)),
            "expires_s": str(bearer.expires_s),
        },
    }


def _bearer(payload: Payload) -> str:
    """The token of a TOKEN authorizer's event, or of a REQUEST authorizer's headers."""
    headers = {name.lower(): value for name, value in (payload.get("headers") or {}).items()}
    given = payload.get("authorizationToken") or headers.get("authorization") or ""
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no bearer token")
    return str(token).strip()
