"""Records on their way into a vault."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datavault.contracts.records import RecordIn


def record(data: Mapping[str, object] | bytes, *, id: str | None = None) -> "RecordIn":  # noqa: A002
    """A record for ``append_records``: an object, or its own JSON text, which is kept.

    ``id`` is for datasets without ``record_key``; an id is assigned where it is absent.

    Raises:
        ValueError: no JSON can carry it.
    """
    from datavault.client.encoding import json_text
    from datavault.contracts.records import RecordIn

    text = json_text(data)
    return RecordIn(data=text) if id is None else RecordIn(id=id, data=text)
