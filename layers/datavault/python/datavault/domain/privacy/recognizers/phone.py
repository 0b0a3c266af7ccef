"""Telephone numbers: of all regions with a prefix, and without one as far as form and words tell.

Digits alone say little, so what a number is worth grows with its prefix, its grouping, a label
nearby, and its validity in one of the regions that the caller expects. Invalid area codes are let
pass where the form is clear: numbers in tickets and tests are often made up, and hiding one is
cheap.
"""

import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers import numbering
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    FAINT,
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Judge,
    Rule,
    digits,
)

# Where the speakers of the languages with labels below mostly are. Numbers of other regions are
# found by their prefix, or by a label.
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "PT", "BR", "NL", "MX", "AT", "CH", "BE", "AU", "IN")

_LABELS = labels(
    "tel tels telefon telefone telefono teléfono telephone telephones phone phones phonenumber ph "
    "telefoon telefoonnummer telefonnummer mobile mobiles mob mobil mobiltelefon mobilnummer "
    "mobiel móvil movil cell cellphone cellular celular cellulare telemóvel telemovel fax handy "
    "handynummer rufnummer portable téléphone tél landline hotline helpline switchboard pager "
    "call calls called calling callback dial dialing dialling ring reach reached reachable text "
    "sms whatsapp signal telegram viber contact tollfree answer answering anrufen erreichbar "
    "erreichen llamar llámame llame llámenos appeler appelez joindre chiamare chiama chiami "
    "chiamate ligar ligue contato contacto contatto contatti bel bellen kontakt office voicemail "
    "extension ext",
    "toll free",
    "toll-free",
    "main line",
    "work line",
)
_OTHER_NUMBERS = labels(
    "order orders invoice acct account ref reference tracking case ticket sku isbn issn doi serial "
    "model part npi mrn timestamp version id ids uid pid gid port zip iban routing transaction "
    "batch policy claim member members rechnung bestellung facture pedido ordine fattura factuur "
    "epoch offset bytes hash cvv pin code report incident"
)
# What is counted or measured in figures without groups.
_COUNTS = labels(
    "amount amounts balance count counts duration height length lines price quantity qty revenue "
    "rows salary size sizes sum total totals views weight width"
)
_SIGN = re.compile(r"[$€£¥#=_%]\s?$")
_EXTENSION = re.compile(r"[ ,;]{0,2}(?:x|ext\.?|extension|#)", re.IGNORECASE)
_GROUP = re.compile(r"[0-9]+")
_PROSE_BEFORE = re.compile(r"[a-z][,:]? $|\| *$|^$")
# Not a count of something.
_PROSE_BEHIND = re.compile(
    r" (?!(?:bytes?|[kmg]b|[mun]?s|tokens?|items?|rows?|records?|lines?|files?|users?|people)\b)"
    r"[a-z(]| *\||[.,;!?]?(?:\n|$)|[.,;!?] "
)

# Forms of which a computer's or a clerk's other numbers have the same digits and separators.
_NOT_A_PHONE = re.compile(
    r"(?:19|20)[0-9]{2}([-/.])[01]?[0-9]\1[0-3]?[0-9](?: [0-9]+)?"  # A date, or a date and hour.
    r"|[0-3]?[0-9]([-/.])[0-3]?[0-9]\2(?:19|20)?[0-9]{2}(?: [0-9]+)?"
    r"|(?:19|20)[0-9]{2}[-/.](?:0[1-9]|1[0-2])"  # A month.
    r"|[0-9]+\.[0-9]+"  # A decimal.
    r"|(?:1[0-9]|20)[0-9]{2} ?[-/] ?(?:1[0-9]|20)[0-9]{2}"  # A span of years.
    r"|[0-9]+(?:\.[0-9]+){1,3} \(?(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"  # A version and its date.
    r"|[0-9]+\.[0-9]+ \([0-9]+\.[0-9]+"  # A figure and its error.
    r"|[0-9]+\.[0-9]+(?: - [0-9]+(?:\.[0-9]+)?)+"  # A sum.
    r"|\+0[0-9 ]*"  # No country has it.
    r"|[0-9](?:  ?[0-9])+"  # Figures one by one; a number so spelled needs a label.
    r"|[0-9]{3}-[0-9]{2}-[0-9]{4}"  # A social security number.
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}"  # An address of a machine.
    r"|[0-9]{1,3}(?:[ .][0-9]{3}){2,4}"  # An amount; a number so grouped needs a label.
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:[ .][0-9]{3}){2,3}|[0-9](?: [0-9])+")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-]?)?(?:\([0-9]{3}\)|[0-9]{3})[ .-]?[0-9]{3}[ .-][0-9]{4}")
# A local number, as many ranges and parts are written: it needs a label.
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{4}")
_BRACKETED = re.compile(r"\(0?[0-9]{1,4}\)[ .-]?[0-9]{2,5}(?:[ .-]?[0-9]{2,5}){1,3}")
_TRUNK = re.compile(r"0[0-9]{1,4}(?:[ /-][0-9]{2,8}|[ ./-][0-9]{2,5}(?:[ ./-][0-9]{2,5}){1,4})")

_SHORT_LABELS = (
    r"(?i)\b(?:tel|telephone|phone|phone number|telefon|tel[ée]fono|t[ée]l[ée]phone|telefone|fax|"
    r"(?:call|reach|ring|dial|text) (?:me|us|him|her|them) (?:at|on|under))(?:\b|[^a-z0-9\n])"
)

# How far in front of its figures a count says what it counts.
COUNT_CHARS = 12
# E.164 has at most 15 digits; a prefix for calls abroad has up to three more.
DIGITS_MIN, DIGITS_MAX = 6, 18
NATIONAL_DIGITS_MAX = 15
_ABROAD = ("+", "00", "011")


def rules(regions: tuple[str, ...]) -> tuple[Rule, ...]:
    """Rules that take numbers without a prefix for those of ``regions``, ISO 3166 codes."""
    return (
        Rule(
            "phone.number",
            Entity.PHONE_NUMBER,
            r"[0-9](?:[ ()./-]{0,3}[0-9]){5}",
            # A stroke divides the area code from the rest in the German-speaking countries.
            r"(?i)(?:(?:\+[0-9]{1,3} ?)?\(?0[0-9]{1,5}\)? ?/ ?)?"
            r"[+(]{0,2}[0-9](?:[ ().-]{0,3}[0-9]){5,17}"
            r"(?:[ ,;]{0,2}(?:x|ext\.?|extension|#)[ :.]{0,2}[0-9]{1,6})?",
            _judge(regions),
            clue=Clue.DIGITS,
        ),
        # The local numbers of small places have five digits and need somebody who says so.
        Rule(
            "phone.short",
            Entity.PHONE_NUMBER,
            _SHORT_LABELS,
            rf"{_SHORT_LABELS}[^0-9A-Za-z\n]{{0,3}}(?:is )?"
            r"([0-9]{2}[ .-]?[0-9]{3}|[0-9]{2}[ .-][0-9]{2}[ .-][0-9]{2})\b",
            lambda candidate: candidate.found(LIKELY),
            clue=Clue.DIGITS,
        ),
    )


def _judge(regions: tuple[str, ...]) -> Judge:
    def judge(candidate: Candidate) -> Finding | None:
        start, end = candidate.start, candidate.end
        if candidate.text[start - 1 : start] == "+":
            start -= 1
        value = candidate.text[start:end]
        # Half of what has so many digits is a card or an id: digits in one group, and too many.
        if value.isdigit() and len(value) > NATIONAL_DIGITS_MAX and not value.startswith(_ABROAD):
            return None
        has_extension = "x" in value or "X" in value or "#" in value
        extension = _EXTENSION.search(value) if has_extension else None
        core = value[: extension.start()] if extension else value
        if core.startswith("(") and ")" not in core:
            start, core = start + 1, core[1:]
        found = Candidate(candidate.text, start, end)
        international = core.lstrip("(").startswith(_ABROAD)
        if international and (shortened := _abroad(found, core)) is not None:
            return shortened
        score = _national(found, core, regions)
        if extension and score:
            score = max(score, STRONG)
        return found.found(score) if score else None

    return judge


def _abroad(candidate: Candidate, core: str) -> Finding | None:
    """A number with the prefix of a country, without the groups behind it that are too many."""
    number = digits(core)
    plus = "+" in core
    if not plus and _otherwise(candidate):
        return None
    if not plus:
        number = number.removeprefix("011") if core.startswith("011") else number[2:]
    groups = [match.end() for match in _GROUP.finditer(core)]
    excess = ""
    for end in reversed(groups):
        shorter = number[: len(number) - len(excess)]
        if len(shorter) < DIGITS_MIN + 1:
            break
        if numbering.plausible(shorter):
            whole = not excess
            score = STRONG + 0.1 if plus else STRONG if len(groups) > 1 else LIKELY
            return Finding(
                candidate.start, candidate.end if whole else candidate.start + end, score
            )
        excess = digits(core[_group_start(core, end) :])
    if plus and 8 <= len(number) <= 15 and number[0] != "0":
        return candidate.found(LIKELY)
    return None


def _group_start(core: str, end: int) -> int:
    while end and core[end - 1].isdigit():
        end -= 1
    return end


def _national(candidate: Candidate, core: str, regions: tuple[str, ...]) -> float:
    number = digits(core)
    if not DIGITS_MIN <= len(number) <= NATIONAL_DIGITS_MAX:
        return 0.0
    if number.count(number[0]) == len(number):
        return 0.0
    if len(number) < len(core) and _NOT_A_PHONE.fullmatch(core):
        return LIKELY if _GROUPED.fullmatch(core) and candidate.near(_LABELS) else 0.0
    labelled = candidate.after(_LABELS)
    if not labelled:
        if _otherwise(candidate):
            return 0.0
        labelled = candidate.behind(_LABELS)
    if labelled:
        return STRONG if len(number) >= 7 else LIKELY
    if _NORTH_AMERICAN.fullmatch(core):
        return STRONG
    if _BRACKETED.fullmatch(core) and len(number) >= 7:
        return LIKELY if core[1:3] in ("19", "20") else STRONG
    # Of digits in one group, half are a number somewhere, and programs and lists are full of them.
    # The zero that is dialled first says more.
    is_plain = core.isdigit() and (core[0] != "0" or core == "0123456789")
    if is_plain and (candidate.after(_COUNTS, chars=COUNT_CHARS) or not _stands_alone(candidate)):
        return FAINT
    if _LOCAL.fullmatch(core):
        return FAINT
    usual = numbering.valid(number, regions)
    if _TRUNK.fullmatch(core) and 8 <= len(number) <= 12:
        return STRONG if usual else LIKELY
    if usual and len(number) >= (9 if core.isdigit() else 8):
        return LIKELY
    return FAINT


def _stands_alone(candidate: Candidate) -> bool:
    """Whether it is a word of a sentence, a cell of a table, or all there is."""
    text, start, end = candidate.text, candidate.start, candidate.end
    before = _PROSE_BEFORE.search(text[max(0, start - 8) : start])
    return before is not None and _PROSE_BEHIND.match(text, end) is not None


def _otherwise(candidate: Candidate) -> bool:
    """Whether another kind of number is announced just before, or money."""
    # A sign, a space, and the line end before which "$" matches too.
    before = max(0, candidate.start - 3)
    return (
        candidate.after(_OTHER_NUMBERS, chars=24)
        or _SIGN.search(candidate.text, before, candidate.start) is not None
    )


RULES = rules(REGIONS)
