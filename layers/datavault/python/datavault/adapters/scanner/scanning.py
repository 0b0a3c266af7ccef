"""The one-pass scanner: gates pick the rules, patterns find candidates, judges decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datavault.adapters.scanner.blocks import Located, blocks_of
from datavault.adapters.scanner.gate import gate_of
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import resolve
from datavault.domain.privacy.recognizers.rules import Finding, Rule
from datavault.domain.privacy.spans import Span

# East Asian scripts put no spaces between words, so a letter from here on may touch a value.
_UNSPACED = "\u2e80"


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the findings counts, before overlaps are resolved.

    ``scores_min`` has the least score for each entity; ``allowed`` holds values, case-folded,
    that nobody minds.
    """

    scores_min: Mapping[Entity, float]
    allowed: frozenset[str]

    def admits(self, entity: Entity, finding: Finding, text: str) -> bool:
        if finding.score < self.scores_min[entity]:
            return False
        allowed = self.allowed
        return not allowed or text[finding.start : finding.end].casefold() not in allowed


class RuleDetector:
    """Finds what the rules find and ``selection`` admits; a ``Detector``."""

    def __init__(self, rules: tuple[Rule, ...], selection: Selection) -> None:
        self._gate = gate_of(rules)
        self._selection = selection

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [resolve(spans) for spans in self.detect_overlapping(texts)]

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """All that the rules find in each text, also about the same characters, in no order."""
        found: dict[int, list[Span]] = {}
        for block in blocks_of(texts):
            content = block.content
            for pattern, group, rules in self._gate.open_for(content):
                for match in pattern.finditer(content):
                    located = block.locate(match.span(group))
                    if located is None:
                        continue
                    for rule in rules:
                        span = self._judged(rule, located)
                        if span is not None:
                            found.setdefault(located.index, []).append(span)
        return [tuple(found.get(index, ())) for index in range(len(texts))]

    def _judged(self, rule: Rule, located: Located) -> Span | None:
        candidate = located.candidate
        finding = rule.judge(candidate)
        if finding is None or not _whole(candidate.text, finding):
            return None
        if not self._selection.admits(rule.entity, finding, candidate.text):
            return None
        start, end = located.original(finding.start, finding.end)
        return Span(start, end, rule.entity, finding.score, rule.name)


def _whole(text: str, finding: Finding) -> bool:
    """Whether a finding begins and ends where a word does, rather than within one."""
    start, end = finding.start, finding.end
    if start and text[start].isalnum():
        before = text[start - 1]
        if before.isalnum() and before < _UNSPACED:
            return False
    if end < len(text) and text[end - 1].isalnum():
        behind = text[end]
        if behind.isalnum() and behind < _UNSPACED:
            return False
    return True
