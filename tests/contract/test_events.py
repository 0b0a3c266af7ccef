"""What ``ports.Bus``, ``ports.DeadLetters`` and ``ports.EventArchive`` promise."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from datavault.adapters.limits import EVENT_CALL_BYTES_MAX
from datavault.adapters.memory.archive import MemoryEventArchive
from datavault.adapters.memory.bus import MemoryBus
from datavault.adapters.memory.dead_letters import MemoryDeadLetters
from datavault.domain.deliveries import Delivery, Letter, Notice, Taken
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.rows import Key, Table
from datavault.event_ports import Bus, DeadLetters, EventArchive
from datavault.ports import Vault
from tests.contract.played import BUS, AwsPlayed

TYPE = "io.llm-data-vault.records.appended"
AT_MS = 1_767_225_600_123

type Received = Callable[[int], list[str]]


@pytest.fixture
def bus(vault: Vault) -> Bus:
    return vault.bus


@pytest.fixture
def letters(vault: Vault) -> DeadLetters:
    """Without those of other tests."""
    found = vault.dead_letters
    while taken := found.take(10):
        for each in taken:
            found.remove(each)
    return found


@pytest.fixture
def received(vault: Vault, name: str, request: pytest.FixtureRequest) -> Iterator[Received]:
    """The texts that a subscriber of this test's type has got, when there are so many."""
    if isinstance(vault.bus, MemoryBus):
        twin = vault.bus
        yield lambda count: [notice.text for notice in twin.taken if notice.type.endswith(name)]
        return
    played: AwsPlayed = request.getfixturevalue("aws")
    url, rule = _subscribe(played, name)

    def receive(count: int) -> list[str]:
        found: list[str] = []
        for _ in range(20):
            got = played.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for each in got.get("Messages", ()):
                found.append(json.dumps(json.loads(each["Body"])["detail"]))
                played.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            if len(found) >= count:
                break
        return found

    yield receive
    played.events.remove_targets(Rule=rule, EventBusName=BUS, Ids=["queue"])
    played.events.delete_rule(Name=rule, EventBusName=BUS)


def _subscribe(played: AwsPlayed, name: str) -> tuple[str, str]:
    url = played.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = played.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {"source": ["io.llm-data-vault"], "detail-type": [{"suffix": name}]}
    played.events.put_rule(Name=name, EventBusName=BUS, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    played.events.put_targets(Rule=name, EventBusName=BUS, Targets=[target])
    return url, name


def notice(name: str, number: int, *, size: int = 0) -> Notice:
    return Notice(f"{TYPE}.{name}", AT_MS, json.dumps({"n": number, "x": "x" * size}))


def test_what_is_taken_reaches_a_subscriber_as_it_was(
    bus: Bus, name: str, received: Received
) -> None:
    notices = [notice(name, number) for number in range(23)]
    assert bus.put(notices) == [Delivery.TAKEN] * 23
    assert sorted(received(23)) == sorted(each.text for each in notices)


def test_nothing_is_put_without_notices(bus: Bus) -> None:
    assert bus.put([]) == []


def test_what_no_call_can_carry_holds_up_nothing(bus: Bus, name: str, received: Received) -> None:
    large = notice(name, 1, size=EVENT_CALL_BYTES_MAX)
    outcomes = bus.put([notice(name, 0), large, notice(name, 2)])
    assert outcomes == [Delivery.TAKEN, Delivery.NEVER, Delivery.TAKEN]
    assert len(received(2)) == 2


def test_large_notices_go_in_calls_of_their_own(bus: Bus, name: str, received: Received) -> None:
    notices = [notice(name, number, size=400_000) for number in range(3)]
    assert bus.put(notices) == [Delivery.TAKEN] * 3


def a_letter(name: str, number: int = 0) -> Letter:
    return Letter(Key(Table.LEDGER, f"{name}/29453760/a", f"le_{number:04d}"), "refused")


def take_all(letters: DeadLetters, count: int) -> list[Taken]:
    found: list[Taken] = []
    for _ in range(20):
        found += letters.take(10)
        if len(found) >= count:
            break
    return found


def test_letters_are_kept_until_they_are_removed(letters: DeadLetters, name: str) -> None:
    put = [a_letter(name, number) for number in range(12)]
    letters.put(put)
    taken = take_all(letters, 12)
    assert sorted(each.keys or () for each in taken) == [(letter.key,) for letter in put]
    assert letters.take(10) == [], "hidden for a while"
    for each in taken:
        letters.remove(each)
        letters.remove(each)


def test_no_more_letters_are_taken_than_asked_for(letters: DeadLetters, name: str) -> None:
    letters.put([a_letter(name, number) for number in range(3)])
    assert len(letters.take(1)) == 1


def test_a_letter_that_says_no_entry_is_taken_all_the_same(
    letters: DeadLetters, request: pytest.FixtureRequest
) -> None:
    if isinstance(letters, MemoryDeadLetters):
        letters.lose_track()
    else:
        played: AwsPlayed = request.getfixturevalue("aws")
        played.sqs.send_message(QueueUrl=played.letters_url, MessageBody="who knows")
    (taken,) = take_all(letters, 1)
    assert taken.keys is None
    letters.remove(taken)


class TestOnAws:
    """What Lambda itself writes, and the archive: only there."""

    def test_a_batch_is_looked_up_in_the_stream(self, aws: AwsPlayed, name: str) -> None:
        table = aws.vault.settings.tables
        assert table is not None
        stream = aws.dynamodb.describe_table(TableName=table.ledger)["Table"]["LatestStreamArn"]
        for number in range(3):
            item = {"pk": {"S": f"{name}/1/a"}, "sk": {"S": f"le_{number}"}}
            aws.dynamodb.put_item(TableName=table.ledger, Item=item)
        shard, numbers = self._mine(aws, stream, name)
        self._send(aws, stream, shard, numbers[0], numbers[1])
        (taken,) = take_all(aws.vault.dead_letters, 1)
        assert taken.keys == tuple(
            Key(Table.LEDGER, f"{name}/1/a", f"le_{number}") for number in range(2)
        )
        aws.vault.dead_letters.remove(taken)

    def test_a_batch_of_a_stream_that_is_gone_is_unknown(self, aws: AwsPlayed) -> None:
        arn = "arn:aws:dynamodb:us-east-1:000000000000:table/gone/stream/2026-01-01T00:00:00.000"
        self._send(aws, arn, "shardId-00000000000000000000-00000000", "1", "2")
        (taken,) = take_all(aws.vault.dead_letters, 1)
        assert taken.keys is None
        aws.vault.dead_letters.remove(taken)

    def test_archived_events_are_sent_again(self, aws: AwsPlayed, name: str) -> None:
        url, rule = _subscribe(aws, name)
        aws.vault.bus.put([notice(name, 1)])
        arn = aws.events.describe_rule(Name=rule, EventBusName=BUS)["Arn"]
        now_ms = int(time.time() * 1000)
        archive = aws.vault.event_archive
        archive.replay(name, now_ms - 60_000, now_ms + 60_000, [arn])
        for _ in range(100):
            if archive.state(name) == "COMPLETED":
                break
            time.sleep(0.05)
        assert archive.state(name) == "COMPLETED"
        found: list[Any] = []
        while len(found) < 2:
            got = aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
            found += [json.loads(each["Body"])["detail"] for each in got]
        assert found[0] == found[1] == json.loads(notice(name, 1).text)
        _check_names(archive, name, arn)

    @staticmethod
    def _mine(aws: AwsPlayed, stream: str, name: str) -> tuple[str, list[str]]:
        shards = aws.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        shard = shards[0]["ShardId"]
        iterator = aws.streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = aws.streams.get_records(ShardIterator=iterator)["Records"]
        return shard, [
            each["dynamodb"]["SequenceNumber"]
            for each in records
            if each["dynamodb"]["Keys"]["pk"]["S"].startswith(name)
        ]

    @staticmethod
    def _send(aws: AwsPlayed, stream: str, shard: str, first: str, last: str) -> None:
        place = {
            "shardId": shard,
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "batchSize": 2,
            "streamArn": stream,
        }
        body = json.dumps({"version": "1.0", "DDBStreamBatchInfo": place})
        aws.sqs.send_message(QueueUrl=aws.letters_url, MessageBody=body)


def test_a_twin_of_the_archive_sends_again_what_its_bus_took(name: str) -> None:
    bus = MemoryBus()
    bus.put([notice(name, 1), replace(notice(name, 2), at_ms=AT_MS + 60_000)])
    archive = MemoryEventArchive(bus)
    archive.replay(name, AT_MS - 60_000, AT_MS + 60_000, ["arn"])
    assert [json.loads(each.text) for each in bus.taken[2:]] == [json.loads(notice(name, 1).text)]
    assert archive.state(name) == "COMPLETED"
    _check_names(archive, name, "arn")


def _check_names(archive: EventArchive, name: str, rule: str) -> None:
    """After a replay of that name there is none again, and of another there was none."""
    with pytest.raises(Conflict):
        archive.replay(name, AT_MS - 60_000, AT_MS, [rule])
    with pytest.raises(NotFound):
        archive.state("never-was")
