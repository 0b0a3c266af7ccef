"""What numbering plans allow, from libphonenumber's metadata: all regions, loaded as needed."""

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

# Country codes have one to three digits and none is the beginning of another (ITU-T E.164).
_NON_GEOGRAPHIC = "001"
_NOTHING = "(?!)"


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
    return _plans(regions).fullmatch(number) is not None


@cache
def _plans(regions: tuple[str, ...]) -> re.Pattern[str]:
    """The numbers of all the regions."""
    return re.compile("|".join(dict.fromkeys(map(_plan, regions))) or _NOTHING)


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


def _plan(region: str) -> str:
    """How a region's numbers look, with the prefix dialled within it or, if so used, without."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    general = metadata.general_desc if metadata is not None else None
    pattern = general.national_number_pattern if general is not None else None
    if metadata is None or pattern is None:
        return _NOTHING
    prefix = metadata.national_prefix or ""
    required = bool(prefix) and all(
        (form.national_prefix_formatting_rule or "").lstrip("(").startswith(prefix)
        and not form.national_prefix_optional_when_formatting
        for form in metadata.number_format
        if form.national_prefix_formatting_rule
    )
    national = f"(?:{pattern})"
    if not prefix:
        return national
    return f"{prefix}{national}" if required else f"(?:{prefix}|(?!{prefix})){national}"
