"""What is done over the API is told on the bus, to whoever makes a rule there."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from datavault.contracts.event_schemas import file_name
from datavault.contracts.events import read
from datavault.domain.events import told
from datavault.domain.ledger import Entry
from datavault.domain.rows import Key, Row, Table
from tests.e2e.deployment import Deployment, Person, Shelf, Tenant

SCHEMAS = Path(__file__).parents[2] / "events/schemas"
SECONDS_MAX = 60


class Subscriber:
    """A team with a rule of its own on the bus, and a queue."""

    def __init__(self, deployed: Deployment, tenant: Tenant) -> None:
        self._sqs, self._events = deployed.client("sqs"), deployed.client("events")
        self._bus = deployed.deployed.values["EventBus"]
        self._name = f"team-{uuid4().hex[:12]}"
        self.url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        pattern = {"source": ["io.llm-data-vault"], "detail": {"workspace": [tenant.id]}}
        self.rule = self._events.put_rule(
            Name=self._name, EventBusName=self._bus, EventPattern=json.dumps(pattern)
        )["RuleArn"]
        target = {"Id": "queue", "Arn": found["Attributes"]["QueueArn"]}
        self._events.put_targets(Rule=self._name, EventBusName=self._bus, Targets=[target])

    def received(self, count: int) -> list[dict[str, Any]]:
        """The next ``count`` events, as they come."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + SECONDS_MAX
        while len(found) < count and time.monotonic() < deadline:
            got = self._sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for each in got.get("Messages", ()):
                found.append(json.loads(each["Body"])["detail"])
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        assert len(found) == count, found
        return found

    def leave(self) -> None:
        self._events.remove_targets(Rule=self._name, EventBusName=self._bus, Ids=["queue"])
        self._events.delete_rule(Name=self._name, EventBusName=self._bus)
        self._sqs.delete_queue(QueueUrl=self.url)


@pytest.fixture
def subscriber(deployed: Deployment, tenant: Tenant) -> Iterator[Subscriber]:
    made = Subscriber(deployed, tenant)
    yield made
    made.leave()


def command(deployed: Deployment, *words: str) -> str:
    """What ``datavault events`` says to an operator; it has to go well."""
    done = deployed.command("events", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def change(admin: Person) -> list[Shelf]:
    """Two datasets with some history: eight entries that are told."""
    first, second = admin.dataset("first"), admin.dataset("second")
    first.append({"ada@example.com": '{"text":"a secret"}'})
    second.append({"b": '{"n":1}', "c": '{"n":2}'})
    first.commit("for ada@example.com")
    first.branch("dev")
    first.remove("ada@example.com")
    second.commit()
    return [first, second]


KINDS = [
    [
        "datasets.created",
        "records.appended",
        "versions.committed",
        "versions.branch_created",
        "records.deleted",
    ],
    ["datasets.created", "records.appended", "versions.committed"],
]


def test_changes_are_told_in_order_and_as_their_schemas_say(
    admin: Person, subscriber: Subscriber
) -> None:
    shelves = change(admin)
    told_of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in subscriber.received(8):
        kind, _, version = event["dataschema"].partition("#")[0].rpartition(":")[2].rpartition(".v")
        schema = json.loads((SCHEMAS / file_name(kind, int(version))).read_text())
        Draft202012Validator(schema).validate(event)
        assert read(json.dumps(event)).type == f"io.llm-data-vault.{kind}"
        told_of[event["subject"]].append(event)
        assert "ada@" not in json.dumps(event)
        assert "secret" not in json.dumps(event)
    for shelf, kinds in zip(shelves, KINDS, strict=True):
        events = told_of[shelf.id]
        assert [int(each["sequence"]) for each in events] == list(range(1, len(kinds) + 1))
        assert [each["type"].removeprefix("io.llm-data-vault.") for each in events] == kinds
    commit = told_of[shelves[0].id][2]["data"]
    assert commit["commit"] == shelves[0].log()[0]["id"]


def test_operators_have_events_sent_again_as_they_were(
    deployed: Deployment, tenant: Tenant, subscriber: Subscriber
) -> None:
    began = time.time() - 60
    change(tenant.admin)
    before = {event["id"]: event for event in subscriber.received(8)}
    span = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (began, began + 600)]
    command(deployed, "republish", tenant.id, "--from", span[0], "--to", span[1])
    assert {event["id"]: event for event in subscriber.received(8)} == before
    said = command(
        deployed, "replay", "--from", span[0], "--to", span[1], "--rule", subscriber.rule
    )
    assert "completed" in said
    # The archive has them twice by now.
    assert {event["id"]: event for event in subscriber.received(16)} == before
    _put_letter(deployed, tenant)
    assert "1 letters" in command(deployed, "redrive")
    (again,) = subscriber.received(1)
    assert before[again["id"]] == again


def _put_letter(deployed: Deployment, tenant: Tenant) -> None:
    """What the publisher writes of an entry that it cannot publish."""
    rows = [
        Row(
            Key(Table.LEDGER, item["pk"]["S"], item["sk"]["S"]),
            {
                name: int(cell["N"]) if "N" in cell else cell["S"]
                for name, cell in item.items()
                if name not in {"pk", "sk"}
            },
        )
        for item in tenant.ledger()
    ]
    row = next(each for each in rows if told(Entry.of(each)) is not None)
    letter = {"partition": row.key.partition, "sort": row.key.sort, "reason": "refused"}
    deployed.client("sqs").send_message(
        QueueUrl=deployed.deployed.values["DeadLetters"], MessageBody=json.dumps(letter)
    )
