"""Dates as people write them: read where they can mean one day only, and written back alike."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MONTH = r"(?P<name>" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS) + r")\.?"
_YEAR, _DAY = r"(?P<y>[12][0-9]{3})", r"(?P<d>[0-3]?[0-9])(?:st|nd|rd|th)?"
# A time of day may follow; it is dropped.
_TIME = r"(?:[T ,]+[0-2]?[0-9]:[0-5][0-9][0-9:.,]*\s?(?:[AaPp][Mm])?(?:Z|[+-][0-9:]{2,6})?)?"
_NUMERIC = re.compile(
    rf"(?:{_YEAR}(?P<s>[-/.])(?P<m>[01]?[0-9])(?P=s)(?P<d>[0-3]?[0-9])"
    rf"|(?P<a>[0-3]?[0-9])(?P<t>[-/.])(?P<b>[0-3]?[0-9])(?P=t)(?P<z>[12][0-9]{{3}})){_TIME}",
    re.ASCII,
)
_FLAGS = re.ASCII | re.IGNORECASE
_DAY_FIRST = re.compile(rf"{_DAY}(?P<g> (?:of )?){_MONTH}(?P<h>,? ){_YEAR}{_TIME}", _FLAGS)
_MONTH_FIRST = re.compile(rf"{_MONTH}(?P<g> ){_DAY}(?P<h>,? ){_YEAR}{_TIME}", _FLAGS)
_YEARS = re.compile(r"(?<![0-9])(?:1[89]|20)[0-9]{2}(?![0-9])", re.ASCII)
_VALUE_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A day, and how to write another one in the same way."""

    day: date
    write: Callable[[date], str]


def read_date(value: str) -> WrittenDate | None:
    """The day of which ``value`` speaks; ``None`` if it might be another one.

    Read are 1984-03-09 (also with ``/`` or ``.``), 9.3.1984, 9/3/1984 and 3/9/1984 if only one of
    the two can be the month, and days with English months. A date with ``.`` has the day first.
    """
    text = value.strip()
    if len(text) > _VALUE_CHARS_MAX:
        return None
    if (found := _NUMERIC.fullmatch(text)) is not None:
        return _numeric(found)
    found = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    return None if found is None else _with_month(found)


def read_year(value: str) -> int | None:
    """The one year from 1800 to 2099 that ``value`` names with four digits."""
    years = {int(year) for year in _YEARS.findall(value)}
    return years.pop() if len(years) == 1 else None


def _numeric(found: re.Match[str]) -> WrittenDate | None:
    if found["y"]:
        day = _day(found["y"], found["m"], found["d"])
        form = "{0.year:04}" + "{1}{0.month:02}{1}{0.day:02}"
        mark = found["s"]
    else:
        mark = found["t"]
        by_day = _day(found["z"], found["b"], found["a"])
        by_month = None if mark == "." else _day(found["z"], found["a"], found["b"])
        if by_day is not None and by_month not in {None, by_day}:
            return None
        day = by_day or by_month
        form = "{0.day:02}{1}{0.month:02}" if by_day else "{0.month:02}{1}{0.day:02}"
        form += "{1}{0.year:04}"
    return None if day is None else WrittenDate(day, lambda other: form.format(other, mark))


def _with_month(found: re.Match[str]) -> WrittenDate | None:
    name = found["name"]
    month = next(at for at, full in enumerate(_MONTHS, 1) if full[:3].lower() == name[:3].lower())
    day = _day(found["y"], str(month), found["d"])
    if day is None:
        return None
    between, before_year = found["g"], found["h"]

    def write(other: date) -> str:
        word = _MONTHS[other.month - 1]
        parts = (str(other.day), word) if found.re is _DAY_FIRST else (word, str(other.day))
        return f"{parts[0]}{between}{parts[1]}{before_year}{other.year:04}"

    return WrittenDate(day, write)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
