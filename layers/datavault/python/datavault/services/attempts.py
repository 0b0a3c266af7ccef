"""Idempotent requests and repeated attempts, as every changing service needs them."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

from datavault.domain import keyspace, requests
from datavault.domain.access import Caller
from datavault.domain.errors import Conflict, Throttled
from datavault.domain.requests import Request
from datavault.domain.rows import Change, Check, Put
from datavault.ports import ConditionFailed, Vault
from datavault.services.keys import open_workspace

ATTEMPTS_MAX = 12
_PAUSE_S_MAX = 0.5


def attempts(vault: Vault, what: str) -> Iterator[str]:
    """Up to twelve attempts, each with a token of its own for its transaction.

    Between them, a pause that doubles from 5 ms up to half a second, jittered by the attempt's
    own randomness. After the last, ``Throttled``: ``what`` is busy, try later.
    """
    for attempt in range(ATTEMPTS_MAX):
        token = uuid4()
        if attempt:
            pause_s = min(_PAUSE_S_MAX, 0.005 * 2**attempt)
            vault.clock.sleep(pause_s * (token.int % 1000) / 1000)
        yield str(token)
    raise Throttled(f"{what} is busy: {ATTEMPTS_MAX} attempts met other changes")


def attempt(vault: Vault, changes: Sequence[Change], token: str) -> bool:
    """Make one transaction; whether its conditions held.

    Raises:
        Conflict: it writes to a dataset that has been archived.
    """
    try:
        vault.catalog.write(changes, token=token)
    except ConditionFailed as failure:
        for index in failure.indices:
            change = changes[index]
            if isinstance(change, Check) and keyspace.is_gate(change.key):
                raise archived() from None
        return False
    return True


def archived() -> Conflict:
    """What a write to an archived dataset is refused with."""
    return Conflict("the dataset is archived: restore it before changing it", field="dataset_id")


def earlier_outcome(vault: Vault, caller: Caller, request: Request | None) -> str | None:
    """What came of this request when it was made before; ``None`` if it was not."""
    if request is None:
        return None
    row = vault.catalog.get(requests.key(caller, request))
    now_ms = vault.clock.now_ms()
    if row is not None and requests.is_over(row, now_ms):
        # The table drops it days late; until then it would stand in the way of the new one.
        attempt(vault, [requests.forget(row)], str(uuid4()))
        return None
    return requests.outcome(row, request, open_workspace(vault, caller)[1])


def remember(
    vault: Vault, caller: Caller, request: Request | None, outcome: str, now_ms: int
) -> list[Put]:
    """The change that remembers what came of a request; none for one without a name."""
    if request is None:
        return []
    key = open_workspace(vault, caller)[1]
    return requests.remember(caller, request, outcome, now_ms, key)
