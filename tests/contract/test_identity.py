"""Who AWS takes an operator for: there is no twin, for in memory nobody has credentials."""

import pytest

from datavault.domain.errors import Unavailable
from datavault.wiring import AwsVault
from tests.contract.played import AwsPlayed


def test_an_operator_is_who_has_the_credentials_and_one_command(aws: AwsPlayed) -> None:
    operator = aws.vault.operator
    assert operator.identity.startswith("arn:aws:iam::")
    assert aws.vault.operator is operator, "asked once"
    another = AwsVault(aws.environment)
    try:
        assert another.operator.identity == operator.identity
        assert another.operator.correlation_id != operator.correlation_id
    finally:
        another.close()


def test_without_an_answer_nobody_is_an_operator(
    aws: AwsPlayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nowhere = AwsVault(aws.environment | {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable, match="STS does not answer"):
        _ = nowhere.operator
