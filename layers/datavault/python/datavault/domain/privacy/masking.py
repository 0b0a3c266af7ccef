"""Values with characters taken away: masked, or cut off."""

import unicodedata

# Marks belong to the letter before them, and a zero-width character may stand within a number:
# all that is no punctuation and no space is masked.
_SEPARATOR_CATEGORIES = ("P", "Z")
_SEPARATORS = set("+\t\r\n")


def masked(value: str, keep_last: int) -> str | None:
    """A star for every character but separators; the last ``keep_last`` of them stay.

    If these were more than half, none stays. ``None`` if there is nothing to mask.
    """
    hidden = [at for at, char in enumerate(value) if not _separates(char)]
    if not hidden:
        return None
    if keep_last and len(hidden) >= 2 * keep_last:
        del hidden[-keep_last:]
    chars = list(value)
    for at in hidden:
        chars[at] = "*"
    return "".join(chars)


def truncated(value: str, chars: int) -> str | None:
    """The first ``chars`` code points; ``None`` if that were more than half of the value."""
    return value[:chars] if len(value) >= 2 * chars else None


def _separates(char: str) -> bool:
    return char in _SEPARATORS or unicodedata.category(char)[0] in _SEPARATOR_CATEGORIES
