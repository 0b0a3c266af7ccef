"""Vehicles: identification numbers by their check digit (ISO 3779, 49 CFR 565), and plates."""

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
    announced,
    checked,
)

_LABELS = labels("vin chassis fahrgestellnummer fin bastidor châssis telaio chassi vehicle")
_PLATE = (
    r"licen[cs]e.?plate|number.?plate|\bplate\b|\bplates\b|kennzeichen|matr[íi]cula|"
    r"immatriculation|plaque|\btarga\b|kenteken|\bplaca\b"
)
_VIN = r"(?i)\b[A-HJ-NPR-Z0-9]{13}[0-9]{4}\b"
_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def check_digit_holds(vin: str) -> bool:
    """Whether the ninth of 17 characters is the check digit that North America asks for."""
    weighed = sum(
        weight * (int(char) if char.isdigit() else _VALUES[char])
        for char, weight in zip(vin, _WEIGHTS, strict=True)
    )
    return vin[8] == "0123456789X"[weighed % 11]


def _vin(candidate: Candidate) -> Finding | None:
    value = candidate.value.upper()
    if value.isdigit() or value.isalpha() or not value[-4:].isdigit():
        return None
    return candidate.found(STRONG) if check_digit_holds(value) or candidate.near(_LABELS) else None


def _plate(value: str) -> bool:
    """In capitals, as plates are: "a plate of 12" is none."""
    return value.isupper() and 4 <= sum(map(str.isalnum, value)) <= 9


RULES = (
    Rule(
        "vin.check_digit",
        Entity.VIN,
        _VIN,
        _VIN,
        _vin,
        clue=Clue.WORD,
    ),
    Rule(
        "plate.labelled",
        Entity.LICENSE_PLATE,
        f"(?i){_PLATE}",
        announced(_PLATE, r"[A-Z]{1,3}[ -]?[A-Z]{0,2}[ -]?[0-9]{1,4}(?:[ -]?[A-Z]{1,3})?"
                          r"|[0-9]{1,4}[ -]?[A-Z]{1,3}(?:[ -]?[0-9]{1,4})?"),
        checked(_plate, STRONG),
    ),
)  # fmt: skip
