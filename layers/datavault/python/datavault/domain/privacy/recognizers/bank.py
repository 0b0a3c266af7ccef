"""Numbers of banks and of accounts: routing numbers, sort codes, BIC, accounts without an IBAN.

Each has its label: digits alone say nothing of a bank.
"""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import (
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
    always,
    announced,
    checked,
    digits,
)

_ABA = r"\brouting|\babas?\b|\brtn\b|transit n"
_SORT = r"sort.?code"
_ACCOUNT = (
    r"\b(?:bank|checking|savings|deposit|current|giro)[ _-]?acc(?:ount|t)|"
    r"\bacc(?:ount|t)[ _.-]{0,2}(?:#|no\b|nr\b|num)|\bbank[ _-]?(?:#|no\b|nr\b|num)|"
    r"kontonummer|konto-?nr|num[ée]ro de compte|n[úu]mero de (?:la )?cuenta|numero di conto|"
    r"conto corrente|n[úu]mero da conta|rekeningnummer"
)
ACCOUNT_DIGITS_MIN, ACCOUNT_DIGITS_MAX = 6, 17
_BIC = r"\bbic\b|\bswift\b"


def is_routing_number(number: str) -> bool:
    """Nine digits of a Federal Reserve district whose sum, weighed 3 7 1, ends in zero."""
    prefix = int(number[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    weighed = sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True))
    return weighed % 10 == 0 and number != "000000000"


def _account(candidate: Candidate) -> Finding | None:
    """Digits that may be in groups; the label says the rest, but not of all one figure."""
    number = digits(candidate.value)
    if len(set(number)) < 2:
        return None
    return candidate.found(STRONG if len(number) >= 8 else LIKELY)


RULES = (
    Rule(
        "bank_account.labelled",
        Entity.US_BANK_NUMBER,
        f"(?i){_ACCOUNT}",
        announced(
            _ACCOUNT,
            f"[0-9](?:[ -]?[0-9]){{{ACCOUNT_DIGITS_MIN - 1},{ACCOUNT_DIGITS_MAX - 1}}}",
        ),
        _account,
        clue=Clue.DIGITS,
    ),
    Rule(
        "routing.aba",
        Entity.ROUTING_NUMBER,
        f"(?i){_ABA}",
        announced(_ABA, "[0-9]{9}"),
        checked(is_routing_number, STRONG),
    ),
    Rule(
        "routing.sort_code",
        Entity.ROUTING_NUMBER,
        f"(?i){_SORT}",
        announced(_SORT, "[0-9]{2}-?[0-9]{2}-?[0-9]{2}"),
        always(STRONG),
    ),
    Rule(
        "routing.bic",
        Entity.ROUTING_NUMBER,
        f"(?i){_BIC}",
        rf"(?:(?i:{_BIC})|\bBIC\b)(?i:[ /-]?(?:code|swift|bic))?[^0-9A-Za-z\n]{{1,4}}"
        r"([A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?)\b",
        always(STRONG),
    ),
)
