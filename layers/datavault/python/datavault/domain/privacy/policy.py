"""Privacy policies: what is to become of what is found, and where.

A policy is data. It has a hash, which goes into every result and commit that it was applied to.

* ``rules``: the first one of the entity and the place decides; ``default`` if there is none.
* ``fields``: places that hold personal data, whatever is found there: everything at or below one
  is treated as a whole, keys too: below ``/contacts``, who is in it as well as what is said of
  them. ``/contacts/*`` leaves the keys of ``contacts`` itself.
* ``thresholds``: what is less certain than ``found_from`` is nothing; what is less certain than
  ``sure_from`` is treated all the same, and its record is to be looked at (quarantine).
* ``denied`` phrases count as found with certainty; ``allowed`` values, if they are all of what was
  found, stay as they are. Each says why and until when. A denied phrase and a field of the policy
  outrank an allowed value.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from datavault.domain import digests
from datavault.domain.errors import Invalid
from datavault.domain.privacy.pointers import ANYWHERE, PointerPattern, Tokens
from datavault.domain.privacy.strategy import (
    Keep,
    Number,
    Redact,
    Strategy,
    name_of,
    require_within_bounds,
)

ANY_ENTITY = "*"
# Letters and digits, each with the marks that combine with it.
_WORD = re.compile("(?:[^\\W_][\u0300-\u036f]*)+")
REDACT = Redact()
_NO_THRESHOLDS: Mapping[str, "Threshold"] = MappingProxyType({})


class Residual(StrEnum):
    """What to do about personal data that is found in the output."""

    SKIP = "skip"
    """Do not look; half of the time is saved."""
    QUARANTINE = "quarantine"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which score on something is found, and from which it is sure; 0 to 1."""

    found_from: float = 0.0
    sure_from: float = 0.0


# What a detector reports counts, however unsure it is: detectors have their own thresholds.
ALWAYS = Threshold()


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of an ``entity`` (or ``*``) found at ``pointer``; plain text is at ``""``."""

    entity: str
    strategy: Strategy
    pointer: PointerPattern = ANYWHERE


@dataclass(frozen=True, slots=True)
class FieldRule:
    """All at or below ``pointer`` is an ``entity``, or goes by a word of the policy's own."""

    pointer: PointerPattern
    entity: str
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class Allowed:
    """A value that may stay, in every place; shown nowhere but in the policy."""

    value: str = field(repr=False)
    entity: str
    reason: str
    expires: date

    @property
    def folded(self) -> str:
        """What is compared: without regard to case and width."""
        return folded(self.value)


@dataclass(frozen=True, slots=True)
class Denied:
    """A phrase that is an ``entity`` wherever it occurs as whole words; shown nowhere else."""

    value: str = field(repr=False)
    entity: str
    reason: str
    expires: date

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for: its words, without regard to case and to what stands between."""
        return tuple(word for _, _, word in words_of(self.value))


@dataclass(frozen=True)
class Policy:
    """A policy; see the module."""

    name: str
    rules: tuple[Rule, ...] = ()
    default: Strategy = REDACT
    fields: tuple[FieldRule, ...] = ()
    threshold: Threshold = ALWAYS
    thresholds: Mapping[str, Threshold] = field(default_factory=lambda: _NO_THRESHOLDS)
    allowed: tuple[Allowed, ...] = ()
    denied: tuple[Denied, ...] = ()
    residual: Residual = Residual.QUARANTINE

    def __post_init__(self) -> None:
        if isinstance(self.default, Keep):
            raise Invalid("what no rule is for cannot be kept; write a rule", field="default")
        for strategy in self.strategies():
            require_within_bounds(strategy)

    def strategy_for(self, entity: str, tokens: Tokens) -> Strategy:
        """By the first rule of the entity and the place, or else the default."""
        for rule in self.rules:
            if rule.entity in (ANY_ENTITY, entity) and rule.pointer.matches(tokens):
                return rule.strategy
        return self.default

    def treats(self, entity: str) -> bool:
        """Whether, in some place, something else than keeping it becomes of an entity."""
        for rule in self.rules:
            if rule.entity in (ANY_ENTITY, entity):
                if not isinstance(rule.strategy, Keep):
                    return True
                if rule.pointer == ANYWHERE:
                    return False
        return True

    def field_at(self, tokens: Tokens) -> FieldRule | None:
        """The first field that this place is or lies in."""
        return next((each for each in self.fields if each.pointer.covers(tokens)), None)

    @cached_property
    def columns_called(self) -> frozenset[str]:
        """What its pointers call columns, by name or number."""
        pointers = [
            *(each.pointer for each in self.fields),
            *(each.pointer for each in self.rules),
        ]
        return frozenset(pointer.column for pointer in pointers if pointer.column is not None)

    def threshold_of(self, entity: str) -> Threshold:
        """The entity's own, or that of all."""
        return self.thresholds.get(entity, self.threshold)

    def strategies(self) -> tuple[Strategy, ...]:
        """Every strategy that the policy may ask for."""
        by_entity = (each.strategy for each in self.rules)
        return (self.default, *by_entity, *(each.strategy for each in self.fields))

    @property
    def numbers(self) -> bool:
        """Whether it may number values, and so has to know which came before."""
        return any(isinstance(each, Number) for each in self.strategies())

    @cached_property
    def hash(self) -> str:
        """Of its canonical JSON: 64 hex digits."""
        return digests.policy_hash(canonical_json(self))


def words_of(text: str) -> list[tuple[int, int, str]]:
    """The words of a text: where each starts and ends, and how deny-lists compare it."""
    found = _WORD.finditer(text)
    return [(each.start(), each.end(), folded(each[0])) for each in found]


def folded(value: str) -> str:
    """A value as allow-lists compare it."""
    return unicodedata.normalize("NFKC", value).casefold()


def canonical_json(policy: Policy) -> bytes:
    """The policy as JSON that depends on nothing but what it says.

    Members in the order of their names, no white space, ASCII; every parameter is written out,
    also where it is the default.
    """
    document = _document(policy)
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _document(value: object) -> object:
    match value:
        case str() | int() | float() | None:
            return value
        case date():
            return value.isoformat()
        case PointerPattern():
            return value.text
        case tuple():
            return [_document(each) for each in value]
        case Mapping():
            return {str(name): _document(each) for name, each in value.items()}
        case Policy() | Rule() | FieldRule() | Allowed() | Denied() | Threshold():
            return _members(value)
        case _:
            # A strategy, by its name.
            return {"name": name_of(value), **_members(value)}  # type: ignore[arg-type]


def _members(value: object) -> dict[str, object]:
    return {
        each.name: _document(getattr(value, each.name))
        for each in fields(value)  # type: ignore[arg-type]  # Each is a dataclass.
    }
