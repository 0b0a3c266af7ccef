"""A policy's lists on one day: what is allowed to stay, and which phrases are denied."""

from datetime import date

from datavault.domain.privacy.hits import Hit
from datavault.domain.privacy.policy import ANY_ENTITY, Policy, folded, words_of


class Lists:
    """The entries that apply ``on`` a day: an entry applies up to the day it expires, included."""

    __slots__ = ("_allowed", "_denied", "_sizes")

    def __init__(self, policy: Policy, on: date) -> None:
        self._allowed = {
            (each.entity, each.folded) for each in policy.allowed if on <= each.expires
        }
        self._denied = {each.words: each.entity for each in policy.denied if on <= each.expires}
        # By its first word, how many words a phrase may have: most words begin none.
        self._sizes: dict[str, set[int]] = {}
        for words in self._denied:
            self._sizes.setdefault(words[0], set()).add(len(words))

    def allows(self, entity: str, value: str) -> bool:
        """Whether all of what was found may stay."""
        if not self._allowed:
            return False
        same = folded(value)
        return (entity, same) in self._allowed or (ANY_ENTITY, same) in self._allowed

    def denied_in(self, text: str) -> list[Hit]:
        """Where denied phrases stand, in order; linear in the text, however many there are."""
        if not self._denied:
            return []
        words = words_of(text)
        found: list[Hit] = []
        for at, (start, _, word) in enumerate(words):
            for size in sorted(self._sizes.get(word, ())):
                phrase = tuple(each for _, _, each in words[at : at + size])
                entity = self._denied.get(phrase)
                if entity is not None:
                    end = words[at + size - 1][1]
                    found.append(Hit(start, end, entity, 1.0, "denied"))
        return found
