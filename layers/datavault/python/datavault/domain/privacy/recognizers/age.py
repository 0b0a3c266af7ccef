"""Ages of people, where the words say that somebody is so old and not that something lasts."""

import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import STRONG, Candidate, Finding, Rule

_NUMBER = r"[0-9]{1,3}"
# Forms in en, de, es, fr, it, pt and nl. "20 años", "20 ans" and "20 anni" alone are durations.
_FORMS = (
    rf"\b({_NUMBER}(?:[ -](?:and|½) a half)?[ -]?(?:years?|yrs?|yr)[ -]olds?)\b",
    rf"\b({_NUMBER} ?(?:y/o|y\.o\.?|yo))\b",
    (
        # Of people: "max-age" and "cache_age" are a machine's.
        r"(?:(?m:^)|[^0-9a-z_\n-]|(?:user|client|customer|patient|person|member|child)_)"
        r"(?:age|aged|alter|edad|[âa]ge|et[àa]|idade|leeftijd)\b[\"']?"
        rf"(?: is| of|:| ?=)? ?[\"']?({_NUMBER})\b"
    ),
    rf"\b({_NUMBER} ?(?:jahre alt|-?j[äa]hrige[rnms]?|jaar oud))\b",
    rf"\b({_NUMBER} años de edad|{_NUMBER} anni di et[àa]|{_NUMBER} anos de idade)\b",
    (
        r"(?:tengo|tiene|tienes|tenho|tem|hai|ho|ha|j'ai|il a|elle a|[âa]gée? de|cumpl\S{1,5})"
        rf" ({_NUMBER} (?:años|anos|anni|ans))\b"
    ),
    (
        rf"\b(?:i am|i'm|he is|he's|she is|she's|turned|turning|turns) ({_NUMBER})\b"
        r"(?: now| today|\.|,|;|!|(?m:$)| and\b)"
    ),
)
_GATES = (
    r"(?i)(?:years?|yrs?|yr)[ -]old",
    r"(?i)[0-9] ?y(?:/|\.)?o",
    (
        r"(?i)(?:age|aged|alter|edad|âge|et[àa]|idade|leeftijd)[\"']?"
        r"(?: is| of|:| ?=)? ?[\"']?[0-9]"
    ),
    r"(?i)[0-9] ?(?:jahre alt|-?j[äa]hrige|jaar oud)",
    r"(?i)[0-9] (?:años de edad|anni di et|anos de idade)",
    r"(?i)[0-9] (?:años|anos|anni|ans)\b",
    r"(?i)\b(?:i am|i'm|he is|he's|she is|she's|turned|turning|turns) [0-9]",
)
AGE_MAX = 125
_OF_A_THING = re.compile(
    r"(?:max|min|cache|session|cookie|page|file|key|token|cert|image|object|account)(?:imum)?[ _-]?"
    r"age\W{1,6}(?:is |of )?$",
    re.IGNORECASE,
)


def _judge(candidate: Candidate) -> Finding | None:
    text, start = candidate.text, candidate.start
    if not _plausible(candidate.value) or _OF_A_THING.search(text[max(0, start - 32) : start]):
        return None
    return candidate.found(STRONG)


def _plausible(value: str) -> bool:
    digits = value[: next((at for at, char in enumerate(value) if not char.isdigit()), len(value))]
    return 0 < int(digits) <= AGE_MAX


RULES = tuple(
    Rule(f"age.form_{place}", Entity.AGE, gate, f"(?i){form}", _judge)
    for place, (gate, form) in enumerate(zip(_GATES, _FORMS, strict=True), start=1)
)
