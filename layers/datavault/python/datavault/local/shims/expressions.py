"""Expressions of DynamoDB are read once, not again for every item that they are asked of.

The emulator parses a query's key condition anew for each item of the partition, on each page: a
commit of 20,000 staged records, some forty pages, took it minutes. What depends on an expression's
text alone is remembered here, and the two forms of key condition that the catalog uses are
decided without an interpreter. Results are the same; every other form goes the emulator's way.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ministack.services import dynamodb

from datavault.local.shims.misfit import replace

KNOWN_MAX = 1024

type Item = Mapping[str, Mapping[str, Any]]

_KEY_CONDITION = re.compile(
    r"(?P<partition>[a-z]+) = (?P<whole>:[a-z]+)"
    r"(?: AND begins_with\((?P<sort>[a-z]+), (?P<prefix>:[a-z]+)\))?"
)


class _KeyCondition(NamedTuple):
    """The names in ``partition = whole AND begins_with(sort, prefix)``, or in its first half."""

    partition: str
    whole: str
    sort: str | None
    prefix: str | None

    def holds(self, item: Item, values: Item) -> bool | None:
        """Whether it does, or ``None`` where others than strings are compared."""
        found, whole = item[self.partition].get("S"), values[self.whole].get("S")
        if found is None or whole is None:
            return None
        if self.sort is None or self.prefix is None:
            return bool(found == whole)
        text, prefix = item[self.sort].get("S"), values[self.prefix].get("S")
        if text is None or prefix is None:
            return None
        return bool(found == whole and text.startswith(prefix))


def install() -> None:
    """Remember what was read."""
    _remember_tokens()
    _remember_faults()
    _decide_key_conditions()


def _remember_tokens() -> None:
    read = lru_cache(KNOWN_MAX)(replace(dynamodb, "_tokenize", None))

    def tokens_of(expression: str) -> list[Any]:
        return list(read(expression))

    replace(dynamodb, "_tokenize", tokens_of)


def _remember_faults() -> None:
    fault = replace(dynamodb, "_condition_syntax_error", None)
    replace(dynamodb, "_condition_syntax_error", lru_cache(KNOWN_MAX)(fault))


def _decide_key_conditions() -> None:
    evaluate: Callable[..., bool] = replace(dynamodb, "_evaluate_condition", None)

    def evaluate_once_read(
        expression: str, item: Item, values: Item, names: object, slot: str = "ConditionExpression"
    ) -> bool:
        if slot == "KeyConditionExpression":
            condition = _read(expression)
            holds = condition.holds(item, values) if condition else None
            if holds is not None:
                return holds
        return evaluate(expression, item, values, names, slot)

    replace(dynamodb, "_evaluate_condition", evaluate_once_read)


@lru_cache(KNOWN_MAX)
def _read(expression: str) -> _KeyCondition | None:
    matched = _KEY_CONDITION.fullmatch(expression)
    return matched and _KeyCondition(**matched.groupdict())
