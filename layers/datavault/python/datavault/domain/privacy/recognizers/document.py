"""Passports and driver licences: states number them in too many ways, so a label decides."""

from collections.abc import Callable

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import STRONG, Rule, always, announced, checked

# A value has a digit among its first four characters; "licence number" has none.
_VALUE = r"[A-Z]{0,3}[0-9][0-9A-Z]{4,15}"
_PASSPORT = r"passport|passnummer|reisepass|pasaporte|passeport|passaporto|passaporte|paspoort"
_LICENSE = (
    r"driv(?:er|ing)(?:'?s|’s)?.?(?:licen[cs]es?|lic\b)|\bdl ?(?:#|no|num|number|:)|"
    r"f[üu]hrerschein|permis de conduire|(?:carnet|licencia|permiso) de conducir|"
    r"patente(?: di guida)?|carta de condu[çc][ãa]o|\bcnh\b|rijbewijs|driver_?licen[cs]e"
)


def figured(at_least: int) -> Callable[[str], bool]:
    """Whether a value has so many digits or more."""
    return lambda value: sum(map(str.isdigit, value)) >= at_least


RULES = (
    Rule(
        "passport.labelled",
        Entity.PASSPORT,
        f"(?i){_PASSPORT}",
        announced(_PASSPORT, r"[A-Z]{0,3}[0-9][0-9A-Z]{5,9}"),
        checked(figured(5), STRONG),
    ),
    Rule(
        # The two lines of a machine-readable passport (ICAO 9303) begin like this.
        "passport.machine_readable",
        Entity.PASSPORT,
        "P<[A-Z]{3}",
        r"P<[A-Z]{3}[A-Z<]{20,39}",
        always(STRONG),
    ),
    Rule(
        "driver_license.labelled",
        Entity.DRIVER_LICENSE,
        f"(?i){_LICENSE}",
        announced(_LICENSE, _VALUE),
        checked(figured(4), STRONG),
    ),
    Rule(
        # Great Britain: five letters of the name, date of birth, initials.
        "driver_license.gb",
        Entity.DRIVER_LICENSE,
        "[A-Z9]{5}[0-9]{6}",
        r"\b[A-Z]{2}[A-Z9]{3}[0-9][0156][0-9][0-3][0-9]{2}[A-Z9]{2}[0-9A-Z][A-Z]{2}\b",
        always(STRONG),
    ),
)
