"""Policies as people write them, in TOML or JSON, read whole or refused.

```toml
name = "clinic"
residual = "quarantine"
default = { strategy = "redact" }
threshold = { found_from = 0.3, sure_from = 0.5 }

[thresholds.PERSON]
found_from = 0.4

[[rules]]
entity = "CREDIT_CARD"
pointer = "/orders/*/note"
strategy = "mask"
keep_last = 4

[[fields]]
pointer = "/salary"
entity = "SALARY"
strategy = "generalize"
form = "number"
number_width = 10000

[[allow]]
value = "help@example.com"
entity = "EMAIL_ADDRESS"
reason = "our own address, on every page"
expires = 2027-06-30
```

``[[deny]]`` is written like ``[[allow]]``. Errors name the field and its bound and never what
stands there: a list may hold names of people.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import StrEnum

from datavault.domain.errors import Invalid, Malformed, TooLarge
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.pointers import PointerPattern
from datavault.domain.privacy.policy import (
    ANY_ENTITY,
    Allowed,
    Denied,
    FieldRule,
    Policy,
    Residual,
    Rule,
    Threshold,
)
from datavault.domain.privacy.strategy import (
    PARAMETER_BOUNDS,
    STRATEGIES,
    DatePart,
    Form,
    KeptAs,
    Redact,
    Strategy,
)

POLICY_BYTES_MAX = 2**20
ENTRIES_MAX = 10_000
WORDS_MAX = 16
TEXT_CHARS_MAX = 500
_OWN_WORD = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_WHERE = re.compile(r"line (\d+),? column (\d+)")
_CHOICES: dict[str, type[StrEnum]] = {"form": Form, "date_part": DatePart, "kept_as": KeptAs}


def parse_policy_toml(text: bytes) -> Policy:
    """The policy in a TOML document.

    Raises:
        TooLarge: more than ``POLICY_BYTES_MAX`` bytes, or more than ``ENTRIES_MAX`` in a list.
        Malformed: not UTF-8, or not TOML.
        Invalid: a field is missing, unknown, of another type or out of bounds.
    """
    return _policy(_parsed(text, "TOML", tomllib.loads))


def parse_policy_json(text: bytes) -> Policy:
    """The policy in a JSON document; dates as ``"2027-06-30"``. Errors as for TOML."""
    return _policy(_parsed(text, "JSON", _loads))


def parse_allow_list(text: bytes) -> tuple[Allowed, ...]:
    """The entries of a TOML document that has ``[[allow]]`` and nothing else. Errors as there."""
    table = _Table(_parsed(text, "TOML", tomllib.loads), "")
    entries = tuple(_allowed(each) for each in table.tables("allow"))
    table.done("allow")
    return entries


def _parsed(text: bytes, kind: str, parse: Callable[[str], object]) -> object:
    if len(text) > POLICY_BYTES_MAX:
        raise TooLarge(
            f"a policy has at most {POLICY_BYTES_MAX} bytes, not {len(text)}", field="policy"
        )
    try:
        return parse(text.decode())
    except (ValueError, RecursionError) as error:
        found = _WHERE.search(str(error))
    at = f", at line {found[1]}, column {found[2]}" if found else ""
    raise Malformed(f"not {kind} in UTF-8{at}", field="policy")


def _loads(text: str) -> object:
    return json.loads(text, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


class _Table:
    """A table of the document: each of its fields is taken once, and none may be left."""

    def __init__(self, value: object, at: str) -> None:
        if not isinstance(value, dict):
            raise Invalid("a table is wanted here", field=at or "policy")
        self._left: dict[str, object] = dict(value)
        self.at = at

    def where(self, name: str) -> str:
        return f"{self.at}/{name}"

    def take(self, name: str) -> object:
        return self._left.pop(name, None)

    def text(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARS_MAX:
            raise Invalid(f"a text of 1 to {TEXT_CHARS_MAX} characters", field=self.where(name))
        return value

    def number(self, name: str, default: float) -> float:
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise Invalid("a number from 0 to 1", field=self.where(name))
        return float(value)

    def integer(self, name: str, low: int, high: int) -> int:
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Invalid(f"a whole number from {low} to {high}", field=self.where(name))
        return value

    def choice[T: StrEnum](self, name: str, kind: type[T], default: T | None) -> T:
        value = self._left.pop(name, default)
        if value not in list(kind):
            raise Invalid(f"one of {', '.join(kind)}", field=self.where(name))
        return kind(str(value))

    def day(self, name: str) -> date:
        value = self.take(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise Invalid("a day, as 2027-06-30", field=self.where(name))
        return value

    def tables(self, name: str) -> list["_Table"]:
        value = self._left.pop(name, [])
        if not isinstance(value, list):
            raise Invalid("a list of tables", field=self.where(name))
        if len(value) > ENTRIES_MAX:
            raise TooLarge(
                f"at most {ENTRIES_MAX} entries, not {len(value)}", field=self.where(name)
            )
        return [_Table(each, f"{self.where(name)}/{row}") for row, each in enumerate(value)]

    def pointer(self, name: str) -> PointerPattern:
        value = self.take(name)
        if not isinstance(value, str):
            raise Invalid("a JSON pointer", field=self.where(name))
        try:
            return PointerPattern(value)
        except Invalid as error:
            raise Invalid(str(error), field=self.where(name)) from None

    def has(self, name: str) -> bool:
        return name in self._left

    def done(self, known: str) -> None:
        """Refuse what nobody took."""
        if self._left:
            raise Invalid(
                f"{len(self._left)} fields are not known here; known are {known}",
                field=self.at or "policy",
            )


def _policy(document: object) -> Policy:
    table = _Table(document, "")
    threshold = _threshold(_Table(table.take("threshold") or {}, "/threshold"), Threshold())
    policy = Policy(
        name=table.text("name"),
        rules=tuple(_rule(each) for each in table.tables("rules")),
        default=_default(table),
        fields=tuple(_field(each) for each in table.tables("fields")),
        threshold=threshold,
        thresholds=_thresholds(table.take("thresholds") or {}, threshold),
        allowed=tuple(_allowed(each) for each in table.tables("allow")),
        denied=tuple(_denied(each) for each in table.tables("deny")),
        residual=table.choice("residual", Residual, Residual.QUARANTINE),
    )
    table.done("name, default, rules, fields, threshold, thresholds, allow, deny, residual")
    return policy


def _default(table: _Table) -> Strategy:
    if not table.has("default"):
        return Redact()
    own = _Table(table.take("default"), "/default")
    return _strategy(own, "strategy")


def _rule(table: _Table) -> Rule:
    entity = _entity(table)
    pointer = table.pointer("pointer") if table.has("pointer") else PointerPattern("/**")
    return Rule(entity, _strategy(table, "entity, pointer, strategy"), pointer)


def _field(table: _Table) -> FieldRule:
    pointer, entity = table.pointer("pointer"), table.text("entity")
    if _OWN_WORD.fullmatch(entity) is None:
        raise Invalid("an entity, or 1 to 40 of A-Z, 0-9 and _", field=table.where("entity"))
    return FieldRule(pointer, entity, _strategy(table, "pointer, entity, strategy"))


def _allowed(table: _Table) -> Allowed:
    entry = Allowed(table.text("value"), _entity(table), table.text("reason"), table.day("expires"))
    table.done("value, entity, reason, expires")
    return entry


def _denied(table: _Table) -> Denied:
    entity = _entity(table)
    if entity == ANY_ENTITY:
        raise Invalid("what is denied is of one entity", field=table.where("entity"))
    entry = Denied(table.text("value"), entity, table.text("reason"), table.day("expires"))
    if not 1 <= len(entry.words) <= WORDS_MAX:
        raise Invalid(
            f"1 to {WORDS_MAX} words of letters and digits, not {len(entry.words)}",
            field=table.where("value"),
        )
    table.done("value, entity, reason, expires")
    return entry


def _entity(table: _Table) -> str:
    entity = table.text("entity")
    if entity != ANY_ENTITY and entity not in Entity.__members__:
        raise Invalid(f"* or one of {', '.join(Entity)}", field=table.where("entity"))
    return entity


def _threshold(table: _Table, default: Threshold) -> Threshold:
    found_from = table.number("found_from", default.found_from)
    sure_from = table.number("sure_from", max(default.sure_from, found_from))
    table.done("found_from, sure_from")
    if sure_from < found_from:
        raise Invalid(
            f"sure from {sure_from} on and found only from {found_from} on",
            field=table.where("sure_from"),
        )
    return Threshold(found_from, sure_from)


def _thresholds(value: object, default: Threshold) -> Mapping[str, Threshold]:
    table = _Table(value, "/thresholds")
    own = {
        entity.value: _threshold(_Table(table.take(entity), table.where(entity)), default)
        for entity in Entity
        if table.has(entity)
    }
    table.done(", ".join(Entity))
    return own


def _strategy(table: _Table, beside: str) -> Strategy:
    """The strategy that ``table`` names, with the parameters that are its rest."""
    kind = STRATEGIES.get(table.text("strategy"))
    if kind is None:
        raise Invalid(f"one of {', '.join(STRATEGIES)}", field=table.where("strategy"))
    own: dict[str, object] = {}
    for each in fields(kind):
        if not table.has(each.name) and each.default is not MISSING:
            continue
        if each.name in PARAMETER_BOUNDS:
            own[each.name] = table.integer(each.name, *PARAMETER_BOUNDS[each.name])
        elif each.name in _CHOICES:
            own[each.name] = table.choice(each.name, _CHOICES[each.name], None)
        else:
            own[each.name] = table.text(each.name)
    table.done(", ".join((beside, *(each.name for each in fields(kind)))))
    return kind(**own)  # type: ignore[arg-type]  # Each was read as its field wants it.
