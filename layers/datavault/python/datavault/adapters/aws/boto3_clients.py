"""boto3's clients, for the few services that we speak to through it.

Importing it takes half a second, paid by the functions that take in files, and by operators.
"""

from typing import Any

import boto3
from botocore.config import Config

from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import CredentialSource, FixedCredentials, Signing


def boto3_client(
    service: str,
    *,
    region: str,
    endpoint: str | None,
    credentials: CredentialSource,
    signing: Signing,
    timeouts: Timeouts,
    ca_file: str | None,
    config: Config | None = None,
) -> Any:  # noqa: ANN401  # boto3 has no types.
    """A client of ``service`` at ``endpoint``, or at AWS's own; ``config`` is what is special.

    ``timeouts`` hold for each attempt, of which there are three, or as many as the environment
    says (``AWS_MAX_ATTEMPTS``). boto3's own are twice 60 s, in a mode for old programs.
    """
    ours = Config(
        connect_timeout=timeouts.connect_s,
        read_timeout=timeouts.read_s,
        retries={"mode": "standard"},
    )
    keys = None
    if signing is Signing.AS_EVERYTHING or isinstance(credentials, FixedCredentials):
        keys = credentials.get()
    # A session of its own: boto3 keeps one for all, as the environment was when it was made.
    return boto3.Session().client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=keys and keys.access_key_id,
        aws_secret_access_key=keys and keys.secret_access_key,
        aws_session_token=keys and keys.token,
        verify=ca_file,
        config=ours if config is None else ours.merge(config),
    )
