"""Places on the globe: decimal degrees in pairs or with a label, and degrees, minutes, seconds."""

import re

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
    always,
    checked,
)

_LABELS = labels(
    "lat lon lng long latitude longitude coordinates coords coordinate gps location geo position "
    "koordinaten coordenadas coordonnées coordinate coördinaten breitengrad längengrad map"
)

_NUMBER_BEFORE = re.compile(r"[0-9]\s?[,;]\s?[+-]?$")
_NUMBER_BEHIND = re.compile(r"\s?[,;]\s?[+-]?[0-9]")


def _pair(candidate: Candidate) -> Finding | None:
    """Four decimals are eleven metres; fewer, without a label, are any two numbers."""
    latitude, longitude = candidate.value.replace(";", ",").split(",")
    if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
        return None
    # Two of a row of numbers.
    text, start, end = candidate.text, candidate.start, candidate.end
    if _NUMBER_BEFORE.search(text, max(0, start - 8), start) or _NUMBER_BEHIND.match(text, end):
        return None
    decimals = min(len(each.strip().partition(".")[2]) for each in (latitude, longitude))
    if candidate.near(_LABELS):
        return candidate.found(STRONG)
    # Two shares of one; as a place it is in the sea off Ghana.
    is_near_zero = abs(float(latitude)) <= 1 and abs(float(longitude)) <= 1
    return candidate.found(LIKELY) if decimals >= 4 and not is_near_zero else None


RULES = (
    Rule(
        "coordinates.pair",
        Entity.COORDINATES,
        r"[0-9]\.[0-9]{2,}[,;] ?[+-]?[0-9]{1,3}\.[0-9]{2}",
        r"([+-]?\b[0-9]{1,2}\.[0-9]{2,15}[,;] ?[+-]?[0-9]{1,3}\.[0-9]{2,15})\b",
        _pair,
        clue=Clue.DIGITS,
    ),
    Rule(
        "coordinates.labelled",
        Entity.COORDINATES,
        r"(?i)\b(?:lat|lon|lng|long|latitude|longitude)[\"']?[ \t]?[:=]",
        r"(?i)\b(?:lat|lon|lng|long|latitude|longitude)\b[\"']?[ \t]?[:=][ \t]?[\"']?"
        r"([+-]?[0-9]{1,3}\.[0-9]{2,15})\b",
        checked(lambda value: abs(float(value)) <= 180, STRONG),
    ),
    Rule(
        "coordinates.degrees",
        Entity.COORDINATES,
        "[0-9]°",
        r"[0-9]{1,3}° ?[0-9]{1,2}['′’] ?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:[\"″”]|'') ?)?[NSEWO]"
        r"(?:,? ?[0-9]{1,3}° ?[0-9]{1,2}['′’] ?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:[\"″”]|'') ?)?"
        r"[NSEWO])?",
        always(STRONG),
    ),
    Rule(
        "coordinates.decimal_degrees",
        Entity.COORDINATES,
        "[0-9]° ?[NSEWO]",
        r"[0-9]{1,3}\.[0-9]{2,15}° ?[NSEWO](?:,? ?[0-9]{1,3}\.[0-9]{2,15}° ?[NSEWO])?",
        always(STRONG),
    ),
)
