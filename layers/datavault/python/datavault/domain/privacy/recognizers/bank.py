"""Numbers of banks: routing numbers of the United States, sort codes, BIC; each with its label."""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import STRONG, Rule, always, announced, checked

_ABA = r"\brouting|\babas?\b|\brtn\b|transit n"
_SORT = r"sort.?code"
_BIC = r"\bbic\b|\bswift\b"


def is_routing_number(number: str) -> bool:
    """Nine digits of a Federal Reserve district whose sum, weighed 3 7 1, ends in zero."""
    prefix = int(number[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    weighed = sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True))
    return weighed % 10 == 0 and number != "000000000"


RULES = (
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
