"""The archive on EventBridge, which has the name of its bus."""

from collections.abc import Sequence

from datavault.adapters.aws.answers import ArchiveAnswer, Nothing, ReplayAnswer
from datavault.adapters.aws.client import Json, JsonClient
from datavault.adapters.aws.errors import AwsError, translated
from datavault.domain.errors import Conflict, Invalid, NotFound

_SUBJECT = "the archive of events"


class EventBridgeArchive:
    """Keeps ``ports.EventArchive`` for the archive of the bus of a name."""

    def __init__(self, client: JsonClient, name: str) -> None:
        self._client = client
        self._name = name

    def replay(self, name: str, start_ms: int, end_ms: int, rules: Sequence[str]) -> None:
        archive = self._call("DescribeArchive", {"ArchiveName": self._name}, ArchiveAnswer)
        request = {
            "ReplayName": name,
            "EventSourceArn": archive.ArchiveArn,
            "EventStartTime": start_ms / 1000,
            "EventEndTime": end_ms / 1000,
            "Destination": {"Arn": archive.EventSourceArn, "FilterArns": list(rules)},
        }
        self._call("StartReplay", request, Nothing)

    def state(self, name: str) -> str:
        return self._call("DescribeReplay", {"ReplayName": name}, ReplayAnswer).State

    def _call[T](self, operation: str, request: Json, answer: type[T]) -> T:
        try:
            return self._client.call(operation, request, answer)
        except AwsError as error:
            if error.code == "ResourceAlreadyExistsException":
                raise Conflict("there has been a replay of this name") from error
            if error.code == "ResourceNotFoundException":
                raise NotFound(f"{_SUBJECT} or the replay is not there") from error
            if error.code == "ValidationException":
                raise Invalid(f"{_SUBJECT} does not take this request") from error
            raise translated(error, _SUBJECT) from error
