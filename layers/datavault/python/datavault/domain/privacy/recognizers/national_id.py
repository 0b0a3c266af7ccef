"""Numbers by which states know people, checked by python-stdnum.

Where form and check digits leave one chance in a hundred or more, a label is asked for as well.
"""

from dataclasses import dataclass, field

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import Labels, labels
from datavault.domain.privacy.recognizers.number_checks import number_check
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    FAINT,
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Judge,
    Rule,
    announced,
)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of a country: ``country`` and ``name`` are python-stdnum's module.

    ``alone`` is what one that passes is worth without a label.
    """

    country: str
    name: str
    pattern: str
    alone: float
    labels: str
    clue: Clue = field(default=Clue.DIGITS, kw_only=True)
    gate: str = field(default="", kw_only=True)


_GENERIC = "nationalid idnumber identification identity identificación identificação ausweis"
_PHRASES = (
    "national id", "id number", "id no", "id card", "id-nummer", "identity card", "personal number",
    "personal id", "social security", "sécurité sociale", "seguridad social", "tax id",
    "national_id", "social insurance", "sozialversicherung", "steuer-id", "código fiscal",
)  # fmt: skip
_10, _11, _13 = (rf"\b[0-9]{{{count}}}\b" for count in (10, 11, 13))

_NUMBERS = (
    _Number("es", "dni", r"\b[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}[ -]?[A-Za-z]\b", LIKELY, "dni nif"),
    _Number("es", "nie", r"(?i)\b[XYZ][ -]?[0-9]{7}[ -]?[A-Z]\b", STRONG, "nie"),
    _Number(
        "fr", "nir",
        r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
        STRONG, "nir insee sécu",
    ),
    _Number(
        "it", "codicefiscale",
        r"(?i)\b[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b",
        # Where two people would have the same, letters take the places of digits.
        CERTAIN, "fiscale cf", clue=Clue.WORD,
    ),
    _Number("pt", "nif", r"\b[1-3][0-9]{2} ?[0-9]{3} ?[0-9]{3}\b", 0.0, "nif contribuinte"),
    _Number("pt", "cc", r"(?i)\b[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]\b", 0.0, "cidadão cc"),
    _Number("nl", "bsn", r"\b[0-9]{4}\.?[0-9]{2}\.?[0-9]{3}\b", 0.0, "bsn burgerservicenummer"),
    _Number("de", "idnr", r"\b[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b", FAINT,
            "steuerid steuer idnr steueridentifikationsnummer identifikationsnummer tin"),
    _Number("be", "nn", r"\b[0-9]{2}\.[0-9]{2}\.[0-9]{2}[-–][0-9]{3}\.[0-9]{2}\b", CERTAIN, "nn"),
    _Number("be", "nn", _11, FAINT, "rijksregister rijksregisternummer niss insz nn registre"),
    _Number("at", "vnr", r"\b[0-9]{4} ?[0-9]{6}\b", 0.0, "svnr sozialversicherungsnummer svn"),
    _Number("ch", "ssn", r"\b756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}\b", CERTAIN, "ahv avs"),
    _Number("gb", "utr", r"\b[0-9]{10}K?\b", 0.0, "utr taxpayer"),
    _Number("ie", "pps", r"\b[0-9]{7}[A-W][A-IW]?\b", LIKELY, "pps ppsn"),
    _Number("dk", "cpr", r"\b[0-3][0-9][01][0-9]{3}-[0-9]{4}\b", LIKELY, "cpr personnummer"),
    _Number("se", "personnummer", r"\b(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}\b", STRONG, "personnummer"),
    _Number("no", "fodselsnummer", r"\b[0-9]{6} ?[0-9]{5}\b", LIKELY, "fødselsnummer personnummer"),
    _Number("fi", "hetu", r"(?i)\b[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]\b", STRONG, "hetu"),
    _Number("is_", "kennitala", r"\b[0-9]{6}-?[0-9]{4}\b", 0.0, "kennitala kt"),
    _Number("pl", "pesel", _11, LIKELY, "pesel"),
    _Number("cz", "rc", r"\b[0-9]{6}/[0-9]{3,4}\b", STRONG, "rodné číslo rč"),
    _Number("ro", "cnp", r"\b[1-8][0-9]{12}\b", LIKELY, "cnp"),
    _Number("bg", "egn", _10, 0.0, "egn егн"),
    _Number("hr", "oib", _11, 0.0, "oib"),
    _Number("si", "emso", _13, LIKELY, "emšo emso jmbg"),
    _Number("ee", "ik", r"\b[1-6][0-9]{10}\b", FAINT, "isikukood"),
    _Number("lt", "asmens", r"\b[3-6][0-9]{10}\b", FAINT, "asmens"),
    _Number("lv", "pvn", r"\b[0-3][0-9]{5}-[0-9]{5}\b", LIKELY, "personas kods"),
    _Number("gr", "amka", _11, FAINT, "amka αμκα"),
    _Number("tr", "tckimlik", r"\b[1-9][0-9]{10}\b", FAINT, "tc tckn kimlik"),
    _Number("il", "idnr", r"\b[0-9]{8,9}\b", 0.0, "teudat zehut זהות"),
    _Number("za", "idnr", r"\b[0-9]{6} ?[0-9]{4} ?[01][89][0-9]\b", LIKELY, "rsa"),
    _Number("br", "cpf", r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", CERTAIN, "cpf"),
    _Number("br", "cpf", _11, FAINT, "cpf"),
    _Number("ar", "cuit", r"\b(?:20|2[3-7]|3[034])-[0-9]{8}-[0-9]\b", CERTAIN, "cuit cuil"),
    _Number("cl", "rut", r"(?i)\b[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}-[0-9K]\b", LIKELY, "rut run"),
    _Number("mx", "curp", r"(?i)\b[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]\b", CERTAIN, "curp"),
    _Number("mx", "rfc", r"(?i)\b[A-ZÑ&]{4}[0-9]{6}[0-9A-Z]{2}[0-9A]\b", LIKELY, "rfc"),
    _Number("ec", "ci", _10, 0.0, "cédula cedula"),
    _Number("do", "cedula", r"\b[0-9]{3}-?[0-9]{7}-?[0-9]\b", 0.0, "cédula cedula"),
    _Number("ca", "sin", r"\b[1-9][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}\b", 0.0, "sin nas"),
    _Number("au", "tfn", r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b", 0.0, "tfn"),
    _Number("nz", "ird", r"\b[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}\b", 0.0, "ird"),
    _Number("in_", "aadhaar", r"\b[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}\b", FAINT, "aadhaar uid"),
    _Number("in_", "pan", r"\b[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]\b", STRONG, "pan",
            clue=Clue.NONE),
    _Number("pk", "cnic", r"\b[0-9]{5}-[0-9]{7}-[0-9]\b", STRONG, "cnic"),
    _Number("id", "nik", r"\b[1-9][0-9]{15}\b", 0.0, "nik ktp"),
    _Number("my", "nric", r"\b[0-9]{6}-[0-9]{2}-[0-9]{4}\b", STRONG, "nric mykad"),
    _Number("th", "pin", r"\b[1-8](?:-?[0-9]{4}-?[0-9]{5}-?[0-9]{2}-?[0-9])\b", LIKELY, "บัตร"),
    _Number("kr", "rrn", r"\b[0-9]{6}-[1-8][0-9]{6}\b", STRONG, "rrn 주민등록번호"),
    _Number("cn", "ric", r"(?i)\b[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9X]\b", CERTAIN, "身份证"),
    _Number("jp", "in_", r"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b", 0.0, "マイナンバー mynumber"),
    _Number("us", "ein", r"\b[0-9]{2}-[0-9]{7}\b", 0.0, "ein fein employer"),
)  # fmt: skip


def _judge(number: _Number, near: Labels) -> Judge:
    def judge(candidate: Candidate) -> Finding | None:
        # Its module is loaded when a candidate comes.
        if not number_check(number.country, number.name)(candidate.value):
            return None
        if candidate.near(near):
            return candidate.found(CERTAIN if number.alone else STRONG)
        return candidate.found(number.alone) if number.alone else None

    return judge


def _gate(number: _Number) -> str:
    """A digit group of the right kind; numbers that need a label wait for one."""
    if number.alone:
        return number.gate or number.pattern
    named = "|".join(number.labels.split())
    return (
        rf"(?i)(?:^|[^0-9a-z])(?:{named}|nationalid|national.id|id.?(?:number|nummer|no|card)|"
        r"identi[a-zó]*|ausweis|tax.id|personal.(?:number|id)|social.security|social.insurance|"
        r"s[ée]curit[ée] sociale|seguridad social|sozialversicherung|steuer-id|c[óo]digo fiscal)"
        r"(?:[^0-9a-z]|$)"
    )


def _rules(number: _Number) -> Rule:
    near = labels(f"{_GENERIC} {number.labels}", *_PHRASES)
    form = "_digits" if number.pattern in (_10, _11, _13) else ""
    name = f"national_id.{number.country.strip('_')}.{number.name}{form}"
    judge = _judge(number, near)
    return Rule(name, Entity.NATIONAL_ID, _gate(number), number.pattern, judge, clue=number.clue)


# A British National Insurance number has no check digit; these prefixes are never given out.
_NINO = r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b"
_NINO_NEVER = frozenset(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))


def _nino(candidate: Candidate) -> Finding | None:
    return None if candidate.value[:2].upper() in _NINO_NEVER else candidate.found(STRONG)


def _npi(candidate: Candidate) -> Finding | None:
    """Made-up ones with a wrong Luhn digit are hidden too: the label says enough."""
    return candidate.found(STRONG)


RULES = (
    *map(_rules, _NUMBERS),
    Rule(
        "national_id.gb.nino", Entity.NATIONAL_ID,
        r"(?i)[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", _NINO, _nino, clue=Clue.DIGITS,
    ),
    Rule(
        "national_id.us.npi", Entity.NATIONAL_ID, r"(?i)\bnpi\b|provider id",
        announced(r"\bnpi\b|national provider identif[a-z]*", r"[0-9]{10}"), _npi,
        clue=Clue.DIGITS,
    ),
    Rule(
        "national_id.us.dea", Entity.NATIONAL_ID, r"(?i)\bdea\b",
        announced(r"\bdea\b", r"[A-Z][A-Z9][0-9]{7}"), _npi, clue=Clue.DIGITS,
    ),
    Rule(
        "national_id.sg.nric", Entity.NATIONAL_ID, r"[STFGM][0-9]{7}[A-Z]",
        r"\b[STFGM][0-9]{7}[A-Z]\b", lambda candidate: candidate.found(STRONG)
        if _singapore(candidate.value) else None, clue=Clue.DIGITS,
    ),
)  # fmt: skip


def _singapore(value: str) -> bool:
    """The check letter of an NRIC or FIN, by its series."""
    weighed = sum(
        weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), value[1:8], strict=True)
    )
    if value[0] == "M":
        return value[8] == "KLJNPQRTUWX"[10 - (weighed + 3) % 11]
    weighed += 4 if value[0] in "TG" else 0
    return value[8] == ("JZIHGFEDCBA" if value[0] in "ST" else "XWUTRQPNMLK")[weighed % 11]
