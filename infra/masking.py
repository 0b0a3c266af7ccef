"""What CloudWatch masks in logs by itself: the second line of defence.

The first is that functions log no content (`functions.edge.telemetry`, and its tests). Should a
library or a future change do so nevertheless, readers without ``logs:Unmask`` do not see it.
"""

from aws_cdk import aws_logs
from aws_cdk.aws_logs import DataIdentifier

from infra.stages import Stage

_IDENTIFIERS = (
    DataIdentifier.EMAILADDRESS,
    DataIdentifier.CREDITCARDNUMBER,
    DataIdentifier.AWSSECRETKEY,
    DataIdentifier.PKCSPRIVATEKEY,
    DataIdentifier.OPENSSHPRIVATEKEY,
    DataIdentifier.SSN_US,
    DataIdentifier.PHONENUMBER_US,
    DataIdentifier.BANKACCOUNTNUMBER_DE,
    DataIdentifier.BANKACCOUNTNUMBER_GB,
    # A bearer token: two base64url parts of JSON and a signature.
    aws_logs.CustomDataIdentifier("BearerToken", r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[\w-]+"),
)


def masking(stage: Stage) -> aws_logs.DataProtectionPolicy | None:
    """The policy for one log group, where the stage wants it."""
    if not stage.mask_logs:
        return None
    return aws_logs.DataProtectionPolicy(
        name="Masking",
        description="Personal data and credentials, which should not be here",
        identifiers=list(_IDENTIFIERS),
    )
