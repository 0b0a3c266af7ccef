"""Leaves of a record read behind the names of their members: the name is the value's label.

Of ``{"ssn": "123456789"}`` a detector is shown ``ssn: 123456789``, and what it finds is told in
the value's own offsets. So every detector knows the name, as it knows a word in a sentence.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from datavault.domain.privacy.json_leaves import Leaf, LeafKind, Place
from datavault.domain.privacy.no_names import of_figures
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.tiers import NAMES

# A label counts where it stands close to its value; of a longer text it would say nothing, and
# of a longer name nobody knows what it says.
NAME_CHARS_MAX = 64
VALUE_CHARS_MAX = 256
# Members that hold what somebody says: as words of a sentence ("text me", "I answer") they would
# be labels, as names they are none.
_SAYINGS = frozenset(
    """answer answers body call calls chosen comment comments completion content contents data
    description input inputs instruction instructions message messages note notes output outputs
    prompt prompts query question questions reach rejected reply response responses ring signal
    summary text texts title value values""".split()  # noqa: SIM905 - a list of words.
)
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")

# Names of members are words without a sentence, which a model of names takes for organizations and
# persons: SSN, Department, Hospital. A person after whom a member is called is surer than that.
MEMBER_SCORE_MIN = 0.85

type Named = tuple[str, str]
"""What is read before a text, empty if nothing is, and the text."""


def named(leaf: Leaf) -> Named:
    """A leaf's text with the name of the member that it belongs to; a name's with none."""
    if leaf.kind is LeafKind.KEY or len(leaf.text) > VALUE_CHARS_MAX:
        return "", leaf.text
    return _spoken(_name(leaf.place)), leaf.text


def labelled(name: str, value: str) -> Named:
    """A value with the name of its member, or of its column, as one says that before it."""
    return ("", value) if len(value) > VALUE_CHARS_MAX else (_spoken(name), value)


def of_members(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Of what is found in the name of a member, what counts: a name from ``MEMBER_SCORE_MIN``."""
    return tuple(
        span for span in spans if span.entity not in NAMES or span.score >= MEMBER_SCORE_MIN
    )


def detect_named(
    detect: Callable[[Sequence[str]], list[tuple[Span, ...]]], texts: Sequence[Named]
) -> list[tuple[Span, ...]]:
    """What ``detect`` finds in each of the texts, read behind its name; in their offsets."""
    found = detect([before + text for before, text in texts])
    return [
        _under(before, text, spans) if before and spans else spans
        for (before, text), spans in zip(texts, found, strict=True)
    ]


def _under(before: str, text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    own = _behind(spans, len(before))
    return own if any(map(str.isalpha, text)) else tuple(of_figures(before, own))


def _name(place: Place | None) -> str:
    """The name of the innermost member, around any arrays."""
    while place is not None and place.owner is None:
        place = place.within
    return "" if place is None else place.token


@lru_cache(maxsize=4096)  # The same few names stand in every record.
def _spoken(name: str) -> str:
    """``dateOfBirth`` and ``date_of_birth`` as one says them before a value."""
    if not name or len(name) > NAME_CHARS_MAX:
        return ""
    plain = name.isalpha() and name.islower()
    words = name if plain else _BETWEEN_WORDS.sub(" ", name).strip()
    return f"{words}: " if words and words.lower() not in _SAYINGS else ""


def _behind(spans: Sequence[Span], size: int) -> tuple[Span, ...]:
    """The spans that reach behind the first ``size`` characters, counted from there."""
    return tuple(
        replace(span, start=max(0, span.start - size), end=span.end - size)
        for span in spans
        if span.end > size
    )
