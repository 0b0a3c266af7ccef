"""Values by generators that nobody here wrote, in sentences: Faker and libphonenumber.

The sentences have no more of a label than people write. Seeds are fixed.
"""

import random
from collections.abc import Callable, Iterator

import phonenumbers
from faker import Faker

from tests.benchmarks.privacy.measures import Document

_LOCALES = ("en_US", "en_GB", "de_DE", "es_ES", "fr_FR", "it_IT", "pt_PT", "nl_NL")
_SENTENCES = (
    "Here it is: {}.",
    "I wrote {} down, is that right?",
    '{{"value": "{}", "ok": true}}',
    "user: {}\nbot: thanks",
    "It was {} (I think)",
    "| 17 | {} | done |",
)
_CALLS = ("Call me at {}.", "My phone number is {}", "tel: {}", "reach us under {} or write")


def documents(count: int, *, seed: int) -> Iterator[tuple[str, list[Document]]]:
    """For each label, ``count`` documents of one value each."""
    fakers = [Faker(locale) for locale in _LOCALES]
    Faker.seed(seed)
    chance = random.Random(seed)

    def any_of(name: str) -> Callable[[], str]:
        return lambda: str(getattr(chance.choice(fakers), name)())

    american = fakers[0]
    kinds: tuple[tuple[str, Callable[[], str], tuple[str, ...]], ...] = (
        ("EMAIL", any_of("email"), _SENTENCES),
        ("IP", lambda: american.ipv4() if chance.random() < 0.5 else american.ipv6(), _SENTENCES),
        ("URL", any_of("url"), _SENTENCES),
        ("IBAN", any_of("iban"), _SENTENCES),
        ("CREDIT_CARD", any_of("credit_card_number"), _SENTENCES),
        ("SSN", american.ssn, _SENTENCES),
        ("PHONE", any_of("phone_number"), _CALLS),
        (
            "PHONE abroad",
            lambda: _example(chance, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
            _SENTENCES,
        ),
        (
            "PHONE national",
            lambda: _example(chance, phonenumbers.PhoneNumberFormat.NATIONAL),
            _CALLS,
        ),
    )
    for label, value, sentences in kinds:
        made = [_placed(label.split()[0], value(), chance.choice(sentences)) for _ in range(count)]
        yield label, made


def _placed(label: str, value: str, sentence: str) -> Document:
    text = sentence.format(value)
    start = text.index(value)
    return Document(text, ((start, start + len(value), label),))


def _example(chance: random.Random, form: int) -> str:
    """An example number of some region with its last digits changed, as long as it stays valid."""
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    while True:
        number = phonenumbers.example_number(chance.choice(regions))
        if number is None:
            continue
        changed = phonenumbers.PhoneNumber()
        changed.merge_from(number)
        changed.national_number = (number.national_number or 0) // 1000 * 1000 + chance.randrange(
            1000
        )
        if phonenumbers.is_valid_number(changed):
            return str(phonenumbers.format_number(changed, form))
