"""Social security numbers and individual taxpayer numbers of the United States.

Areas, groups and serials as the Social Security Administration gives them out since 2011 (any
area but 000, 666 and 900-999) and as the IRS gives out ITINs (900-999, fourth and fifth digit
50-65, 70-88, 90-92 or 94-99).
"""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    STRONG,
    Candidate,
    Clue,
    Finding,
    Judge,
    Rule,
    digits,
)

_LABELS = labels(
    "ssn ssns ss social socialsecurity itin itins tin taxpayer taxid ssa",
    "soc sec",
    "tax id",
    "national id",
    "seguro social",
)
_ITIN_GROUPS = frozenset((*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)))


def is_ssn(number: str) -> bool:
    """Whether nine digits may have been given out as a social security number."""
    area, group, serial = number[:3], number[3:5], number[5:]
    return (
        area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"
    ) and len(set(number)) > 1


def is_itin(number: str) -> bool:
    """Whether nine digits may have been given out as an individual taxpayer number."""
    return number[0] == "9" and int(number[3:5]) in _ITIN_GROUPS


def _entity_judge(entity: Entity) -> Judge:
    accepts = is_ssn if entity is Entity.US_SSN else is_itin

    def judge(candidate: Candidate) -> Finding | None:
        value = candidate.value
        if not accepts(digits(value)):
            return None
        if candidate.near(_LABELS):
            return candidate.found(STRONG + 0.1)
        if len(value) == 11 and value[3] == value[6] == "-":
            return candidate.found(STRONG)
        return None

    return judge


def _forms(entity: Entity, name: str) -> tuple[Rule, ...]:
    judge = _entity_judge(entity)
    gate = (
        r"(?i)\b(?:ss[na]?s?|itins?|tin|soc|social|tax|taxpayer|taxid|socialsecurity)(?:\b|_)"
        r"|_(?:ssn|itin|tin)|national id"
    )
    return (
        Rule(
            f"{name}.separated",
            entity,
            r"[0-9]{3}[ .-][0-9]{2}[ .-][0-9]{4}",
            r"[0-9]{3}(?:-[0-9]{2}-| [0-9]{2} |\.[0-9]{2}\.)[0-9]{4}",
            judge,
            clue=Clue.DIGITS,
        ),
        Rule(
            f"{name}.labelled",
            entity,
            gate,
            r"[0-9](?:[ -]{0,3}[0-9]){8}",
            _spaced(judge),
            clue=Clue.DIGITS,
        ),
    )


def _spaced(judge: Judge) -> Judge:
    """Bare or spelled digits next to a label; the pattern may have cut a longer number."""

    def judged(candidate: Candidate) -> Finding | None:
        found = judge(candidate)
        return found if found is not None and found.score > STRONG else None

    return judged


RULES = (*_forms(Entity.US_SSN, "ssn"), *_forms(Entity.US_ITIN, "itin"))
