"""E-mail addresses, international ones and those written around harvesters among them."""

import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    LIKELY,
    Candidate,
    Finding,
    Rule,
    always,
)

# RFC 5321, 4.5.3.1.
LOCAL_CHARS_MAX = 64
DOMAIN_CHARS_MAX = 255

# Of the characters that RFC 5322 lets stand in an atom, "/", "=", "?", "{", "|", "}" and "`" are
# left out: before an address they are far more often what it stands in (a query, a template).
_LOCAL = r"[^\x00-\x20\"(),/:;<=>?@\[-\]`{-\x7f]"
_DOMAIN = r"[^\x00-,/:-@\[-`{-\x7f]"
_PATH_FOLLOWS = re.compile(r":[\w~/]")


def _judge(candidate: Candidate) -> Finding | None:
    text = candidate.text
    at = text.index("@", candidate.start)
    start = max(candidate.start, at - LOCAL_CHARS_MAX)
    while start < at and not (text[start].isalnum() or text[start] in "_+"):
        start += 1
    end = candidate.end
    while end > at and not text[end - 1].isalnum():
        end -= 1
    domain = text[at + 1 : end]
    labels = domain.split(".")
    if start == at or text[at - 1] == "." or len(domain) > DOMAIN_CHARS_MAX:
        return None
    if len(labels) < 2 or not all(labels) or not _top_level(labels[-1]):
        return None
    # git@example.org:team/repository, the address of a machine.
    if _PATH_FOLLOWS.match(text, end) and text[start:at] == "git":
        return None
    return Finding(start, end, CERTAIN)


def _top_level(label: str) -> bool:
    return len(label) >= 2 and (label.isalpha() or label.lower().startswith("xn--"))


RULES = (
    Rule("email.address", Entity.EMAIL_ADDRESS, "@", rf"{_LOCAL}+@{_DOMAIN}+", _judge),
    Rule(
        "email.spelled",
        Entity.EMAIL_ADDRESS,
        r"(?i)[\[({] ?at ?[\])}]",
        r"(?i)[0-9a-z_.+-]+ ?[\[({] ?at ?[\])}] ?"
        r"[0-9a-z-]+(?:(?: ?[\[({] ?dot ?[\])}] ?|\.)[0-9a-z-]+){1,4}",
        always(LIKELY),
    ),
)
