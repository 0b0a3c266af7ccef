"""Texts with what becomes of them: each a plain text or one leaf of a record."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from datavault.domain.privacy import pointers
from datavault.domain.privacy.hits import Hit
from datavault.domain.privacy.json_leaves import (
    Edit,
    Leaf,
    LeafKind,
    Notation,
    edited,
    tokens_of,
)
from datavault.domain.privacy.pointers import Tokens
from datavault.domain.privacy.results import Finding, Part
from datavault.domain.privacy.strategy import Verdict
from datavault.domain.privacy.treatment import Treated

_BY_BADNESS = tuple(Verdict)
_IN_TEXT = attrgetter("hit.start")


class _StandIn(NamedTuple):
    """Where one stands in an output; what follows is ``shift`` characters on in the text."""

    start: int
    end: int
    shift: int


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
        """Of the hits in ``output`` those of which a letter or digit is not of a stand-in.

        The hits are in order and without overlaps, here and below.
        """
        return list(dict.fromkeys(hit for hit, _ in self._runs(hits)))

    def rests(self, hits: Iterable[Hit]) -> list[Hit]:
        """What of the hits in ``output`` is of no stand-in, at its place in ``text``.

        Each has a letter or digit, and begins and ends with one where a stand-in was cut off.
        """
        return [run for _, run in self._runs(hits)]

    def also(self, treated: Iterable[Treated]) -> "Passage":
        """The passage with more of it treated, none of which was yet."""
        both = sorted((*self.treated, *treated), key=_IN_TEXT)
        return Passage.of(self.text, tuple(both), leaf=self.leaf)

    def _runs(self, hits: Iterable[Hit]) -> Iterator[tuple[Hit, Hit]]:
        """Each hit with each run of it that says something and is of no stand-in, in ``text``."""
        stand_ins, first, shift = self._stand_ins(), 0, 0
        for hit in hits:
            at = hit.start
            while stand_ins[first].end <= at:
                shift = stand_ins[first].shift
                first += 1
            row, own = first, shift
            while at < hit.end:
                until = min(stand_ins[row].start, hit.end)
                if said := [spot for spot in range(at, until) if self.output[spot].isalnum()]:
                    # Of what joined it to a stand-in nothing is left over.
                    start = said[0] if at > hit.start else at
                    end = said[-1] + 1 if until < hit.end else until
                    yield hit, replace(hit, start=start + own, end=end + own)
                at, own, row = max(at, stand_ins[row].end), stand_ins[row].shift, row + 1

    def _stand_ins(self) -> list[_StandIn]:
        """Where in ``output`` the stand-ins are, what is kept, a suffix, and the end of all."""
        found: list[_StandIn] = []
        shift = 0
        for each in self.treated:
            start, size = each.hit.start - shift, len(each.stand_in.text)
            shift += each.hit.end - each.hit.start - size
            found.append(_StandIn(start, start + size, shift))
        end = len(self.output)
        if self.suffix:
            found.append(_StandIn(end - len(self.suffix), end, shift))
        return [*found, _StandIn(end + 1, end + 1, shift)]


class TreatedRecord:
    """A record with the passages in which something was found, and the new names of its keys."""

    __slots__ = ("_body", "_names", "_notation", "passages")

    def __init__(
        self,
        body: bytes,
        notation: Notation,
        leaves: Sequence[Leaf],
        passages: Sequence[Passage],
    ) -> None:
        self._body = body
        self._notation = notation
        self._names: dict[tuple[int | None, str], str] = {}
        self.passages = self._renamed(leaves, passages)

    def output(self) -> bytes:
        """The record as it comes out: in its notation, all of it that was not changed as it was."""
        changes = ((each.leaf, each.edits) for each in self.passages if each.leaf is not None)
        return self._notation.rewritten(
            self._body, ((leaf, edits) for leaf, edits in changes if edits)
        )

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
