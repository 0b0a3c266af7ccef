"""The same text as somebody else would have typed it, with its spans moved along."""

import random
import unicodedata
from collections.abc import Callable

from generate import Labelled

_KEYBOARD = "qwertyuiopasdfghjklzxcvbnm"


def augmented(labelled: Labelled, draw: random.Random) -> Labelled:
    """One way of writing, drawn: two in three texts stay as they are."""
    way = draw.random()
    if way < 0.13:
        return mapped(labelled, lambda text: [character.lower() for character in text])
    if way < 0.19:
        return mapped(labelled, lambda text: [character.upper() for character in text])
    if way < 0.22:
        return mapped(labelled, lambda text: list(text.title()) if _same(text) else list(text))
    if way < 0.26:
        return mapped(labelled, lambda text: [_plain(character) for character in text])
    if way < 0.32:
        return mapped(labelled, lambda text: _mistyped(text, draw))
    if way < 0.36:
        return mapped(labelled, lambda text: ["" if c in ".,;:!?'\"" else c for c in text])
    if way < 0.38:
        return mapped(labelled, lambda text: [" " if c == "\n" else c for c in text])
    if way < 0.40:
        return mapped(labelled, lambda text: ["\n" if c == "," else c for c in text])
    return labelled


def mapped(labelled: Labelled, change: Callable[[str], list[str]]) -> Labelled:
    """The text with each character replaced by what ``change`` has in its place."""
    pieces = change(labelled.text)
    moved = [0]
    for piece in pieces:
        moved.append(moved[-1] + len(piece))
    spans = tuple(
        (moved[start], moved[end], entity)
        for start, end, entity in labelled.spans
        if moved[end] > moved[start]
    )
    return Labelled("".join(pieces), spans, labelled.source)


def _same(text: str) -> bool:
    return len(text.title()) == len(text)


def _plain(character: str) -> str:
    kept = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return kept or character


def _mistyped(text: str, draw: random.Random) -> list[str]:
    """About one letter in fifty doubled, dropped, replaced or swapped for a neighbour's."""
    pieces = list(text)
    for at, character in enumerate(text):
        if character.isalpha() and draw.random() < 0.02:
            pieces[at] = draw.choice((character * 2, "", draw.choice(_KEYBOARD)))
    return pieces
