"""The bus on EventBridge: a CloudEvent is the ``detail``, its type the ``detail-type``.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html: ten entries a call,
each taken or refused by itself. Subscribers get them in no promised order.
"""

from collections.abc import Sequence

from datavault.adapters.aws.answers import PutEventsAnswer
from datavault.adapters.aws.client import Json, JsonClient
from datavault.adapters.aws.errors import AwsError, meaning, translated
from datavault.adapters.limits import event_calls
from datavault.domain.deliveries import Delivery, Notice
from datavault.domain.events import SOURCE

_SUBJECT = "the event bus"
_BAD_REQUEST = 400


class EventBridgeBus:
    """Keeps ``ports.Bus`` for the bus of a name."""

    def __init__(self, client: JsonClient, name: str) -> None:
        self._client = client
        self._name = name

    def put(self, notices: Sequence[Notice]) -> list[Delivery]:
        # What no call can carry stays so.
        outcomes = [Delivery.NEVER] * len(notices)
        for call in event_calls(notices):
            found = self._send([notices[index] for index in call])
            for index, outcome in zip(call, found, strict=True):
                outcomes[index] = outcome
            if Delivery.LATER in found:
                rest = range(call[-1] + 1, len(notices))
                outcomes[call[-1] + 1 :] = [Delivery.LATER for _ in rest]
                break
        return outcomes

    def _send(self, notices: Sequence[Notice]) -> list[Delivery]:
        request = {"Entries": [self._entry(notice) for notice in notices]}
        try:
            answer = self._client.call("PutEvents", request, PutEventsAnswer)
        except AwsError as error:
            raise translated(error, _SUBJECT) from error
        return [_outcome(result.ErrorCode) for result in answer.Entries]

    def _entry(self, notice: Notice) -> Json:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": notice.type,
            "Detail": notice.text,
            "Time": notice.at_ms // 1000,
        }


def _outcome(code: str | None) -> Delivery:
    if not code:
        return Delivery.TAKEN
    known = meaning(AwsError(code, status=_BAD_REQUEST, message=""))
    return Delivery.LATER if known is not None and known.retry else Delivery.NEVER
