"""The one-pass scanner: gates pick the rules, patterns find candidates, judges decide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from datavault.adapters.scanner.blocks import Block, Located, blocks_of
from datavault.adapters.scanner.gate import Opened, gate_of
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import resolve
from datavault.domain.privacy.recognizers.rules import Finding, Rule
from datavault.domain.privacy.spans import Span

# Blocks that are gone over together, 1.2 million characters at most.
BLOCKS_MAX = 256
# Candidates that are found before the first is judged: a pattern and a judge drive each other from
# the core's cache if they take turns.
CANDIDATES_MAX = 1024
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


class RuleDetector:
    """Finds what the rules find and ``selection`` admits; a ``Detector``."""

    def __init__(self, rules: tuple[Rule, ...], selection: Selection) -> None:
        self._gate = gate_of(rules)
        self._selection = selection

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [resolve(spans) if spans else spans for spans in self.detect_overlapping(texts)]

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """All that the rules find in each text, also about the same characters, in no order."""
        found: dict[int, list[Span]] = {}
        for blocks in batched(blocks_of(texts), BLOCKS_MAX, strict=False):
            open_in = self._gate.open_for([block.content for block in blocks])
            for opened, places in open_in.items():
                located = _located(opened, blocks, places)
                for candidates in batched(located, CANDIDATES_MAX, strict=False):
                    self._judge(opened, candidates, found)
        return [tuple(found.get(index, ())) for index in range(len(texts))]

    def _judge(
        self, opened: Opened, candidates: Iterable[Located], found: dict[int, list[Span]]
    ) -> None:
        """Add to ``found``, by text, what the rules make of the candidates."""
        scores_min, allowed = self._selection.scores_min, self._selection.allowed
        judges = [(rule.judge, scores_min[rule.entity], rule) for rule in opened.rules]
        for index, reading, candidate in candidates:
            text = candidate.text
            for judge, score_min, rule in judges:
                finding = judge(candidate)
                if finding is None or finding.score < score_min or not _whole(text, finding):
                    continue
                start, end = finding.start, finding.end
                if allowed and text[start:end].casefold() in allowed:
                    continue
                if reading is not None:
                    start, end = reading.original(start, end)
                span = Span(start, end, rule.entity, finding.score, rule.name)
                found.setdefault(index, []).append(span)


def _located(opened: Opened, blocks: Sequence[Block], places: Iterable[int]) -> Iterator[Located]:
    """The candidates of a pattern in the blocks at those places."""
    find, group = opened.pattern.finditer, opened.group
    for place in places:
        block = blocks[place]
        for match in find(block.content):
            located = block.locate(match.span(group))
            if located is not None:
                yield located


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
