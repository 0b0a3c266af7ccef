"""Each strategy: what it makes of a value, and that it never gives the value back."""

import re
from datetime import date
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid
from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.format_preserving import FormatKey, decrypt_format, encrypt_format
from datavault.domain.privacy.keys import PrivacyKeys, Setting
from datavault.domain.privacy.luhn import luhn_digit
from datavault.domain.privacy.stand_ins import StandIn, Substitution
from datavault.domain.privacy.strategy import (
    STRATEGIES,
    DatePart,
    Form,
    Generalize,
    Hash,
    Keep,
    KeptAs,
    Mask,
    Noise,
    Number,
    PreserveFormat,
    Redact,
    Replace,
    Strategy,
    Tokenize,
    Truncate,
    Verdict,
)

KEYS = PrivacyKeys(bytes(32), bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32)
SETTING = Setting("store-1", "scope-1", date(2026, 11, 26))
EVERY: list[Strategy] = [
    Redact(),
    Mask(),
    Mask(4),
    Replace(),
    Hash(),
    Tokenize(),
    PreserveFormat(),
    Generalize(),
    Truncate(1),
    Noise(),
    Number(),
]
CARD = "4111 1111 1111 1111"
ANY_STRING = st.text(st.characters(exclude_categories=()), max_size=60)


def done(strategy: Strategy, entity: str, value: str, *, setting: Setting = SETTING) -> StandIn:
    return Substitution(KEYS, setting).of(strategy, entity, value, Conversation())


def made(strategy: Strategy, entity: str, value: str) -> str:
    return done(strategy, entity, value).text


def test_every_strategy_is_tried_here() -> None:
    assert {type(each) for each in (*EVERY, Keep("why"))} == set(STRATEGIES.values())


@settings(deadline=None)
@given(st.sampled_from(EVERY), st.sampled_from([*Entity, "SALARY"]), ANY_STRING)
def test_no_strategy_gives_the_value_back(strategy: Strategy, entity: str, value: str) -> None:
    found = done(strategy, entity, value)
    assert found.text != value or found.text == f"[{entity}]"
    assert found == done(strategy, entity, value), "the same every time"


@pytest.mark.parametrize("strategy", [Replace(), Hash(), Tokenize(), PreserveFormat(), Noise()])
def test_a_strategy_without_its_key_is_refused(strategy: Strategy) -> None:
    bare = Substitution(PrivacyKeys(), SETTING)
    with pytest.raises(Invalid, match="needs a key") as refused:
        bare.of(strategy, Entity.PHONE_NUMBER, "555-0100-12345", Conversation())
    assert "0100" not in str(refused.value)


def test_keys_have_32_bytes_and_are_not_shown() -> None:
    with pytest.raises(Invalid, match="32 bytes, this has 5") as refused:
        PrivacyKeys(token=b"short")
    assert refused.value.field == "keys/token"
    assert "\\x02" not in repr(KEYS)


@pytest.mark.parametrize(
    ("strategy", "value", "expected"),
    [
        (Mask(), CARD, "**** **** **** ****"),
        (Mask(4), CARD, "**** **** **** 1111"),
        (Mask(4), "078-05-1120", "***-**-1120"),
        (Mask(4), "12345678", "****5678"),
        (Mask(4), "1234567", "*******"),
        (Mask(2), "Zoë\u0301-4\u200b2", "****-*\u200b2"),
        (Mask(4), "-- --", "[PERSON]"),
        (Truncate(2), "Lovelace", "Lo"),
        (Truncate(2), "Ada", "[PERSON]"),
        (Truncate(1), "😀a", "😀"),
        (Redact(), "Ada", "[PERSON]"),
        (Number(), "Ada", "PERSON_1"),
        (Keep("public"), "Ada", "Ada"),
    ],
)
def test_masking_and_cutting(strategy: Strategy, value: str, expected: str) -> None:
    assert made(strategy, Entity.PERSON, value) == expected


@pytest.mark.parametrize(
    ("how", "entity", "value", "expected"),
    [
        (Generalize(), Entity.AGE, "34 years old", "30-39"),
        (Generalize(age_band_years=20), Entity.AGE, "89", "80-89"),
        (Generalize(), Entity.AGE, "90", "90+"),
        (Generalize(), Entity.AGE, "18 months", "[AGE]"),
        (Generalize(), Entity.AGE, "thirty", "[AGE]"),
        (Generalize(), Entity.AGE, "151", "[AGE]"),
        (Generalize(), Entity.DATE_TIME, "2019-03-09T10:00:00Z", "2019"),
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "9 March 2019", "2019-03"),
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "Mar. 9th, 2019", "2019-03"),
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "31/12/2019", "2019-12"),
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "12/31/2019", "2019-12"),
        # The third of April or the fourth of March.
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "03/04/2019", "2019"),
        (Generalize(date_part=DatePart.MONTH), Entity.DATE_TIME, "3.4.2019", "2019-04"),
        (Generalize(), Entity.DATE_TIME, "9 mars 2019", "2019"),
        (Generalize(), Entity.DATE_TIME, "9/3/19", "[DATE_TIME]"),
        (Generalize(), Entity.DATE_TIME, "2019 or 2020", "[DATE_TIME]"),
        (Generalize(), Entity.DATE_OF_BIRTH, "1937-01-01", "1937"),
        (Generalize(), Entity.DATE_OF_BIRTH, "1936-12-31", "1936 or earlier"),
        (Generalize(), Entity.DATE_OF_BIRTH, "1901-01-01", "1936 or earlier"),
        (Generalize(), Entity.IP_ADDRESS, "192.0.2.77", "192.0.2.0/24"),
        (Generalize(), Entity.IP_ADDRESS, "2001:db8:1:2::3", "2001:db8:1::/48"),
        (Generalize(), Entity.IP_ADDRESS, "fe80::1%eth0", "[IP_ADDRESS]"),
        (Generalize(), Entity.COORDINATES, "52.51627, 13.37770", "52.5, 13.4"),
        (Generalize(), Entity.COORDINATES, "52° N", "[COORDINATES]"),
        (Generalize(), Entity.LOCATION, "Berlin", "[LOCATION]"),
        (Generalize(form=Form.NUMBER, number_width=10_000), "SALARY", "48250.75", "40000 to 50000"),
        (Generalize(form=Form.NUMBER), "SALARY", "-3", "-10 to 0"),
        (Generalize(form=Form.NUMBER), "SALARY", "-10", "-10 to 0"),
        (Generalize(form=Form.NUMBER), "SALARY", "a lot", "[SALARY]"),
        (Generalize(form=Form.POSTCODE), "POSTCODE", "94107-1234", "941"),
        (Generalize(form=Form.POSTCODE), "POSTCODE", "03601", "000"),
        (Generalize(form=Form.POSTCODE), "POSTCODE", "8001", "80"),
        (Generalize(form=Form.POSTCODE), "POSTCODE", "SW1A 1AA", "SW1"),
        (Generalize(form=Form.POSTCODE), "POSTCODE", "123", "[POSTCODE]"),
    ],
)
def test_generalizing(how: Generalize, entity: str, value: str, expected: str) -> None:
    assert made(how, entity, value) == expected


def digits_of(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def passes_luhn(text: str) -> bool:
    digits = digits_of(text)
    return luhn_digit(digits[:-1]) == digits[-1]


def test_surrogates_are_of_nobody() -> None:
    """Ranges that are reserved or were never given out, and valid check digits."""
    assert re.fullmatch(r"666-\d\d-\d{4}", made(Replace(), Entity.US_SSN, "078-05-1120"))
    assert re.fullmatch(r"9\d\d 6[6-9] \d{4}", made(Replace(), Entity.US_ITIN, "912 71 1234"))
    card = made(Replace(), Entity.CREDIT_CARD, CARD)
    assert re.fullmatch(r"4242 42\d\d \d{4} \d{4}", card)
    assert passes_luhn(card)
    iban = made(Replace(), Entity.IBAN_CODE, "GB82 WEST 1234 5698 7654 32")
    assert re.fullmatch(r"DE\d\d 0000 0000 \d{4} \d{4} \d\d", iban)
    compact = iban.replace(" ", "")
    assert int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1
    assert ip_address(made(Replace(), Entity.IP_ADDRESS, "8.8.8.8")) in ip_network("198.18.0.0/15")
    six = ip_address(made(Replace(), Entity.IP_ADDRESS, "2a00::1"))
    assert six in ip_network("2001:db8::/32")
    assert made(Replace(), Entity.PHONE_NUMBER, "(415) 867-5309")[-8:-2] == "555-01"
    assert made(Replace(), Entity.PHONE_NUMBER, "+49 170 1234567").startswith("+49 30 23125 ")
    assert re.search(r"@example\.(com|org|net)$", made(Replace(), Entity.EMAIL_ADDRESS, "a@b.de"))
    assert made(Replace(), Entity.MAC_ADDRESS, "00:1B:44:11:3A:B7").startswith("02:")
    assert re.fullmatch(r"198\d-\d\d-\d\d", made(Replace(), Entity.DATE_OF_BIRTH, "1984-03-09"))
    assert re.fullmatch(r"[A-Z]{2}\d{3}-\d", made(Replace(), Entity.PASSPORT, "AB123-4"))


@pytest.mark.parametrize("entity", [Entity.SECRET, Entity.CRYPTO, Entity.COORDINATES])
def test_a_kind_without_surrogates_is_redacted(entity: Entity) -> None:
    assert made(Replace(), entity, "abc123") == f"[{entity}]"


SPELLINGS = [
    (Entity.PERSON, "Ada Lovelace", "Ada  Lovelace"),
    (Entity.CREDIT_CARD, "4111-1111-1111-1111", "4111-1111-11111-111"),
    (Entity.EMAIL_ADDRESS, "Ada@Example.com", "ada@example.com"),
    (Entity.PHONE_NUMBER, "(415) 867-5309", "415 867 5309"),
]


@pytest.mark.parametrize(("entity", "one", "other"), SPELLINGS)
def test_a_value_has_one_surrogate_and_one_hash_however_it_is_spelled(
    entity: Entity, one: str, other: str
) -> None:
    replaced = {re.sub(r"\W", "", made(Replace(), entity, each)) for each in (one, other)}
    assert len(replaced) == 1
    assert made(Hash(), entity, one) == made(Hash(), entity, other)


def test_a_scope_and_a_key_have_surrogates_of_their_own() -> None:
    elsewhere = Setting("store-1", "scope-2", SETTING.on)
    names = [f"Person{chr(97 + at)} Nobody" for at in range(20)]
    here = [made(Replace(), Entity.PERSON, name) for name in names]
    assert here != [done(Replace(), Entity.PERSON, each, setting=elsewhere).text for each in names]
    other = Substitution(PrivacyKeys(surrogate=bytes([9]) * 32), SETTING)
    assert here != [other.of(Replace(), Entity.PERSON, each, Conversation()).text for each in names]


@settings(deadline=None)
@given(st.sampled_from(["Adam", "Alice", "Berlin", "Rose", "Young"]), st.integers(0, 10**6))
def test_a_surrogate_shares_no_name_with_its_value(word: str, scope: int) -> None:
    setting = Setting("s", str(scope), SETTING.on)
    for entity in (Entity.PERSON, Entity.LOCATION, Entity.ORGANIZATION, Entity.STREET_ADDRESS):
        found = done(Replace(), entity, f"{word} {word}", setting=setting).text
        assert word not in found


def test_a_surrogate_keeps_one_word_and_the_case() -> None:
    assert made(Replace(), Entity.PERSON, "ADA LOVELACE").isupper()
    assert made(Replace(), Entity.PERSON, "ada").islower()
    assert " " not in made(Replace(), Entity.PERSON, "Ada")


def test_a_hash_is_of_its_entity_and_key() -> None:
    found = made(Hash(), Entity.PERSON, "Ada")
    assert re.fullmatch(r"\[PERSON:h1:[a-z2-7]{26}\]", found)
    assert found[11:] not in made(Hash(), Entity.LOCATION, "Ada")
    other = Substitution(PrivacyKeys(hash=bytes([9]) * 32), SETTING)
    assert other.of(Hash(), Entity.PERSON, "Ada", Conversation()).text != found


FORMAT = {entity: FormatKey(bytes(32), "store-1", entity) for entity in Entity}


@settings(deadline=None)
@given(st.text(st.sampled_from("019azAZ -+./"), max_size=30), st.sampled_from(Entity))
def test_format_preserving_keeps_the_form_and_opens_again(value: str, entity: Entity) -> None:
    changed = encrypt_format(value, FORMAT[entity])
    if changed is None:
        return
    assert changed != value
    assert decrypt_format(changed, FORMAT[entity]) == value
    if entity is not Entity.CREDIT_CARD:
        assert re.sub(r"[A-Za-z0-9]", "x", changed) == re.sub(r"[A-Za-z0-9]", "x", value)
        for kind in (str.isdigit, str.isupper, str.islower):
            assert any(map(kind, changed)) == any(map(kind, value))


def test_format_preserving_is_tried_on_what_it_can_do() -> None:
    assert encrypt_format("+49 170 1234567", FORMAT[Entity.PHONE_NUMBER]) is not None
    assert encrypt_format("AB12", FORMAT[Entity.PASSPORT]) is not None


@pytest.mark.parametrize(
    "value", ["12345", "abcd", "A1b", "١٢٣٤٥٦٧٨", "１２３４５６７８", "", "9" * 1025]
)
def test_format_preserving_redacts_what_has_too_few_values_or_no_alphabet(value: str) -> None:
    assert made(PreserveFormat(), Entity.MEDICAL_RECORD, value) == "[MEDICAL_RECORD]"


@settings(deadline=None)
@given(st.integers(10**11, 10**18))
def test_an_encrypted_card_opens_again_and_fails_luhn(number: int) -> None:
    body = [int(char) for char in str(number)]
    card = "".join(map(str, [*body, luhn_digit(body)]))
    changed = encrypt_format(card, FORMAT[Entity.CREDIT_CARD])
    assert changed is not None
    assert len(changed) == len(card)
    assert not passes_luhn(changed)
    assert decrypt_format(changed, FORMAT[Entity.CREDIT_CARD]) == card


def test_a_card_that_fails_luhn_is_redacted() -> None:
    assert made(PreserveFormat(), Entity.CREDIT_CARD, "4111111111111112") == "[CREDIT_CARD]"


def test_format_preserving_is_bound_to_store_and_entity() -> None:
    changed = encrypt_format("1234567890", FORMAT[Entity.PASSPORT])
    assert changed is not None
    assert decrypt_format(changed, FORMAT[Entity.NATIONAL_ID]) != "1234567890"
    assert decrypt_format(changed, FormatKey(bytes(32), "s-2", Entity.PASSPORT)) != "1234567890"


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(1, 400))
def test_noise_moves_a_date_within_its_bound(day: date, days: int) -> None:
    for written in (day.isoformat(), f"{day.day:02}.{day.month:02}.{day.year}"):
        found = made(Noise(days=days), Entity.DATE_TIME, written)
        parts = list(map(int, re.split(r"[-.]", found)))
        moved = date(*(parts if "-" in found else reversed(parts)))
        assert 1 <= abs((moved - day).days) <= days


@settings(deadline=None)
@given(st.integers(-(10**14), 10**14), st.integers(1, 100))
def test_noise_moves_a_number_within_its_bound(number: int, percent: int) -> None:
    found = int(made(Noise(percent=percent), "SALARY", str(number)))
    assert 1 <= abs(found - number) <= max(2, abs(number) * percent // 100)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("48250.75", r"4[3-9]\d{3}\.\d\d|5[0-3]\d{3}\.\d\d"),
        ("0.05", r"-?0\.0[46]"),
        ("34 years old", r"3[1-7]"),
        ("March 9, 2019", r"(February|March|April) \d{1,2}, 2019"),
        ("078-05-1120", r"\[DATE_TIME\]"),
        ("1" * 16, r"\[DATE_TIME\]"),
        ("03/04/2019", r"\[DATE_TIME\]"),
    ],
)
def test_noise_keeps_the_form_or_redacts(value: str, pattern: str) -> None:
    assert re.fullmatch(pattern, made(Noise(), Entity.DATE_TIME, value))


def test_a_conversation_numbers_each_kind_in_order_of_appearance() -> None:
    talk, substitution = Conversation(), Substitution(KEYS, SETTING)
    said = ["Ada Lovelace", "Bob", "ada  LOVELACE", "Cy", "Bob"]
    labels = [substitution.of(Number(), Entity.PERSON, each, talk).text for each in said]
    assert labels == ["PERSON_1", "PERSON_2", "PERSON_1", "PERSON_3", "PERSON_2"]
    assert substitution.of(Number(), Entity.LOCATION, "Bob", talk).text == "LOCATION_1"
    assert "Ada" not in repr(talk)


def test_what_a_strategy_could_not_do_counts_as_redacted() -> None:
    assert done(PreserveFormat(), Entity.PERSON, "Ada").strategy == "redact"
    assert done(PreserveFormat(), Entity.PERSON, "Ada").verdict is Verdict.ANONYMISED
    assert done(Tokenize(), Entity.PERSON, "Ada").verdict is Verdict.PSEUDONYMISED
    assert done(Mask(4), Entity.CREDIT_CARD, CARD).verdict is Verdict.PSEUDONYMISED
    assert done(Keep("why"), Entity.PERSON, "Ada").verdict is Verdict.PERSONAL
    harmless = Keep("why", kept_as=KeptAs.HARMLESS)
    assert done(harmless, Entity.PERSON, "Ada") == StandIn(
        "Ada", "keep", Verdict.ANONYMISED, is_kept=True
    )
