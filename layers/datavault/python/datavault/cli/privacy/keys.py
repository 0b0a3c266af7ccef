"""The key of an offline run: from a file or the environment, never an argument, which all see."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.output import say

if TYPE_CHECKING:
    from datavault.domain.privacy.keys import PrivacyKeys

VARIABLE = "DATAVAULT_PRIVACY_KEY"
FILE_BYTES_MAX = 1024
_KEY = re.compile(r"\s*([0-9A-Fa-f]{64})\s*", re.ASCII)


def privacy_keys(path: Path | None) -> "PrivacyKeys":
    """One key for all purposes, from which each derives its own; none if nobody gives one.

    Raises:
        CommandFailed: it is not 64 hexadecimal digits.
    """
    from datavault.domain.privacy.keys import PrivacyKeys

    if path is None:
        text, where = os.environ.get(VARIABLE, ""), VARIABLE
    else:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode("ascii", errors="replace")
        where = click.format_filename(path)
        if path.stat().st_mode & 0o077:
            say(f"{where} can be read by others: chmod 600 makes it yours alone.")
    if not text and path is None:
        return PrivacyKeys()
    found = _KEY.fullmatch(text)
    if found is None:
        raise CommandFailed(
            Exit.USAGE,
            f"invalid: {where}: a key is 64 hexadecimal digits, 32 bytes",
            hint='"openssl rand -hex 32" makes one.',
        )
    key = bytes.fromhex(found[1])
    return PrivacyKeys(key, key, key, key)
