"""Words that announce what stands next to them, and how they are looked for: as a set of words.

An alternation of sixty words takes twenty times as long over the same window.
"""

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W_]+")
# ASCII in lower case, with a space for all that no word holds: as bytes, a third of the time that
# the pattern takes.
_PLAIN = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128))
_PLAIN += bytes(128)


@dataclass(frozen=True, slots=True)
class Labels:
    """``words``, case-folded, match whole words only; ``phrases`` anywhere."""

    words: frozenset[str]
    phrases: tuple[str, ...]
    _plain: frozenset[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plain = frozenset(word.encode() for word in self.words if word.isascii())
        object.__setattr__(self, "_plain", plain)

    def within(self, text: str, start: int, end: int) -> bool:
        """Whether a label stands in ``text[start:end]``; a word cut off by ``start`` is none."""
        window = text[start:end]
        is_cut = start > 0 and window[:1].isalnum() and text[start - 1].isalnum()
        if window.isascii():
            if not self._plain.isdisjoint(window.encode().translate(_PLAIN).split()[is_cut:]):
                return True
        elif not self.words.isdisjoint(_WORD.findall(window.casefold())[is_cut:]):
            return True
        if self.phrases:
            window = window.casefold()
            for phrase in self.phrases:
                if phrase in window:
                    return True
        return False


def labels(words: str, *phrases: str) -> Labels:
    """Labels from words divided by spaces, and from phrases that hold spaces or signs.

    Words are letters and digits alone: "e-mail" is found as a phrase, and ``user_phone`` by
    "phone".
    """
    return Labels(frozenset(words.casefold().split()), phrases)
