"""Which rules a stretch of text may match, told in a few passes over it.

Clues and gates go into RE2 sets, each a single automaton: the clues into one, the gates into a few,
of which those whose gates need a clue are run only where it is seen. An automaton is made as text
is read, and gates multiply each other's states, those that count ("up to 12 characters") most.
So one set would be fastest on text of few words, and on varied text takes longer to make than it
saves: with the gates without a clue and those of digits in 1, 2 and 3 sets each, 1.7 MB of
programs, read once, take 103, 78 and 69 ms, and 0.38 MB of sentences 52, 34 and 28 the first time
and 6.3, 8.2 and 9.8 from then on.

Which library was measured on 383 KB of sentences with 34 gates in one set, in MB/s for blocks of
512, 1024, 2048, 4096 and 16384 bytes, one core: google-re2 129, 176, 204, 223, 235; hyperscan 128,
167, 195, 219, 270, as its Python binding calls back for each match. RE2 it is: the same speed,
wheels for both architectures, and one syntax and one guarantee of linear time for gates and
patterns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2

from datavault.domain.privacy.recognizers.rules import Clue, Rule

# A ceiling for the automaton's states, not what it takes; were it reached, RE2 would start its
# cache anew and slow down, not fail.
STATES_BYTES_MAX = 64 << 20
SETS = {Clue.NONE: 2, Clue.DIGITS: 2, Clue.RUN: 1, Clue.WORD: 1}


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = STATES_BYTES_MAX
    options.log_errors = False
    return options


# Told apart by identity: rules are long to hash.
@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A pattern to run, its group that is the candidate, and the rules that judge it."""

    pattern: "re2._Regexp"
    group: int
    rules: tuple[Rule, ...]


class _Set:
    """Clues or gates in one automaton, with what is behind each."""

    def __init__(self, behind: dict[str, tuple[Opened, ...]]) -> None:
        self._set = re2.Set.SearchSet(_options())
        for gate in behind:
            self._set.Add(gate.encode())
        self._set.Compile()
        self.behind = tuple(behind.values())

    def seen(self, block: bytes) -> Iterable[int]:
        """The numbers of those that match somewhere."""
        return self._set.Match(block) or ()

    def note(
        self, blocks: Sequence[bytes], places: Iterable[int], open_in: dict[Opened, list[int]]
    ) -> None:
        """Add to ``open_in`` what stands behind the gates that match, at those places."""
        for place in places:
            for index in self._set.Match(blocks[place]) or ():
                for opened in self.behind[index]:
                    open_in.setdefault(opened, []).append(place)


class Gate:
    """Rules compiled together. Threads may share one."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        by_clue: dict[Clue, dict[str, dict[str, list[Rule]]]] = {}
        for rule in rules:
            gates = by_clue.setdefault(rule.clue, {})
            gates.setdefault(rule.gate, {}).setdefault(rule.pattern, []).append(rule)
        self._plain = _dealt(by_clue.pop(Clue.NONE, {}), SETS[Clue.NONE])
        self._clues = _Set(dict.fromkeys((clue.value for clue in by_clue), ()))
        self._clued = [_dealt(gates, SETS[clue]) for clue, gates in by_clue.items()]

    def open_for(self, blocks: Sequence[bytes]) -> dict[Opened, list[int]]:
        """What is to be run over which of the blocks of UTF-8, by their places.

        One automaton goes over all blocks before the next one does: it stays in the core's cache,
        from which the next one would drive it.
        """
        open_in: dict[Opened, list[int]] = {}
        for own in self._plain:
            own.note(blocks, range(len(blocks)), open_in)
        clued: list[list[int]] = [[] for _ in self._clued]
        for place, block in enumerate(blocks):
            for index in self._clues.seen(block):
                clued[index].append(place)
        for sets, places in zip(self._clued, clued, strict=True):
            for own in sets:
                own.note(blocks, places, open_in)
        return open_in


def _dealt(gates: dict[str, dict[str, list[Rule]]], sets: int) -> list[_Set]:
    """The gates in a few sets; those of one kind, which multiply each other's states, apart."""
    behind = list(_compiled(gates).items())
    return [_Set(dict(behind[start::sets])) for start in range(min(sets, len(behind)))]


def _compiled(gates: dict[str, dict[str, list[Rule]]]) -> dict[str, tuple[Opened, ...]]:
    options = _options()
    return {
        gate: tuple(
            Opened(pattern := re2.compile(text.encode(), options), pattern.groups, tuple(rules))
            for text, rules in patterns.items()
        )
        for gate, patterns in gates.items()
    }


@lru_cache(maxsize=16)
def gate_of(rules: tuple[Rule, ...]) -> Gate:
    """The gate of these rules, compiled once a process."""
    return Gate(rules)
