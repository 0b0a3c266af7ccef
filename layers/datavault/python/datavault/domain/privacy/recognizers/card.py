"""Payment cards, by the ranges of their issuers and the Luhn digit (ISO/IEC 7812-1)."""

import re
from collections.abc import Iterator
from functools import lru_cache

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.luhn import passes_luhn
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    FAINT,
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
    digits,
)

DIGITS_MIN, DIGITS_MAX = 12, 19
# No issuer's range is told by more.
PREFIX_DIGITS = 4

# First and last leading digits, and the lengths that cards with them have, as the networks
# publish them: Visa; Mastercard; American Express; Discover; Diners; JCB, of which
# 3528 to 3589 are given out and generators make more, and its old 15 digits;
# UnionPay; Maestro; Mir; RuPay; Troy; UATP.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset((13, 16, 19))),
    ("51", "55", frozenset((16,))),
    ("2221", "2720", frozenset((16,))),
    ("34", "34", frozenset((15,))),
    ("37", "37", frozenset((15,))),
    ("6011", "6011", frozenset((16, 19))),
    ("644", "659", frozenset((16, 19))),
    ("300", "305", frozenset((14, 16, 19))),
    ("3095", "3095", frozenset((14, 16, 19))),
    ("36", "36", frozenset((14, 16, 19))),
    ("38", "39", frozenset((14, 16, 19))),
    ("35", "35", frozenset((16, 17, 18, 19))),
    ("1800", "1800", frozenset((15,))),
    ("2131", "2131", frozenset((15,))),
    ("62", "62", frozenset((16, 17, 18, 19))),
    ("81", "82", frozenset((16, 17, 18, 19))),
    ("2200", "2204", frozenset((16, 17, 18, 19))),
    ("60", "60", frozenset((16,))),
    ("9792", "9792", frozenset((16,))),
    ("50", "50", frozenset(range(12, 20))),
    ("56", "69", frozenset(range(12, 20))),
    ("1", "1", frozenset((15,))),
)
_LABELS = labels(
    "card cards creditcard cardnumber cc ccnum visa mastercard amex maestro discover diners jcb "
    "unionpay pan debit credit tarjeta tarjetas crédito credito kreditkarte kreditkartennummer "
    "karte karten kartennummer carte carta cartão cartao kaart kaartnummer pinpas",
    "american express",
)
# Of the wide range that Maestro may use, what is given out: in 250 numbers of twelve digits one
# begins so and has the right last digit by chance.
_MAESTRO = (
    "5018",
    "5020",
    "5038",
    "56",
    "57",
    "58",
    "6304",
    "6390",
    "6759",
    "6761",
    "6762",
    "6763",
)
_GROUP = re.compile(r"[0-9]+")
_SHORT_GROUP = re.compile(r"\b[0-9]{1,2}\b")


def issued(number: str) -> bool:
    """Whether some network issues cards that begin like this and are as long."""
    return len(number) in _lengths(number[:PREFIX_DIGITS])


@lru_cache(maxsize=10_000)
def _lengths(prefix: str) -> frozenset[int]:
    """How long the cards are that begin with four digits."""
    return frozenset().union(
        *(lengths for first, last, lengths in _ISSUERS if first <= prefix[: len(first)] <= last)
    )


def _judge(candidate: Candidate) -> Finding | None:
    # Most are a card and nothing else, in one group.
    if candidate.value.isdigit():
        score = _score(candidate) if candidate.end - candidate.start <= DIGITS_MAX else 0.0
        return candidate.found(score) if score else None
    best: Finding | None = None
    for part in _parts(candidate):
        score = _score(part)
        if score and (best is None or score > best.score):
            best = part.found(score)
            if score == CERTAIN:
                break
    return best


def _parts(candidate: Candidate) -> Iterator[Candidate]:
    """Runs of whole groups with as many digits as a card has, the longest first.

    A number of other digits may stand before or behind the card: at most 11 groups of the
    pattern's 31 digits have four each, and hardly any more are tried.
    """
    groups = [
        match.span() for match in _GROUP.finditer(candidate.text, candidate.start, candidate.end)
    ]
    runs = [
        (sum(end - start for start, end in groups[first : last + 1]), first, last)
        for first in range(min(len(groups), 12))
        for last in range(first, min(len(groups), first + 8))
    ]
    for count, first, last in sorted(runs, reverse=True):
        if DIGITS_MIN <= count <= DIGITS_MAX:
            yield Candidate(candidate.text, groups[first][0], groups[last][1])


def _score(candidate: Candidate) -> float:
    value = candidate.value
    number = digits(value)
    is_fraction = candidate.text[max(0, candidate.start - 2) : candidate.start] == "0."
    if is_fraction or not issued(number) or number.count(number[0]) == len(number):
        return 0.0
    grouped = len(value) != len(number)
    even = not grouped or not _SHORT_GROUP.search(value)
    if passes_luhn(number):
        # One number in ten has the right last digit by chance; short ones and those in odd
        # groups need a word that says so.
        usual = even and (len(number) in (15, 16) or number[0] in "34")
        if usual and (number[0] != "1" or number[1] == "8"):
            return CERTAIN
        if candidate.near(_LABELS):
            return CERTAIN
        if usual:
            return FAINT
        if even and number.startswith(_MAESTRO) and len(number) not in (17, 18):
            return LIKELY
        return STRONG if grouped and even else FAINT
    # Mistyped, or made up: next to its label it is to be hidden all the same.
    return LIKELY if even and len(number) >= 13 and candidate.near(_LABELS) else 0.0


RULES = (
    Rule(
        "card.luhn",
        Entity.CREDIT_CARD,
        r"[0-9](?:[ .-]?[0-9]){11}",
        r"[0-9](?:[ .-]?[0-9]){11,30}",
        _judge,
        clue=Clue.DIGITS,
    ),
)
