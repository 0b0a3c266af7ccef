"""Dead letters in a queue of SQS. Two hands write them:

- the publisher, about one entry: ``{"partition", "sort", "reason"}``, the entry's key;
- Lambda, about a batch of the ledger's stream that it gave up on. It does not say what was in
  it, only where in the stream it stands, which forgets after 24 hours.
"""

from collections.abc import Sequence
from itertools import batched

import msgspec

from datavault.adapters.aws.answers import (
    IteratorAnswer,
    Nothing,
    ReceiveAnswer,
    SendBatchAnswer,
    StreamAnswer,
)
from datavault.adapters.aws.client import Json, JsonClient
from datavault.adapters.aws.encoding import key_of
from datavault.adapters.aws.errors import AwsError, translated
from datavault.adapters.limits import HIDDEN_S, LETTERS_TAKEN_MAX
from datavault.domain.deliveries import Letter, Taken
from datavault.domain.errors import Unavailable
from datavault.domain.rows import Key, Table

_SUBJECT = "the queue of dead letters"
_SEND_MAX = 10
# Without waiting, SQS asks some of its servers only.
_WAIT_S = 1
# A batch has 100 records and a read returns up to 1000 of a shard; empty reads are normal.
_READS_MAX = 50
# The record is older than the stream's memory, or the stream was made anew.
_FORGOTTEN = {"TrimmedDataAccessException", "ResourceNotFoundException"}

_STALE = {"ReceiptHandleIsInvalid", "InvalidParameterValue"}


class _Place(msgspec.Struct, frozen=True):
    """Where in a stream a batch stands."""

    streamArn: str  # noqa: N815
    shardId: str  # noqa: N815
    startSequenceNumber: str  # noqa: N815
    endSequenceNumber: str  # noqa: N815


class _Body(msgspec.Struct, frozen=True):
    """A letter of either hand."""

    partition: str | None = None
    sort: str | None = None
    DDBStreamBatchInfo: _Place | None = None


class SqsDeadLetters:
    """Keeps ``ports.DeadLetters`` in the queue of an URL."""

    def __init__(self, queue: JsonClient, streams: JsonClient, url: str) -> None:
        self._queue = queue
        self._streams = streams
        self._url = url

    def put(self, letters: Sequence[Letter]) -> None:
        for batch in batched(letters, _SEND_MAX, strict=False):
            entries = [
                {"Id": str(index), "MessageBody": _written(letter)}
                for index, letter in enumerate(batch)
            ]
            request = {"QueueUrl": self._url, "Entries": entries}
            if self._call("SendMessageBatch", request, SendBatchAnswer).Failed:
                raise Unavailable(f"{_SUBJECT} did not take all letters")

    def take(self, limit: int) -> list[Taken]:
        assert 1 <= limit <= LETTERS_TAKEN_MAX, limit
        request = {
            "QueueUrl": self._url,
            "MaxNumberOfMessages": limit,
            "VisibilityTimeout": HIDDEN_S,
            "WaitTimeSeconds": _WAIT_S,
        }
        messages = self._call("ReceiveMessage", request, ReceiveAnswer).Messages or []
        return [Taken(each.ReceiptHandle, self._keys(each.Body)) for each in messages]

    def remove(self, taken: Taken) -> None:
        request = {"QueueUrl": self._url, "ReceiptHandle": taken.receipt}
        try:
            self._queue.call("DeleteMessage", request, Nothing)
        except AwsError as error:
            # It is gone; or others may see it again, and then it is taken once more.
            if error.code not in _STALE:
                raise translated(error, _SUBJECT) from error

    def _keys(self, text: str) -> tuple[Key, ...] | None:
        try:
            body = msgspec.json.decode(text, type=_Body)
        except msgspec.DecodeError:
            return None  # Somebody else's hand.
        if body.DDBStreamBatchInfo is not None:
            return self._remembered(body.DDBStreamBatchInfo)
        if body.partition is None or body.sort is None:
            return None
        return (Key(Table.LEDGER, body.partition, body.sort),)

    def _remembered(self, place: _Place) -> tuple[Key, ...] | None:
        """The keys of a batch, as long as the stream remembers it."""
        request = {
            "StreamArn": place.streamArn,
            "ShardId": place.shardId,
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": place.startSequenceNumber,
        }
        keys: list[Key] = []
        try:
            iterator = self._streams.call("GetShardIterator", request, IteratorAnswer).ShardIterator
            for _ in range(_READS_MAX):
                read = {"ShardIterator": iterator}
                page = self._streams.call("GetRecords", read, StreamAnswer)
                for record in page.Records:
                    keys.append(key_of(Table.LEDGER, record.dynamodb.Keys))
                    if record.dynamodb.SequenceNumber == place.endSequenceNumber:
                        return tuple(keys)
                if page.NextShardIterator is None:
                    break
                iterator = page.NextShardIterator
        except AwsError as error:
            if error.code in _FORGOTTEN:
                return None
            raise translated(error, "the ledger's stream") from error
        return None

    def _call[T](self, operation: str, request: Json, answer: type[T]) -> T:
        try:
            return self._queue.call(operation, request, answer)
        except AwsError as error:
            raise translated(error, _SUBJECT) from error


def _written(letter: Letter) -> str:
    said = {"partition": letter.key.partition, "sort": letter.key.sort, "reason": letter.reason}
    return msgspec.json.encode(said).decode()
