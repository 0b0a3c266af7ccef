"""Cursors: where a list goes on, sealed, so that they are opaque, and good for one list only."""

import base64
import binascii

from datavault.domain.access import Caller
from datavault.domain.crypto.sealing import DrawnSealer
from datavault.domain.digests import expand
from datavault.domain.errors import Corrupt, Invalid
from datavault.ports import Vault
from datavault.services.keys import open_workspace

_TAG = b"io.llm-data-vault/1/list cursor"


def seal_cursor(vault: Vault, caller: Caller, scope: str, position: str | None) -> str | None:
    """An opaque cursor for ``position`` in the list that ``scope`` names; ``None`` stays so."""
    if position is None:
        return None
    sealed = _sealer(vault, caller, scope).seal(position.encode(), place=scope.encode())
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_cursor(vault: Vault, caller: Caller, scope: str, cursor: str | None) -> str | None:
    """The position in a cursor that this workspace was given for this very list.

    Raises:
        Invalid: anything else.
    """
    if cursor is None:
        return None
    try:
        sealed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        return _sealer(vault, caller, scope).unseal(sealed, place=scope.encode()).decode()
    except (binascii.Error, UnicodeEncodeError, Corrupt):
        raise Invalid("this cursor was not given out for this list", field="cursor") from None


def _sealer(vault: Vault, caller: Caller, scope: str) -> DrawnSealer:
    """With a key for one list: what one list gives out stays far below 2**32 cursors."""
    return DrawnSealer(expand(open_workspace(vault, caller)[1], _TAG + scope.encode()))
