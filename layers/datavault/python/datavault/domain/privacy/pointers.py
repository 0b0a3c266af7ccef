"""JSON pointers (RFC 6901), and patterns of them with ``*`` for one token and ``**`` for any."""

import re
from dataclasses import dataclass, field

from datavault.domain.errors import Invalid

TOKENS_MAX = 100
PATTERN_CHARS_MAX = 1024

type Tokens = tuple[str, ...]

_TILDES = re.compile(r"~(?![01])")


def written(tokens: Tokens) -> str:
    """The pointer of these reference tokens; empty for the whole document."""
    return "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in tokens)


@dataclass(frozen=True, slots=True)
class PointerPattern:
    """A pointer in which the token ``*`` stands for any one and ``**`` for any number, also none.

    A member that is really named ``*`` is matched by ``*`` and cannot be singled out.
    """

    text: str
    _tokens: Tokens = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = self.text
        if len(text) > PATTERN_CHARS_MAX:
            raise Invalid(f"a pointer has at most {PATTERN_CHARS_MAX} characters, not {len(text)}")
        if text and not text.startswith("/"):
            raise Invalid("a pointer is empty or begins with / (RFC 6901)")
        if _TILDES.search(text):
            raise Invalid("in a pointer, ~ stands before 0 or 1 only (RFC 6901)")
        tokens = text.split("/")[1:]
        if len(tokens) > TOKENS_MAX:
            raise Invalid(f"a pointer has at most {TOKENS_MAX} tokens, not {len(tokens)}")
        own = tuple(each.replace("~1", "/").replace("~0", "~") for each in tokens)
        object.__setattr__(self, "_tokens", own)

    @property
    def column(self) -> str | None:
        """The column of a table that it is of, by name or number; ``None`` if it calls none.

        Of more tokens than one it is of something within arrays and objects. A number at any depth
        is an element's.
        """
        own = [each for each in self._tokens if each != "**"]
        if len(own) != 1 or own == ["*"] or (own[0].isdecimal() and self._tokens[0] == "**"):
            return None
        return own[0]

    def matches(self, tokens: Tokens) -> bool:
        """Whether the pattern is of the place that ``tokens`` lead to."""
        return len(tokens) in self._reach(tokens)

    def covers(self, tokens: Tokens) -> bool:
        """Whether it is of that place or of one that it lies in."""
        return bool(self._reach(tokens))

    def _reach(self, tokens: Tokens) -> set[int]:
        """How many of ``tokens`` the pattern may use up: each pair of tokens is met once."""
        reached = {0}
        for own in self._tokens:
            if own == "**":
                reached = set(range(min(reached), len(tokens) + 1))
            else:
                reached = {
                    at + 1 for at in reached if at < len(tokens) and own in ("*", tokens[at])
                }
            if not reached:
                break
        return reached


ANYWHERE = PointerPattern("/**")
