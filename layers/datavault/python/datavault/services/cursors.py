"""Cursors: where a list goes on, sealed, so that they are opaque, and good for one list only."""

import base64
import binascii

from datavault.domain.access import Caller
from datavault.domain.crypto.sealing import seal, unseal
from datavault.domain.digests import expand
from datavault.domain.errors import Corrupt, Invalid
from datavault.ports import Vault
from datavault.services.keys import open_workspace

_TAG = b"io.llm-data-vault/1/list cursor"


def seal_cursor(vault: Vault, caller: Caller, scope: str, position: str | None) -> str | None:
    """An opaque cursor for ``position`` in the list that ``scope`` names; ``None`` stays so."""
    if position is None:
        return None
    sealed = seal(position.encode(), key=_key(vault, caller, scope), place=scope.encode())
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
        return unseal(sealed, key=_key(vault, caller, scope), place=scope.encode()).decode()
    except (binascii.Error, UnicodeEncodeError, Corrupt):
        raise Invalid("this cursor was not given out for this list", field="cursor") from None


def _key(vault: Vault, caller: Caller, scope: str) -> bytes:
    """A key for one list: what one list gives out stays far below 2**32 cursors."""
    return expand(open_workspace(vault, caller)[1], _TAG + scope.encode())
