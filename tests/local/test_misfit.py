"""A shim that no longer fits says so instead of doing nothing."""

import importlib.metadata
import types

import pytest

from datavault.local.emulator import MINISTACK_VERSION
from datavault.local.shims.misfit import ShimMisfit, replace


def test_replacing_what_is_not_there_fails() -> None:
    module = types.ModuleType("emulated")
    with pytest.raises(ShimMisfit, match="emulated has no handler"):
        replace(module, "handler", None)


def test_the_installed_emulator_is_the_one_that_was_patched() -> None:
    assert importlib.metadata.version("ministack") == MINISTACK_VERSION
