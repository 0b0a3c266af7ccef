"""python-stdnum's checks (LGPL, unchanged), with the clock taken away.

Some compare a date of birth with today's, or guess its century from it. A detector gives the same
answer on every day, so they are shown ``LATEST_BIRTH`` instead, in modules of our own that share
no state with those that others import.
"""

import datetime
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace

# People born later are not found by their numbers; those in two centuries are told apart by it.
# A later day lets a few more made-up numbers pass; move it before it comes.
LATEST_BIRTH = datetime.date(2035, 12, 31)


class _Day(datetime.date):
    """A date of a calendar whose last day has come."""

    @classmethod
    def today(cls) -> "_Day":
        return cls(LATEST_BIRTH.year, LATEST_BIRTH.month, LATEST_BIRTH.day)


_DATETIME = SimpleNamespace(**{**vars(datetime), "date": _Day})


@cache
def number_check(country: str, name: str) -> Callable[[str], bool]:
    """``stdnum.<country>.<name>.is_valid``, the same on every day."""
    spec = find_spec(f"stdnum.{country}.{name}")
    assert spec is not None, name
    assert spec.loader is not None, name
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, "datetime"):
        vars(module)["datetime"] = _DATETIME
    is_valid: Callable[[str], bool] = module.is_valid
    return is_valid
