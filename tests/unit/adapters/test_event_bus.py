"""What the bus makes of EventBridge's answers, entry by entry."""

import json
from collections.abc import Iterator

import pytest

from datavault.adapters.aws.bus import EventBridgeBus
from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.credentials import Credentials, FixedCredentials
from datavault.adapters.aws.errors import AwsError
from datavault.domain.deliveries import Delivery, Notice
from datavault.domain.errors import Unavailable
from tests.unit.adapters.scripted import Answer, ScriptedServer

NOTICES = [Notice("io.llm-data-vault.records.appended", 1_767_225_600_123, "{}")] * 12
TAKEN, LATER, NEVER = Delivery.TAKEN, Delivery.LATER, Delivery.NEVER


@pytest.fixture
def bus(server: ScriptedServer) -> Iterator[EventBridgeBus]:
    client = JsonClient(
        service="events",
        region="eu-west-1",
        endpoint=server.url,
        target="AWSEvents",
        json_version="1.1",
        credentials=FixedCredentials(Credentials("AKID", "SECRET", "TOKEN")),
        sleep=lambda _: None,
    )
    yield EventBridgeBus(client, "vault")
    client.close()


def results(*codes: str) -> Answer:
    """An answer in which an empty code is an entry that was taken."""
    entries = [
        {"ErrorCode": code, "ErrorMessage": "no"} if code else {"EventId": "1"} for code in codes
    ]
    return Answer(body=json.dumps({"Entries": entries, "FailedEntryCount": 1}).encode())


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("", TAKEN),
        ("ThrottlingException", LATER),
        ("InternalFailure", LATER),
        ("InternalException", LATER),
        ("NotAuthorizedForSourceException", NEVER),
        ("MalformedDetail", NEVER),
        ("NobodyKnows", NEVER),
    ],
)
def test_each_entry_has_an_outcome_of_its_own(
    bus: EventBridgeBus, server: ScriptedServer, code: str, outcome: Delivery
) -> None:
    server.script(results("", code, ""))
    assert bus.put(NOTICES[:3]) == [TAKEN, outcome, TAKEN]


def test_behind_a_call_with_one_for_later_nothing_is_sent(
    bus: EventBridgeBus, server: ScriptedServer
) -> None:
    server.script(results(*[""] * 4, "ThrottlingException", *[""] * 5))
    assert bus.put(NOTICES) == [TAKEN] * 4 + [LATER] + [TAKEN] * 5 + [LATER] * 2
    assert len(server.requests) == 1


def test_ten_go_at_a_time_and_each_names_the_bus(
    bus: EventBridgeBus, server: ScriptedServer
) -> None:
    server.script(results(*[""] * 10), results("", ""))
    assert bus.put(NOTICES) == [TAKEN] * 12
    sent = [json.loads(request.body)["Entries"] for request in server.requests]
    assert [len(each) for each in sent] == [10, 2]
    assert sent[0][0] == {
        "EventBusName": "vault",
        "Source": "io.llm-data-vault",
        "DetailType": "io.llm-data-vault.records.appended",
        "Detail": "{}",
        "Time": 1_767_225_600,
    }


def test_a_bus_that_does_not_answer_is_unavailable(
    bus: EventBridgeBus, server: ScriptedServer
) -> None:
    server.script(Answer(500))
    with pytest.raises(Unavailable):
        bus.put(NOTICES[:1])


def test_a_bus_that_we_may_not_use_is_nobodys_event(
    bus: EventBridgeBus, server: ScriptedServer
) -> None:
    server.script(Answer(400, json.dumps({"__type": "AccessDeniedException"}).encode()))
    with pytest.raises(AwsError):
        bus.put(NOTICES[:1])
