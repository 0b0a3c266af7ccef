"""Locators with a scheme, and bare host names under well-known domains."""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    LIKELY,
    Candidate,
    Finding,
    Rule,
)

# Top-level domains under which a bare name is taken for a host. Left out are those that are also
# endings of files (.py, .sh, .md, .rs, .pl, .so, .zip) and of sentences whose space is missing
# (.it, .is, .so, .me, .no, .in, .to, .at, .be, .my, .us, .am, .do): these count with "www." or a
# path.
_CLEAR = (
    "com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|cloud|online|shop|store|site|tech|xyz|blog|"
    "eu|uk|de|fr|es|pt|nl|ch|ie|dk|se|fi|cz|sk|hu|ro|bg|hr|gr|lt|lv|ee|lu|ru|ua|tr|il|"
    "jp|cn|kr|tw|hk|sg|th|vn|ph|au|nz|ca|mx|br|ar|cl|co|pe|za|ke|ng|eg|ae|sa|tv"
)
_OTHER = "it|is|me|no|in|to|at|be|my|us|am|id|pl|rs|cc|so|py|sh|md|ly|gl|gg|fm"
_HOST = r"(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.){1,6}"
_REST = r"[^\x00-\x20\"<>\\^`{|}]"
_CLOSING = {")": "(", "]": "["}
_TRAILING = ".,;:!?'*_~…、。，）」』”’"


def _judge(candidate: Candidate) -> Finding | None:
    text, start, end = candidate.text, candidate.start, candidate.end
    while end > start:
        last = text[end - 1]
        opening = _CLOSING.get(last)
        unbalanced = opening and text.count(opening, start, end) < text.count(last, start, end)
        if not unbalanced and last not in _TRAILING:
            break
        end -= 1
    _, separator, rest = text[start:end].partition("://")
    if separator and not any(map(str.isalnum, rest)):
        return None
    return Finding(start, end, CERTAIN)


def _bare(candidate: Candidate) -> Finding | None:
    text, start = candidate.text, candidate.start
    # The domain of an address, a part of a path, an attribute in a program.
    if (
        text[start - 1 : start] in ("@", "/", ".", "-", "_", "\\")
        or text[candidate.end : candidate.end + 1] == "("
    ):
        return None
    found = _judge(candidate)
    return found and Finding(found.start, found.end, LIKELY)


_PATH = rf"(?::[0-9]{{2,5}})?(?:[/?#]{_REST}*)?"

RULES = (
    Rule(
        "url.scheme",
        Entity.URL,
        "://",
        rf"(?i)[a-z][0-9a-z+.-]{{1,15}}://{_REST}+",
        _judge,
    ),
    Rule("url.www", Entity.URL, r"(?i)www\.", rf"(?i)www\.{_REST}{{3,}}", _judge),
    Rule(
        "url.host",
        Entity.URL,
        rf"(?i)[0-9a-z]\.(?:{_CLEAR})\b",
        rf"(?i){_HOST}(?:{_CLEAR})\b{_PATH}",
        _bare,
    ),
    Rule(
        "url.path",
        Entity.URL,
        rf"(?i)[0-9a-z]\.(?:{_OTHER})/",
        rf"(?i){_HOST}(?:{_OTHER})/{_REST}+",
        _bare,
    ),
)
