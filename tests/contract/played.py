"""AWS played on a loopback port: the local cloud with the vault's tables and bucket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from datavault.domain.rows import Table
from datavault.local.cloud import LocalCloud
from datavault.wiring import AwsVault

BUCKET = "contract-objects"
LANDING = "contract-landing"
BUS = "contract-bus"


@dataclass(frozen=True, slots=True)
class AwsPlayed:
    """A vault on it, the environment it was made from, and an operator's clients."""

    vault: AwsVault
    environment: dict[str, str]
    dynamodb: Any
    s3: Any
    kms: Any
    gateway: Any
    states: Any
    events: Any
    sqs: Any
    streams: Any
    letters_url: str

    def disable_kek(self, kek: str) -> None:
        """What a KEK's owner may do at any time."""
        self.kms.disable_key(KeyId=kek)


@contextmanager
def play_aws() -> Iterator[AwsPlayed]:
    """Start it, and stop it in the end."""
    with LocalCloud.start() as cloud:
        credentials = cloud.credentials()
        environment = {
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_REGION": credentials["region_name"],
            "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
            "VAULT_OBJECTS__BUCKET": BUCKET,
            "VAULT_LANDING__BUCKET": LANDING,
        }
        dynamodb, s3 = cloud.boto3("dynamodb"), cloud.boto3("s3")
        states = cloud.boto3("stepfunctions")
        environment["VAULT_WORKFLOWS__PREFIX"] = _create_machines(states)
        for table in Table:
            environment[f"VAULT_TABLES__{table.name}"] = f"contract-{table.value}"
            _create_table(dynamodb, f"contract-{table.value}")
        for bucket in (BUCKET, LANDING):
            s3.create_bucket(Bucket=bucket)
        events, sqs = cloud.boto3("events"), cloud.boto3("sqs")
        letters = sqs.create_queue(QueueName="contract-letters")["QueueUrl"]
        environment["VAULT_EVENTS__BUS"] = BUS
        environment["VAULT_EVENTS__DEAD_LETTERS"] = letters
        bus = events.create_event_bus(Name=BUS)["EventBusArn"]
        events.create_archive(ArchiveName=BUS, EventSourceArn=bus)
        vault = AwsVault(environment)
        clients = (
            dynamodb,
            s3,
            cloud.boto3("kms"),
            cloud.boto3("apigateway"),
            states,
            events,
            sqs,
            cloud.boto3("dynamodbstreams"),
        )
        try:
            yield AwsPlayed(vault, environment, *clients, letters)
        finally:
            vault.close()
            for client in clients:
                client.close()


def _create_table(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )


def _create_machines(states: Any) -> str:
    """State machines that wait, end well and end badly; what the ARNs of all begin with."""
    ends = {
        "waits": {"Type": "Wait", "Seconds": 600, "End": True},
        "succeeds": {"Type": "Succeed"},
        "fails": {"Type": "Fail", "Error": "Corrupt", "Cause": "a test's"},
    }
    arn = ""
    for name, state in ends.items():
        definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state}}
        arn = states.create_state_machine(
            name=f"contract-machine-{name}",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::000000000000:role/contract",
        )["stateMachineArn"]
    return str(arn.removesuffix("fails"))
