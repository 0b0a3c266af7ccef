"""Texts with what becomes of them: each a plain text or one leaf of a record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datavault.domain.privacy import pointers
from datavault.domain.privacy.hits import Hit
from datavault.domain.privacy.json_leaves import (
    Edit,
    Leaf,
    LeafKind,
    edited,
    rewritten,
    tokens_of,
)
from datavault.domain.privacy.pointers import Tokens
from datavault.domain.privacy.results import Finding, Part
from datavault.domain.privacy.strategy import Verdict
from datavault.domain.privacy.treatment import Treated

_BY_BADNESS = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text in which something was found, what becomes of that, and of the whole.

    ``suffix`` tells a renamed key from others. What is kept is treated and not edited.
    """

    text: str
    treated: tuple[Treated, ...]
    leaf: Leaf | None
    suffix: str
    edits: tuple[Edit, ...]
    output: str

    @classmethod
    def of(
        cls, text: str, treated: tuple[Treated, ...], *, leaf: Leaf | None = None, suffix: str = ""
    ) -> "Passage":
        """The passage with its edits and its output."""
        edits = [each.edit for each in treated if not each.stand_in.is_kept]
        if suffix:
            edits.append(Edit(len(text), len(text), suffix))
        return cls(text, treated, leaf, suffix, tuple(edits), edited(text, edits))

    @property
    def part(self) -> Part:
        """What of a record it is."""
        is_key = self.leaf is not None and self.leaf.kind is LeafKind.KEY
        return Part.KEY if is_key else Part.VALUE

    @property
    def tokens(self) -> Tokens:
        """Where it stands, by which rules are chosen; empty for a plain text."""
        return () if self.leaf is None else tokens_of(self.leaf.place)

    def left_over(self, hits: Iterable[Hit]) -> list[Hit]:
        """Of the hits in ``output`` those of which a letter or digit is not of a stand-in."""
        output, ranges, first = self.output, self._stand_in_ranges(), 0
        found: list[Hit] = []
        for hit in hits:
            while first < len(ranges) and ranges[first][1] <= hit.start:
                first += 1
            at, row, outside = hit.start, first, ""
            while row < len(ranges) and ranges[row][0] < hit.end:
                outside += output[at : max(at, ranges[row][0])]
                at, row = max(at, ranges[row][1]), row + 1
            outside += output[at : hit.end]
            if any(char.isalnum() for char in outside):
                found.append(hit)
        return found

    def _stand_in_ranges(self) -> list[tuple[int, int]]:
        """Where in ``output`` the stand-ins are, and what is kept, in code points."""
        ranges: list[tuple[int, int]] = []
        shift = 0
        for each in self.treated:
            start, size = each.hit.start + shift, len(each.stand_in.text)
            ranges.append((start, start + size))
            shift += size - (each.hit.end - each.hit.start)
        if self.suffix:
            ranges.append((len(self.text) + shift, len(self.text) + shift + len(self.suffix)))
        return ranges


class TreatedRecord:
    """A record with the passages in which something was found, and the new names of its keys."""

    __slots__ = ("_body", "_names", "passages")

    def __init__(self, body: bytes, leaves: Sequence[Leaf], passages: Sequence[Passage]) -> None:
        self._body = body
        self._names: dict[tuple[int | None, str], str] = {}
        self.passages = self._renamed(leaves, passages)

    def output(self) -> bytes:
        """The record as it comes out: valid JSON, all of it that was not changed as it was."""
        changes = ((each.leaf, each.edits) for each in self.passages if each.leaf is not None)
        return rewritten(self._body, ((leaf, edits) for leaf, edits in changes if edits))

    def pointer(self, passage: Passage) -> str:
        """Where a passage is in the output."""
        if passage.leaf is None or passage.leaf.place is None:
            return ""
        path = passage.leaf.place.path()
        return pointers.written(
            tuple(self._names.get((each.owner, each.token), each.token) for each in path)
        )

    def _renamed(self, leaves: Sequence[Leaf], passages: Sequence[Passage]) -> list[Passage]:
        """The passages, with suffixes for keys that would get a name which is taken.

        Keys that stay have their names first; of the others, the first one in the text.
        """
        changed = {
            passage.leaf for passage in passages if passage.part is Part.KEY and passage.edits
        }
        if not changed:
            return list(passages)
        taken = {
            (leaf.place.owner, leaf.text)
            for leaf in leaves
            if leaf.kind is LeafKind.KEY and leaf.place and leaf not in changed
        }
        counts: dict[tuple[int | None, str], int] = {}
        renamed: list[Passage] = []
        for passage in passages:
            leaf = passage.leaf
            if leaf is not None and leaf.place is not None and leaf in changed:
                owner, name = leaf.place.owner, passage.output
                while (owner, passage.output) in taken:
                    counts[owner, name] = counts.get((owner, name), 1) + 1
                    passage = _with_suffix(passage, f"_{counts[owner, name]}")
                taken.add((owner, passage.output))
                self._names[owner, passage.text] = passage.output
            renamed.append(passage)
        return renamed


def _with_suffix(passage: Passage, suffix: str) -> Passage:
    return Passage.of(passage.text, passage.treated, leaf=passage.leaf, suffix=suffix)


def findings(passage: Passage, pointer: str) -> list[Finding]:
    """What was found in a passage, without its value."""
    return [
        Finding(
            entity=each.hit.entity,
            pointer=pointer,
            part=passage.part,
            start=each.hit.start,
            end=each.hit.end,
            score=each.hit.score,
            reason=each.hit.reason,
            strategy=each.stand_in.strategy,
        )
        for each in passage.treated
    ]


def worst(passages: Iterable[Passage]) -> Verdict:
    """The worst that became of a value; ``ANONYMISED`` if there is none."""
    treated = (each.stand_in.verdict for passage in passages for each in passage.treated)
    return max(treated, key=_BY_BADNESS.index, default=Verdict.ANONYMISED)
