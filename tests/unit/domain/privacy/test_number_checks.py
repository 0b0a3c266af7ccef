"""Numbers that hold a date of birth are judged alike whatever the date is."""

import datetime
from importlib import import_module

import pytest

from datavault.domain.privacy.recognizers.number_checks import number_check

# Of people born in the years given, by the check digits that each state asks for.
NUMBERS = {
    ("be", "nn"): "30.01.01-001.53",
    ("dk", "cpr"): "010130-4000",
    ("no", "fodselsnummer"): "01013050038",
}


def _moved(year: int) -> type[datetime.date]:
    class Moved(datetime.date):
        @classmethod
        def today(cls) -> "Moved":
            return cls(year, 6, 1)

    return Moved


@pytest.mark.parametrize(("country", "name"), NUMBERS)
def test_a_check_does_not_know_the_day(
    country: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = NUMBERS[country, name]
    theirs = import_module(f"stdnum.{country}.{name}").is_valid
    answers: dict[int, tuple[bool, bool]] = {}
    for year in (2020, 2090):
        number_check.cache_clear()
        monkeypatch.setattr(datetime, "date", _moved(year))
        answers[year] = theirs(number), number_check(country, name)(number)
    assert answers == {2020: (False, True), 2090: (True, True)}
