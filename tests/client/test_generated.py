"""The generated modules are the operations table's, and every error code has its class."""

from pathlib import Path

import pytest

from datavault import client
from datavault.client import AsyncVault, Vault, errors
from datavault.client.generator.__main__ import COMMAND, formatted, modules
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.domain.errors import VaultError
from functions.edge.problems import STATUSES, status_of

FOLDER = Path(client.__path__[0])


def test_the_modules_of_methods_are_the_tables() -> None:
    found = {
        str(file.relative_to(FOLDER)): file.read_text()
        for folder in ("routing", "blocking", "awaiting")
        for file in (FOLDER / folder).glob("*.py")
    }
    differ = sorted(
        path
        for path, text in {**dict.fromkeys(found, ""), **dict(formatted(modules()))}.items()
        if found.get(path) != text
    )
    assert differ == [], f"the operations table has changed; run `uv run {COMMAND}`"


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_operation_is_a_method_of_its_name(row: Operation) -> None:
    for kind in (Vault, AsyncVault):
        assert row.summary in (getattr(kind, row.name).__doc__ or "")


def test_every_problem_has_a_class_in_the_same_place_of_the_tree() -> None:
    """A new class in ``domain.errors`` wants one of its name in ``client.errors``."""
    kinds = _below(VaultError)
    assert set(kinds) | {"error"} == set(errors.BY_CODE)
    for code, kind in kinds.items():
        mirrored = errors.BY_CODE[code]
        assert mirrored.__name__ == kind.__name__
        (parent,) = kind.__bases__
        expected = "VaultApiError" if parent is VaultError else parent.__name__
        assert mirrored.__bases__[0].__name__ == expected


def test_a_new_code_is_an_error_of_its_status() -> None:
    for kind in STATUSES:
        found = errors.class_of(status_of(kind("a message")), "invented_tomorrow")
        wanted = "InternalError" if kind.code == "corrupt" else kind.__name__
        assert found.__name__ == wanted
    assert errors.class_of(418, "teapot") is errors.VaultApiError


def _below(root: type[VaultError]) -> dict[str, type[VaultError]]:
    found: dict[str, type[VaultError]] = {}
    for kind in root.__subclasses__():
        if kind.__module__ == VaultError.__module__:
            found |= {kind.code: kind, **_below(kind)}
    return found
