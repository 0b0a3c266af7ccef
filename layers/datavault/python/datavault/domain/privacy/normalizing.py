"""Texts as rules read them: ASCII digits, dashes and spaces, and nothing invisible.

Most texts are read as they are. Only where a text has characters that people see as a digit, a
dash or a space, or do not see at all, is it rewritten, with a map back to its own code points.
"""

import re
import unicodedata
from array import array
from dataclasses import dataclass

# Formatting characters: zero-width spaces and joiners, soft hyphen, marks of direction, word
# joiner, byte-order mark, variation selectors. A number may hold them without looking different.
_INVISIBLE = frozenset(
    (0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
     *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF)
)  # fmt: skip
_DASHES = (*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D)
_SPACES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_LINES = (0x85, 0x2028, 0x2029)
_SURROGATES = range(0xD800, 0xE000)


def _substitutes() -> dict[int, str]:
    """One ASCII character for each code point that looks like it."""
    table = dict.fromkeys(_DASHES, "-") | dict.fromkeys(_SPACES, " ") | dict.fromkeys(_LINES, "\n")
    # Half of a character cannot be encoded; no rule knows it.
    table |= dict.fromkeys(_SURROGATES, "\ufffd")
    for code in range(0xFF01, 0xFF5F):
        table.setdefault(code, chr(code - 0xFEE0))
    # No decimal digits were given out above the second plane.
    codes = (*range(0x80, _SURROGATES.start), *range(_SURROGATES.stop, 0x20000))
    for digit in re.findall(r"\d", "".join(map(chr, codes))):
        table.setdefault(ord(digit), str(unicodedata.decimal(digit)))
    return table


_SUBSTITUTES = _substitutes()


def _ranges(codes: list[int]) -> str:
    """A character class of code points."""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in runs)


_UNSEEN = frozenset(map(chr, _INVISIBLE))
_ODD = _UNSEEN | frozenset(map(chr, _SUBSTITUTES))
# Most texts have one or two, such as a dash. Each is replaced in a pass of its own, of which a
# hundred take as long as one translation.
REPLACED_ONE_BY_ONE_MAX = 16
_ASCII = bytes(range(128))
_DROPPED = re.compile(f"[{_ranges(list(_INVISIBLE))}]")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as rules read it.

    ``kept`` has, for each code point of ``text``, its place in the original; ``None`` when they
    are the same.
    """

    text: str
    kept: array[int] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]``, which is not empty, lies in the original."""
        if self.kept is None:
            return start, end
        return self.kept[start], self.kept[end - 1] + 1


def read(text: str) -> Reading:
    """``text`` as rules read it; time and memory are linear in its length."""
    odd = _odd(text)
    if not odd:
        return Reading(text, None)
    plain = _substituted(text, odd)
    if odd.isdisjoint(_UNSEEN):
        return Reading(plain, None)
    kept = array("q")
    parts: list[str] = []
    position = 0
    for match in _DROPPED.finditer(plain):
        parts.append(plain[position : match.start()])
        kept.extend(range(position, match.start()))
        position = match.end()
    parts.append(plain[position:])
    kept.extend(range(position, len(plain)))
    return Reading("".join(parts), kept)


def _odd(text: str) -> frozenset[str]:
    """The characters in it that rules do not read as they are."""
    if text.isascii():
        return frozenset()
    # A search for a class of so many characters takes longer than all else that is done here.
    rest = text.encode(errors="surrogatepass").translate(None, _ASCII)
    return _ODD.intersection(rest.decode(errors="surrogatepass"))


def _substituted(text: str, odd: frozenset[str]) -> str:
    if len(odd) > REPLACED_ONE_BY_ONE_MAX:
        return text.translate(_SUBSTITUTES)
    for char in odd - _UNSEEN:
        text = text.replace(char, _SUBSTITUTES[ord(char)])
    return text
