"""Texts that a regular expression matches, drawn at random."""

import random
import re
from collections.abc import Iterable
from re import _constants, _parser
from typing import Any

_REPEATED = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
# A class that leaves out, and ``.``, are drawn from here.
_CHARS = "aZ09é_-.,:;/@ "
REPEATS_MAX = 3


def sample(pattern: str, chance: random.Random) -> str:
    """A text that ``pattern`` matches, but for its anchors and word boundaries."""
    return _drawn(_parser.parse(pattern), chance)


def _drawn(parsed: Iterable[tuple[Any, Any]], chance: random.Random) -> str:
    return "".join(_one(operator, argument, chance) for operator, argument in parsed)


def _one(operator: Any, argument: Any, chance: random.Random) -> str:
    match operator, argument:
        case _constants.LITERAL, int(code):
            return chr(code)
        case _constants.ANY | _constants.NOT_LITERAL, _:
            return "x"
        case _constants.IN, list(members):
            return _member(members, chance)
        case _constants.BRANCH, (_, branches):
            return _drawn(chance.choice(branches), chance)
        case _constants.SUBPATTERN, (*_, parsed):
            return _drawn(parsed, chance)
        case repeat, (int(least), most, parsed) if repeat in _REPEATED:
            count = chance.randint(least, min(int(most), least + REPEATS_MAX))
            return "".join(_drawn(parsed, chance) for _ in range(count))
        case _:
            return ""


def _member(members: list[tuple[Any, Any]], chance: random.Random) -> str:
    if members[0][0] is _constants.NEGATE:
        left_out = re.compile(_class(members[1:]))
        return chance.choice([char for char in _CHARS if not left_out.match(char)])
    return chr(chance.choice([code for each in members for code in _codes(*each)]))


def _codes(operator: Any, argument: Any) -> Iterable[int]:
    match operator, argument:
        case _constants.LITERAL, int(code):
            return (code,)
        case _constants.RANGE, (first, last):
            return range(first, last + 1)
        case _constants.CATEGORY, _:
            return map(ord, "a0_" if argument is _constants.CATEGORY_WORD else " ")
    raise ValueError(operator)


def _class(members: list[tuple[Any, Any]]) -> str:
    codes = [code for each in members for code in _codes(*each)]
    return "[" + "".join(re.escape(chr(code)) for code in codes) + "]"
