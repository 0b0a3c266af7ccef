"""Values made so general that many people share them.

Places are not generalised: that takes a gazetteer, which is not here, so they are redacted.
"""

import re
from datetime import date
from decimal import Decimal
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from math import floor

from datavault.domain.privacy.dates import read_date, read_year
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.strategy import DatePart, Form, Generalize

# Three-digit ZIP areas of at most 20,000 people by the 2000 census, which HIPAA wants as 000
# (HHS, "Guidance Regarding Methods for De-identification of PHI", on 45 CFR 164.514(b)(2)(i)(B)).
SMALL_ZIP_AREAS = frozenset(
    f"{area:03}"
    for area in (36, 59, 63, 102, 203, 556, 692, 790, 821, 823, 830, 831, 878, 879, 884, 890, 893)
)
_ZIP = re.compile(r"([0-9]{3})[0-9]{2}(?:-?[0-9]{4})?", re.ASCII)
_FORMS: dict[str, Form] = {
    Entity.AGE: Form.AGE,
    Entity.COORDINATES: Form.COORDINATES,
    Entity.DATE_OF_BIRTH: Form.DATE,
    Entity.DATE_TIME: Form.DATE,
    Entity.IP_ADDRESS: Form.NETWORK,
}
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_NOT_IN_YEARS = re.compile(r"\b(?:months?|mos?|weeks?|wks?|days?)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_COORDINATES = re.compile(r"(-?[0-9]{1,2}\.[0-9]+)\s*[,;]\s*(-?[0-9]{1,3}\.[0-9]+)", re.ASCII)
_AGE_MAX = 150


def generalized(entity: str, value: str, how: Generalize, on: date) -> str | None:
    """What ``value`` has in common with others; ``None`` if it is nothing of the form asked for.

    Ages are counted ``on`` that day: who was born so early that ``how.oldest_age`` may have been
    reached shares one year with all who are older.
    """
    form = _FORMS.get(entity, Form.BY_ENTITY) if how.form is Form.BY_ENTITY else how.form
    match form:
        case Form.AGE:
            return _age_band(value, how)
        case Form.DATE:
            oldest = on.year - how.oldest_age if entity == Entity.DATE_OF_BIRTH else None
            return _part_of_date(value, how, oldest)
        case Form.NETWORK:
            return _network(value)
        case Form.NUMBER:
            return _range(value, how.number_width)
        case Form.POSTCODE:
            return _postcode_prefix(value, how.postcode_chars)
        case Form.COORDINATES:
            return _nearby(value)
        case _:
            return None


def _age_band(value: str, how: Generalize) -> str | None:
    numbers = _DIGITS.findall(value)
    if len(numbers) != 1 or len(numbers[0]) > 3 or _NOT_IN_YEARS.search(value):
        return None
    age = int(numbers[0])
    if age >= how.oldest_age:
        return f"{how.oldest_age}+" if age <= _AGE_MAX else None
    low = age - age % how.age_band_years
    high = min(low + how.age_band_years, how.oldest_age) - 1
    return f"{low}-{high}"


def _part_of_date(value: str, how: Generalize, oldest: int | None) -> str | None:
    written = read_date(value)
    year = written.day.year if written else read_year(value)
    if year is None:
        return None
    if oldest is not None and year <= oldest:
        return f"{oldest} or earlier"
    if how.date_part is DatePart.MONTH and written:
        return f"{year:04}-{written.day.month:02}"
    return f"{year:04}"


def _network(value: str) -> str | None:
    for kind, bits in ((IPv4Address, 24), (IPv6Address, 48)):
        try:
            address = kind(value.strip())
        except AddressValueError:
            continue
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return None
        return str(ip_network((address, bits), strict=False))
    return None


def _range(value: str, width: int) -> str | None:
    if _NUMBER.fullmatch(value.strip()) is None:
        return None
    low = floor(Decimal(value.strip())) // width * width
    return f"{low} to {low + width}"


def _postcode_prefix(value: str, chars: int) -> str | None:
    text = value.strip()
    if (found := _ZIP.fullmatch(text)) is not None:
        area = "000" if found[1] in SMALL_ZIP_AREAS else found[1]
        return area[: min(chars, 3)]
    kept = min(chars, len(text) - 2)
    return text[:kept] if 4 <= len(text) <= 10 and text.isascii() else None


def _nearby(value: str) -> str | None:
    """To a tenth of a degree: 11 km from north to south."""
    found = _COORDINATES.fullmatch(value.strip())
    if found is None or found[0].count(".") != 2:
        return None
    tenth = Decimal("0.1")
    near = [Decimal(each).quantize(tenth) for each in found.groups()]
    return f"{near[0]}, {near[1]}"
