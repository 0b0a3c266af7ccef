"""Surrogates: values of the same kind that belong to nobody, drawn from a key and the value.

The same value has the same surrogate throughout a scope; two values may share one, as the tables
are small. Numbers come from ranges that are reserved for documentation, tests or fiction, or were
never given out, where there are such; identifiers without one keep their form only (so many
letters, so many digits), and their checksums do not hold. A surrogate is never the value or
a part of it, and shares no name with it.

Own tables and no Faker: that is 14 MB and 0.3 s of every cold start, and draws other values with
each version, so that the same input would not give the same output.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from datavault.domain.privacy import surrogate_words as words
from datavault.domain.privacy.dates import read_date
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.luhn import luhn_digit
from datavault.domain.privacy.values import Draws, canonical

_ATTEMPTS = 16
_WORD = re.compile(r"[^\W\d_]{2,}")
# No I, O and Q, which vehicle numbers do without and people misread.
_CAPITALS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SHAPED = re.compile(r"[ -~]{1,64}")
# Publishers of test cards use these issuer numbers (16 digits but for the one of American
# Express); ISO/IEC 7812 itself reserves none.
_TEST_ISSUERS = {"3": "378282", "2": "555555", "5": "555555", "6": "601111"}
_TEST_ISSUER = "424242"
# Numbers for drama: Ofcom, ARCEP, Bundesnetzagentur, ACMA; elsewhere NANP 555-0100 to 555-0199.
_FICTION = {
    "+44": "+44 20 7946 0###",
    "+33": "+33 1 99 00 ## ##",
    "+49": "+49 30 23125 ###",
    "+61": "+61 2 5550 ####",
}
_NANP_AREAS = (202, 206, 212, 213, 303, 305, 312, 404, 415, 503, 512, 602, 617, 702, 713, 808, 907)

type _Maker = Callable[[str, Draws], str | None]


def surrogate(entity: str, value: str, *, key: bytes, scope: str) -> str | None:
    """What stands for ``value`` within ``scope``; ``None`` for a kind that has no surrogates."""
    make = _MAKERS.get(entity)
    if make is None:
        return None
    same = canonical(entity, value)
    for attempt in range(_ATTEMPTS):
        made = make(value, Draws(key, entity, scope, same, str(attempt)))
        if made is None:
            return None
        if canonical(entity, made) not in same and not _shares_a_name(made, value):
            return made
    return None


def _shares_a_name(made: str, value: str) -> bool:
    return not (_names(made) & _names(value)).issubset(words.GENERIC_WORDS)


def _names(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _cased(made: str, value: str) -> str:
    if value.isupper():
        return made.upper()
    return made.lower() if value.islower() else made


def _person(value: str, draws: Draws) -> str:
    given, family = draws.of(words.GIVEN_NAMES), draws.of(words.FAMILY_NAMES)
    return _cased(given if len(value.split()) == 1 else f"{given} {family}", value)


def _email(_: str, draws: Draws) -> str:
    given, family = draws.of(words.GIVEN_NAMES), draws.of(words.FAMILY_NAMES)
    return f"{given}.{family}{draws.digits(3)}@{draws.of(words.EMAIL_DOMAINS)}".lower()


def _place(value: str, draws: Draws) -> str:
    return _cased(draws.of(words.PLACES), value)


def _organization(value: str, draws: Draws) -> str:
    return _cased(f"{draws.of(words.FAMILY_NAMES)} {draws.of(words.FIRMS)}", value)


def _address(value: str, draws: Draws) -> str:
    street = f"{draws.of(words.STREETS)} {draws.of(words.STREET_KINDS)}"
    return _cased(f"{1 + draws.below(199)} {street}", value)


def _url(_: str, draws: Draws) -> str:
    return f"https://www.example.com/{draws.below(2**40):010x}"


def _phone(value: str, draws: Draws) -> str:
    fiction = _FICTION.get(value.strip()[:3])
    if fiction is not None:
        return "".join(draws.digits(1) if char == "#" else char for char in fiction)
    return f"+1-{draws.of(_NANP_AREAS)}-555-01{draws.digits(2)}"


def _card(value: str, draws: Draws) -> str:
    issuer = _TEST_ISSUERS.get(canonical(Entity.CREDIT_CARD, value)[:1], _TEST_ISSUER)
    size = 15 if issuer.startswith("3") else 16
    body = issuer + draws.digits(size - len(issuer) - 1)
    return _in_shape(value, body + str(luhn_digit([int(char) for char in body])))


def _iban(value: str, draws: Draws) -> str:
    """A German one of bank 00000000, which no bank can have: their codes begin with 1 to 8."""
    account = "0" * 8 + draws.digits(10)
    # ISO 7064: D is 13 and E is 14, and the check digits are still 00.
    check = 98 - int(account + "131400") % 97
    return _in_shape(value, f"DE{check:02}{account}")


def _social_security_number(value: str, draws: Draws) -> str:
    """Of area 666, which has never been given out."""
    number = f"666{1 + draws.below(99):02}{1 + draws.below(9999):04}"
    return _in_shape(value, number)


def _taxpayer_number(value: str, draws: Draws) -> str:
    """Of groups 66 to 69, which are not in use."""
    number = f"9{draws.digits(2)}{66 + draws.below(4)}{draws.digits(4)}"
    return _in_shape(value, number)


def _ip_address(value: str, draws: Draws) -> str | None:
    """Of 198.18.0.0/15 (RFC 2544, never routed) or 2001:db8::/32 (RFC 3849)."""
    try:
        IPv4Address(value.strip())
    except AddressValueError:
        return _ip_v6_address(value, draws)
    return str(IPv4Address((198 << 24) + (18 << 16) + draws.below(2**17)))


def _ip_v6_address(value: str, draws: Draws) -> str | None:
    try:
        IPv6Address(value.strip())
    except AddressValueError:
        return None
    return str(IPv6Address((0x20010DB8 << 96) + draws.below(2**64)))


def _mac_address(value: str, draws: Draws) -> str:
    """One that is administered locally, so of no maker."""
    return _in_shape(value, f"02{draws.below(2**40):010x}")


def _date(value: str, draws: Draws) -> str | None:
    """Of the same decade, so that a child stays young."""
    written = read_date(value)
    if written is None or written.day.year >= 9990:
        return None
    decade = date(written.day.year // 10 * 10, 1, 1) if written.day.year >= 10 else date(1, 1, 1)
    return written.write(decade + timedelta(draws.below(3652)))


def _age(_: str, draws: Draws) -> str:
    return str(18 + draws.below(72))


def _of_the_form(value: str, draws: Draws) -> str | None:
    if _SHAPED.fullmatch(value) is None:
        return None
    return "".join(_like(char, draws) for char in value)


def _like(char: str, draws: Draws) -> str:
    if char.isdecimal():
        return draws.digits(1)
    if char.isalpha():
        letter = draws.of(_CAPITALS)
        return letter if char.isupper() else letter.lower()
    return char


def _in_shape(value: str, symbols: str) -> str:
    """``symbols`` grouped as in ``value``, if it has as many letters and digits."""
    if sum(char.isalnum() for char in value) != len(symbols) or not value.isascii():
        return symbols
    rest = iter(symbols)
    return "".join(next(rest) if char.isalnum() else char for char in value)


_MAKERS: dict[str, _Maker] = {
    Entity.AGE: _age,
    Entity.CREDIT_CARD: _card,
    Entity.DATE_OF_BIRTH: _date,
    Entity.DATE_TIME: _date,
    Entity.DRIVER_LICENSE: _of_the_form,
    Entity.EMAIL_ADDRESS: _email,
    Entity.HEALTH_INSURANCE: _of_the_form,
    Entity.IBAN_CODE: _iban,
    Entity.IP_ADDRESS: _ip_address,
    Entity.LICENSE_PLATE: _of_the_form,
    Entity.LOCATION: _place,
    Entity.MAC_ADDRESS: _mac_address,
    Entity.MEDICAL_RECORD: _of_the_form,
    Entity.NATIONAL_ID: _of_the_form,
    Entity.ORGANIZATION: _organization,
    Entity.PASSPORT: _of_the_form,
    Entity.PERSON: _person,
    Entity.PHONE_NUMBER: _phone,
    Entity.ROUTING_NUMBER: _of_the_form,
    Entity.STREET_ADDRESS: _address,
    Entity.URL: _url,
    Entity.US_BANK_NUMBER: _of_the_form,
    Entity.US_ITIN: _taxpayer_number,
    Entity.US_SSN: _social_security_number,
    Entity.VIN: _of_the_form,
}
