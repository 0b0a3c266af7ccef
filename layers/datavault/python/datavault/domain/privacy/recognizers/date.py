"""Dates, in figures and with the names of months in seven languages, and dates of birth."""

import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    LIKELY,
    STRONG,
    Candidate,
    Finding,
    Judge,
    Rule,
)

_MONTHS = (
    "jan(?:uary|uar|vier|uari)?|feb(?:ruary|ruar|ruari)?|f[ée]vr(?:ier)?|mar(?:ch|s|zo|[çc]o)?|"
    "m[äa]rz|maart|apr(?:il|ile)?|avr(?:il)?|may|mai|mayo|maggio|maio|mei|june?|juni|juin|"
    "junio|junho|giu(?:gno)?|july?|juli|juil(?:let)?|julio|julho|lug(?:lio)?|aug(?:ust|ustus)?|"
    "ao[ûu]t|ago(?:sto)?|sept?(?:ember|embre|iembre|tembre)?|set(?:embro|tembre)?|"
    "o[ck]t(?:ober|obre|ubre)?|out(?:ubro)?|ott(?:obre)?|nov(?:ember|embre|iembre|embro)?|"
    "de[cz](?:ember|embro)?|d[ée]c(?:embre)?|dic(?:iembre|embre)?|ene(?:ro)?|gen(?:naio)?|"
    "febrero|febbraio|fevereiro|janeiro|abr(?:il)?|marzo|septiembre|dezember"
)
_BIRTH = labels(
    "born birth birthdate birthday dateofbirth dob bday geboren geb geburtsdatum geburtstag "
    "nacido nacida nació nacimiento né née naissance nato nata nascita nascido nascida nasceu "
    "nascimento geboortedatum geboorte cumpleaños anniversaire compleanno aniversário verjaardag",
    "d.o.b",
)
# The labels' beginnings: RE2 has no word boundary next to an accented letter.
_BIRTH_GATE = (
    r"(?i)\bborn\b|birth|dob|d\.o\.b|bday|\bgeb(?:oren|urt|\b)|\bnaci|(?:^|[^a-z])n[ée]e?(?:[^a-z]|$)|"
    r"\bnaiss|\bnat[oa]\b|\bnasc|\bgeboor|cumplea|annivers|complea|anivers|verjaard"
)
_TIME = (
    r"(?:(?:T| |, | at | um | à | a las | alle | às | om )[0-2]?[0-9]:[0-5][0-9]"
    r"(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?: ?[ap]\.?m\b\.?)?"
    r"(?:z| ?[+-][0-2][0-9]:?[0-5][0-9])?)?"
)
_FIGURES = re.compile(r"[0-9]+")
_ALL_FIGURES = re.compile(r"[0-9]+[/.-][0-9]+[/.-][0-9]+")
# Months that are words as well: "4 out of 5", "you may 3 times", "the 13th gen".
_WORD_MONTH = re.compile(r"\b(?:may|march|mar|mai|out|set|ago|gen|dec|avr|nov)\b")
_YEAR = re.compile(r"[0-9]{4}|[0-9]:|'[0-9]{2}|\bde\b|\bof\b")
# A year beyond is a number of something else.
YEAR_MIN, YEAR_MAX = 1850, 2150


def _is_date(value: str) -> bool:
    """Whether three numbers are a day, a month and a year in some order in use."""
    first, second, third = _FIGURES.findall(value)[:3]
    if len(first) == 4:
        year, month, day = int(first), int(second), int(third)
        return YEAR_MIN <= year <= YEAR_MAX and 1 <= month <= 12 and 1 <= day <= 31
    if len(third) not in (2, 4) or (len(third) == 4 and not YEAR_MIN <= int(third) <= YEAR_MAX):
        return False
    days, months = sorted((int(first), int(second)), reverse=True)
    return 1 <= months <= 12 and 1 <= days <= 31


def _is_a_word(value: str) -> bool:
    """Whether a month's name without a year is rather the word that is spelled like it."""
    if value[-4:].isdigit():
        return False
    return _WORD_MONTH.search(value) is not None and not _YEAR.search(value)


def _dated(*, birth: bool, score: float) -> Judge:
    """Dates of birth are those close behind a word for it; the others are dates."""

    def judge(candidate: Candidate) -> Finding | None:
        value = candidate.value
        if _ALL_FIGURES.match(value):
            if not _is_date(value):
                return None
        elif _is_a_word(value):
            return None
        if birth is not candidate.after(_BIRTH, chars=40):
            return None
        return candidate.found(STRONG if birth else score)

    return judge


def _both(name: str, gate: str, pattern: str, score: float) -> tuple[Rule, ...]:
    return (
        Rule(f"date.{name}", Entity.DATE_TIME, gate, pattern, _dated(birth=False, score=score)),
        Rule(
            f"birth.{name}",
            Entity.DATE_OF_BIRTH,
            gate,
            pattern,
            _dated(birth=True, score=score),
        ),
    )


_DAY = r"[0-3]?[0-9](?:st|nd|rd|th|er|º|°|\.)?"
_OF = r"(?:,? (?:of |de |del |d')?|-|/|\. ?)"

RULES = (
    *_both(
        "figures",
        r"[0-9][/.-][0-9]{1,2}[/.-][0-9]",
        r"(?i)\b(?:[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
        r"|[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}|[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})"
        r"|[0-9]{1,2}-[0-9]{1,2}-(?:[0-9]{4}|[0-9]{2})"
        rf"|[0-9]{{1,2}}\.[0-9]{{1,2}}\.(?:[0-9]{{4}}|[0-9]{{2}})){_TIME}",
        LIKELY,
    ),
    *_both(
        "day_month",
        rf"(?i)[0-9][a-zº°.]{{0,2}}{_OF}(?:{_MONTHS})",
        rf"(?i)\b{_DAY}{_OF}(?:{_MONTHS})\b(?:{_OF}[12][0-9]{{3}}|[ -]'?[0-9]{{2}}\b)?{_TIME}",
        LIKELY,
    ),
    *_both(
        "month_day",
        rf"(?i)\b(?:{_MONTHS})\.? [0-9]",
        rf"(?i)\b(?:{_MONTHS})\.? (?:{_DAY}(?:,? [12][0-9]{{3}})?|[12][0-9]{{3}})\b{_TIME}",
        LIKELY,
    ),
    # A year alone says something only of a birth.
    Rule(
        "birth.year",
        Entity.DATE_OF_BIRTH,
        _BIRTH_GATE,
        r"\b(?:19|20)[0-9]{2}\b",
        _dated(birth=True, score=LIKELY),
    ),
)
