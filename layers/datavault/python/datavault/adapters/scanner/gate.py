"""Which rules a stretch of text may match, told in one pass over it.

The gates go into a few RE2 sets, each a single automaton, so that a block of text in which nothing
stands costs a few scans however many rules there are. One set would be fastest on text of few
words, but an automaton is made as text is read, and gates that count ("up to 12 characters")
multiply its states: over varied text (documentation, change logs) one set of all 159 gates fills
its 64 MB again and again. MB/s of that text for 1, 3, 4, 6 and 8 sets after 20 MB of it, one core:
1, 8, 13, 14, 16; of one sentence repeated, for 1, 4 and 8: 312, 78, 41.

Which library was measured on 383 KB of sentences with 34 gates in one set, in MB/s for blocks of
512, 1024, 2048, 4096 and 16384 bytes, one core: google-re2 129, 176, 204, 223, 235; hyperscan 128,
167, 195, 219, 270, as its Python binding calls back for each match. RE2 it is: the same speed,
wheels for both architectures, and one syntax and one guarantee of linear time for gates and
patterns.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import re2

from datavault.domain.privacy.recognizers.rules import Rule

# A ceiling for the automaton's states, not what it takes; were it reached, RE2 would start its
# cache anew and slow down, not fail.
STATES_BYTES_MAX = 64 << 20
SETS = 8


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = STATES_BYTES_MAX
    options.log_errors = False
    return options


class Opened(NamedTuple):
    """A rule to run, its pattern, and the pattern's group that is the candidate."""

    rule: Rule
    pattern: "re2._Regexp"
    group: int


class Gate:
    """Rules compiled together. Threads may share one."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        gates = list(dict.fromkeys(rule.gate for rule in rules))
        options = _options()
        compiled = [(rule, re2.compile(rule.pattern.encode(), options)) for rule in rules]
        behind = {
            gate: tuple(
                Opened(rule, pattern, pattern.groups)
                for rule, pattern in compiled
                if rule.gate == gate
            )
            for gate in gates
        }
        # Dealt out, as gates of one kind, which multiply each other's states, stand together.
        dealt = [gates[start::SETS] for start in range(min(SETS, len(gates)))]
        self._sets = [(_set_of(own), tuple(behind[gate] for gate in own)) for own in dealt]

    def open_for(self, block: bytes) -> list[Opened]:
        """The rules whose gates match somewhere in the block of UTF-8."""
        return [
            opened
            for own, behind in self._sets
            for index in own.Match(block) or ()
            for opened in behind[index]
        ]


def _set_of(gates: Sequence[str]) -> "re2.Set":
    compiled = re2.Set.SearchSet(_options())
    for gate in gates:
        compiled.Add(gate.encode())
    compiled.Compile()
    return compiled


@lru_cache(maxsize=16)
def gate_of(rules: tuple[Rule, ...]) -> Gate:
    """The gate of these rules, compiled once a process."""
    return Gate(rules)
