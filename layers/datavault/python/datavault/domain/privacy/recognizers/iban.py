"""International bank account numbers: ISO 13616, checked modulo 97 and by country."""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    LIKELY,
    Candidate,
    Finding,
    Rule,
)

# Characters of an IBAN by country, as in the SWIFT registry of IBAN formats.
LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
_LABELS = labels("iban account bankaccount konto kontonummer cuenta compte conto conta rekening")


def checked_97(number: str) -> bool:
    """Whether ISO 7064's modulo 97-10 holds for an IBAN without spaces, in capitals."""
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def _judge(candidate: Candidate) -> Finding | None:
    text = candidate.text
    length = LENGTHS.get(text[candidate.start : candidate.start + 2].upper())
    if length is None:
        return None
    end = candidate.start
    left = length
    while left and end < candidate.end:
        left -= text[end].isalnum()
        end += 1
    if left or text[end : end + 1].isalnum():
        return None
    number = text[candidate.start : end].replace(" ", "").replace("-", "").replace(".", "").upper()
    if checked_97(number):
        return Finding(candidate.start, end, CERTAIN)
    found = Candidate(text, candidate.start, end)
    return found.found(LIKELY) if found.near(_LABELS) else None


RULES = (
    Rule(
        "iban.mod_97",
        Entity.IBAN_CODE,
        r"(?i)[a-z]{2}[0-9]{2}[ .-]?[a-z0-9][ .-]?[a-z0-9]",
        r"(?i)[a-z]{2}[0-9]{2}(?:[ .-]?[a-z0-9]){11,30}",
        _judge,
    ),
)
