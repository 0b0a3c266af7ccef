"""What numbering plans allow, from libphonenumber's metadata: all regions, loaded as needed."""

import re
from dataclasses import dataclass
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

# Country codes have one to three digits and none is the beginning of another (ITU-T E.164).
_NON_GEOGRAPHIC = "001"


def plausible(number: str) -> bool:
    """Whether digits that begin with a country code are as many as some number of it has.

    A zero that is dialled only within the country, as in +44 (0)20, may stand behind the code.
    """
    for size in (1, 2, 3):
        code = int(number[:size] or 0)
        if code in COUNTRY_CODE_TO_REGION_CODE:
            national = number[size:]
            lengths = _lengths(code)
            return len(national) in lengths or (
                national.startswith("0") and len(national) - 1 in lengths
            )
    return False


def valid(number: str, regions: tuple[str, ...]) -> bool:
    """Whether digits without a country code are a number in use in one of the regions.

    Where numbers are written with a prefix (the 0 of 030 in Germany), one without it is none.
    ``regions`` are ISO 3166 codes in capitals; one that libphonenumber does not know has no
    numbers.
    """
    return any(plan.holds(number) for plan in map(_plan, regions))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a region's numbers look behind the prefix dialled within it."""

    prefix: str
    prefix_required: bool
    national: re.Pattern[str]

    def holds(self, number: str) -> bool:
        if self.prefix and number.startswith(self.prefix):
            return self.national.fullmatch(number, len(self.prefix)) is not None
        return not self.prefix_required and self.national.fullmatch(number) is not None


@cache
def _lengths(code: int) -> frozenset[int]:
    found: set[int] = set()
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        metadata = (
            PhoneMetadata.metadata_for_nongeo_region(code)
            if region == _NON_GEOGRAPHIC
            else PhoneMetadata.metadata_for_region(region)
        )
        if metadata is not None and metadata.general_desc is not None:
            found.update(metadata.general_desc.possible_length)
    return frozenset(found)


@cache
def _plan(region: str) -> _Plan:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return _Plan("", False, re.compile("(?!)"))
    prefix = metadata.national_prefix or ""
    required = bool(prefix) and all(
        (form.national_prefix_formatting_rule or "").lstrip("(").startswith(prefix)
        and not form.national_prefix_optional_when_formatting
        for form in metadata.number_format
        if form.national_prefix_formatting_rule
    )
    general = metadata.general_desc
    pattern = general.national_number_pattern if general is not None else None
    return _Plan(prefix, required, re.compile(pattern or "(?!)"))
