"""A JSON object as its members, each with its own text: taken apart and put together verbatim.

Only for text that has been validated: the scan trusts the grammar, and follows brackets and
strings alone.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

# A member; its value only if it is neither an object nor an array, and then what separates it from
# the next one: most members are taken in this one step.
_MEMBER = re.compile(
    rb"""
    [ \t\r\n]*+ ("(?:[^"\\]++|\\.)*+") [ \t\r\n]*+ : [ \t\r\n]*+
    (?: ("(?:[^"\\]++|\\.)*+" | [^ \t\r\n,}\]\[{"]++) ([ \t\r\n]*+ , [ \t\r\n]*+)?+ )?+
    """,
    re.DOTALL | re.VERBOSE,
)
_NESTING = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_SEPARATOR = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+")


class Member(NamedTuple):
    """A member: its text up to the value (key, colon, white space), and the value's text."""

    lead: bytes
    value: bytes

    @property
    def text(self) -> bytes:
        """The whole member, as written."""
        return self.lead + self.value


@dataclass(frozen=True, slots=True)
class Members:
    """An object: its members by name, in their order, and the text around them.

    ``opening`` and ``closing`` stand between the braces and the members, ``between`` between the
    first two members: a comma, with the white space of the object's style.
    """

    members: dict[str, Member]
    opening: bytes = b""
    between: bytes = b","
    closing: bytes = b""

    @classmethod
    def of(cls, text: bytes) -> "Members":
        """The members of the object in ``text``: valid JSON, no key twice, no outer space."""
        members: dict[str, Member] = {}
        opening, between, closing = b"", b"", b""
        at = 1
        while (found := _MEMBER.match(text, at)) is not None:
            quoted, value, separator = found.groups()
            lead, start = found.start(1), found.start(2)
            if value is None:
                start = found.end()
                end = _nested_end(text, start)
                value = text[start:end]
                comma = _SEPARATOR.match(text, end)
                separator = None if comma is None else comma[0]
            else:
                end = found.end(2)
            if not members:
                opening = text[1:lead]
            name: str = msgspec.json.decode(quoted)
            members[name] = Member(text[lead:start], value)
            if separator is None:
                closing = text[end:-1]
                break
            between = between or separator
            at = end + len(separator)
        return cls(members, opening, between or b",", closing)

    def with_members(self, members: list[bytes]) -> bytes:
        """An object of other members in this one's style."""
        return b"".join((b"{", self.opening, self.between.join(members), self.closing, b"}"))


def _nested_end(text: bytes, start: int) -> int:
    """Where the object or array ends that begins at ``start``."""
    depth = 0
    for token in _NESTING.finditer(text, start):
        first = text[token.start()]
        depth += (first in b"{[") - (first in b"}]")
        if not depth:
            return token.end()
    raise AssertionError("only valid JSON is taken apart")
