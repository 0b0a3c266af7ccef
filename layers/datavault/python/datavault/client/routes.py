"""What a call needs to know of its operation; ``datavault.client.routing`` has one for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

type Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route[Reply]:
    """An operation as the client sees it.

    ``reply`` names the model of the answer as ``module:class``, imported with the first answer;
    without one the answer is what ``returns`` says. ``authorized`` is whether it takes a token.
    """

    operation: str
    method: Method
    path: str
    reply: str | None = None
    authorized: bool = True
    returns: str = "application/json"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call was given: values of the path in order, query and body by their wire names.

    ``lines`` is the body instead when records are sent as NDJSON. A ``None`` stands for an
    argument that was not given, and is not sent.
    """

    path: tuple[str, ...] = ()
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    lines: bytes | None = None
    if_match: str | int | None = None


class CallOptions(TypedDict, total=False):
    """What every call takes beside its own arguments.

    ``correlation_id`` names the call in the vault's logs, ledger and errors (1 to 128 visible
    ASCII characters); one is made when absent, and all attempts of a call share it.
    """

    correlation_id: str


class ChangeOptions(CallOptions, total=False):
    """What calls that change something take too.

    ``idempotency_key`` (1 to 128 visible ASCII characters) makes the change happen once in 24
    hours however often it is asked for; one is made for each call when absent. Give one to be
    able to repeat a call after a crash of your own.
    """

    idempotency_key: str
