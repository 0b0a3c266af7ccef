"""Who AWS takes us for: STS tells whoever has credentials, and no permission is needed.

For operators, and so on boto3, which no function imports.
"""

from typing import Any
from uuid import uuid4

from datavault.adapters.aws.credentials import refusal
from datavault.domain.access import Operator
from datavault.domain.errors import Unavailable


def operator_of(client: Any) -> Operator:  # noqa: ANN401
    """Whoever has the credentials of ``client``, boto3's of ``sts``, in a command of their own.

    The identity is the ARN of a user, or of a role and the name of its session.

    Raises:
        Unauthenticated: STS takes us for nobody.
        Unavailable: STS does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        identity = str(client.get_caller_identity()["Arn"])
    except ClientError as error:
        raise refusal("AWS does not say who we are", error) from error
    except BotoCoreError as error:
        raise Unavailable("AWS does not say who we are: STS does not answer") from error
    return Operator(identity, correlation_id=str(uuid4()))
