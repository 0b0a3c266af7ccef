"""A JSON object as its members, each with its own text: taken apart and put together verbatim.

Only for text that has been validated: the scan trusts the grammar, and follows brackets and
strings alone.
"""

import re
from dataclasses import dataclass

import msgspec

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_KEY = re.compile(rb'[ \t\r\n]*+("(?:[^"\\]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
_NESTING = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,}\]]++")
_SEPARATOR = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+")


@dataclass(frozen=True, slots=True)
class Member:
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
        while (key := _KEY.match(text, at)) is not None:
            if not members:
                opening = text[1 : key.start(1)]
            end = _value_end(text, key.end())
            name: str = msgspec.json.decode(key[1])
            members[name] = Member(text[key.start(1) : key.end()], text[key.end() : end])
            separator = _SEPARATOR.match(text, end)
            if separator is None:
                closing = text[end:-1]
                break
            between = between or separator[0]
            at = separator.end()
        return cls(members, opening, between or b",", closing)

    def with_members(self, members: list[bytes]) -> bytes:
        """An object of other members in this one's style."""
        return b"".join((b"{", self.opening, self.between.join(members), self.closing, b"}"))


def _value_end(text: bytes, start: int) -> int:
    """Where the value ends that begins at ``start``."""
    if text[start] in b"{[":
        depth = 0
        for token in _NESTING.finditer(text, start):
            first = text[token.start()]
            depth += (first in b"{[") - (first in b"}]")
            if not depth:
                return token.end()
    plain = (_STRING if text[start] == ord('"') else _SCALAR).match(text, start)
    assert plain is not None, "only valid JSON is taken apart"
    return plain.end()
