"""Layers are saved as files of their own, once per content, as the emulator saves functions.

It would write every layer version into one JSON file, in base64: the same 140 MB for each stack
that has the layer. Stopping then took longer than it may.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import lambda_svc

from datavault.local.shims.misfit import replace

ARCHIVE = "_zip_data"
REFERENCE = "_zip_reference"


def install() -> None:
    """Replace how layers are saved and restored."""
    save = replace(lambda_svc, "get_state", None)
    restore = replace(lambda_svc, "_restore_state", None)
    write, read = lambda_svc._write_code_blob, lambda_svc._read_code_blob

    def save_apart() -> dict[str, Any]:
        state: dict[str, Any] = save()  # A copy; it has removed the files that no function needs.
        written: dict[int, str] = {}
        for version in _versions(state):
            archive = version.pop(ARCHIVE, None)
            if archive is not None:
                # Hashing takes longer than everything else: once for each archive in memory.
                if id(archive) not in written:
                    written[id(archive)] = write(archive)
                version[REFERENCE] = written[id(archive)]
        return state

    def restore_whole(state: Mapping[str, Any] | None) -> None:
        found: dict[str, bytes | None] = {}
        for version in _versions(state or {}):
            name = version.pop(REFERENCE, None)
            if name is not None:
                if name not in found:
                    found[name] = read(name)
                version[ARCHIVE] = found[name]
        restore(state)

    replace(lambda_svc, "get_state", save_apart)
    replace(lambda_svc, "_restore_state", restore_whole)


def _versions(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The versions of all layers, of all accounts and regions, in a saved state."""
    layers = state.get("layers")
    for layer in layers._data.values() if layers is not None else ():
        yield from layer["versions"]
