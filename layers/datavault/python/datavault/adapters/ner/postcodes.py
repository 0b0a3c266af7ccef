"""Postcodes under their labels, which a model of names cannot tell from other figures."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span

# Above every threshold that is shipped; other figures stand under such a label now and then.
SCORE = 0.9

# By the label in the languages of the model: US, German, French, Spanish, Italian, Portuguese and
# Dutch ones have four or five digits, and up to four more behind a mark.
_LABELLED = re.compile(
    r"(?<![^\W_])(?:zip(?:[ _-]?code)?|post(?:al)?[ _-]?code|plz|postleitzahl|code[ _-]postal"
    r"|c[oó]digo[ _-]postal|cep|cap)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(\d{4,5}(?:-\d{3,4})?)(?![\w-])",
    re.IGNORECASE,
)


def with_postcodes(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans, which are in order and apart, and the text's labelled postcodes, as places."""
    codes = [code for code in _postcodes(text) if _is_free(code, spans)]
    return tuple(sorted((*spans, *codes), key=lambda span: span.start)) if codes else tuple(spans)


def _is_free(code: Span, spans: Sequence[Span]) -> bool:
    after = bisect_left(spans, code.end, key=lambda span: span.start)
    return not after or spans[after - 1].end <= code.start


def _postcodes(text: str) -> Iterator[Span]:
    for match in _LABELLED.finditer(text):
        yield Span(match.start(1), match.end(1), Entity.LOCATION, SCORE, "names.location")
