"""A detector for tests that finds what a table says, and keys and settings that never change."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.keys import PrivacyKeys, Setting
from datavault.domain.privacy.policy import Policy
from datavault.domain.privacy.spans import Span

KEYS = PrivacyKeys(bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32, bytes([4]) * 32)
SETTING = Setting("store-1", "scope-1", date(2026, 11, 26))


class TableDetector:
    """Finds each of the values of its table wherever it occurs; counts how often it is asked."""

    def __init__(self, table: Mapping[str, Entity], *, score: float = 0.9) -> None:
        self._table = table
        self._score = score
        longest_first = sorted(table, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self.calls: list[list[str]] = []

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        self.calls.append(list(texts))
        return [tuple(map(self._span, self._pattern.finditer(text))) for text in texts]

    def _span(self, found: re.Match[str]) -> Span:
        entity = self._table[found[0]]
        return Span(found.start(), found.end(), entity, self._score, "table")


PEOPLE = {
    "Ada Lovelace": Entity.PERSON,
    "Bob": Entity.PERSON,
    "ada@example.com": Entity.EMAIL_ADDRESS,
    "4111111111111111": Entity.CREDIT_CARD,
    "Zoë 😀": Entity.PERSON,
}


def anonymizer(
    policy: Policy, *, table: Mapping[str, Entity] = PEOPLE, score: float = 0.9
) -> Anonymizer:
    return Anonymizer(TableDetector(table, score=score), policy, KEYS, SETTING)
