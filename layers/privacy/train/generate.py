"""Texts with names, places, organisations and addresses in known spans, from templates.

A template is a line of ``templates/``: literal text with ``{slots}``; those of ``none_*.txt`` name
nobody. ``{first2}`` is another first name than ``{first}``. Slots of ``ENTITIES`` become spans, the
others are what surrounds them: mail addresses, telephone numbers, dates, sentences, products. One
template in seven, and whole locales, are held out for measuring.
"""

import random
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gazetteer import Gazetteer, Sources
from lists import FIELD_LABELS, LANDMARKS, PRODUCTS, THINGS

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGES = ("en", "es", "de", "fr", "it", "pt", "nl")
LANGUAGE_WEIGHTS = (10, 2, 2, 2, 1.5, 1.5, 1.5)
NONE_SHARE = 0.3
HELD_OUT_ONE_IN = 7

ENTITIES = {
    **dict.fromkeys(
        ("person", "first", "last", "lastinitial", "LAST", "FIRST", "LASTC", "initials"), "PERSON"
    ),
    **dict.fromkeys(("city", "country", "state", "place", "landmark", "zip"), "LOCATION"),
    **dict.fromkeys(("org", "ORG", "university", "hospital"), "ORGANIZATION"),
    **dict.fromkeys(("address", "addressline", "street", "streetname", "corner"), "STREET_ADDRESS"),
}
# Slots that have another value each time, as most texts name no word twice.
_DRAWN_ANEW = frozenset(
    ("sentence", "num", "email", "phone", "word", "Word", "words", "Title", "Camel", "snake")
)
_SLOT = re.compile(r"\{([A-Za-z]+)(\d?)\}")

TITLES = {
    "en": "Mr.,Mrs.,Ms.,Dr.,Mr,Mrs,Ms,Dr,Prof.,Miss,Sir,Rev.",
    "es": "Sr.,Sra.,D.,Dña.,Don,Doña,Dr.,Dra.",
    "de": "Herr,Frau,Dr.,Prof. Dr.,Hr.,Fr.",
    "fr": "M.,Mme,Monsieur,Madame,Mlle,Dr,Me",
    "it": "Sig.,Sig.ra,Dott.,Dott.ssa,Ing.,Avv.",
    "pt": "Sr.,Sra.,Dr.,Dra.,Dona,Seu",
    "nl": "Dhr.,Mevr.,Mw.,Dr.,Ir.,heer,mevrouw",
}
NATIONALITIES = (
    "French,German,Italian,Spanish,Chinese,American,British,Indian,Arab,European,Iraqi,Russian,Greek,"
    "Turkish,Polish,Swedish,Danish,Norwegian,Finnish,Dutch,Belgian,Austrian,Swiss,Czech,Hungarian,"
    "Romanian,Ukrainian,Irish,Scottish,Welsh,English,Portuguese,Brazilian,Mexican,Argentine,"
    "Canadian,Australian,Japanese,Korean,Vietnamese,Thai,Persian,Egyptian,Nigerian,Kenyan,Israeli,"
    "Ottoman,Roman,Byzantine,Jewish,Catholic,Muslim,Protestant,Buddhist,Democratic,Republican"
)
SPOKEN = "English,French,German,Spanish,Chinese,Arabic,Hindi,Latin,Dutch,Russian,Japanese,Polish"
EMOJI = "😂,🎉,😍,👍,🙏,🔥,❤️,😭,🤔,✈️"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and its spans ``(start, end, entity)``, in code points and in order.

    Of an entity ``None`` nothing is learnt or measured there: the source is not to be trusted.
    """

    text: str
    spans: tuple[tuple[int, int, str | None], ...]
    source: str


@dataclass(frozen=True, slots=True)
class _Voice:
    """What stays the same within one text."""

    language: str
    locale: str
    drawn: dict[str, str] = field(default_factory=dict)


def joined(
    text: str, spans: Sequence[tuple[int, int, str | None]]
) -> tuple[tuple[int, int, str | None], ...]:
    """The spans, with a first and a last name that only a space parts made one."""
    whole: list[tuple[int, int, str | None]] = []
    for start, end, entity in spans:
        if whole and whole[-1][2] == entity == "PERSON" and text[whole[-1][1] : start] == " ":
            start = whole.pop()[0]
        whole.append((start, end, entity))
    return tuple(whole)


class Generator:
    """An endless source of texts; equal seeds give equal texts."""

    def __init__(self, seed: int, sources: Sources, *, held_out: bool = False) -> None:
        self._random = random.Random(seed)
        self._gazetteer = Gazetteer(self._random, sources, held_out)
        self._named = {language: _templates(language, held_out) for language in LANGUAGES}
        self._none = {language: _templates(f"none_{language}", held_out) for language in LANGUAGES}

    def __iter__(self) -> Iterator[Labelled]:
        while True:
            yield self.text()

    def text(self) -> Labelled:
        """One to a few templates in one language, as one text."""
        language = self._random.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        count = self._random.choices((1, 2, 3, 5), (70, 15, 10, 5))[0]
        separator = self._random.choice(("\n", "\n\n", " ", " "))
        text, spans = "", []
        for _ in range(count):
            kind = self._none if self._random.random() < NONE_SHARE else self._named
            part, found = self._render(self._random.choice(kind[language]), language)
            if text:
                text += separator
            spans += [(start + len(text), end + len(text), entity) for start, end, entity in found]
            text += part
        return Labelled(text, joined(text, spans), f"generated-{language}")

    def value(self, slot: str, language: str) -> str:
        """Another value for a slot, as it could stand in a text of that language."""
        return self._draw(slot, _Voice(language, self._gazetteer.locale(language)))

    def _render(
        self, template: str, language: str
    ) -> tuple[str, list[tuple[int, int, str | None]]]:
        voice = _Voice(language, self._gazetteer.locale(language))
        text, spans, at = "", [], 0
        for match in _SLOT.finditer(template):
            text += template[at : match.start()]
            at = match.end()
            slot = match[1]
            if slot in _DRAWN_ANEW:
                value = self._draw(slot, voice)
            elif match[0] in voice.drawn:
                value = voice.drawn[match[0]]
            else:
                value = voice.drawn[match[0]] = self._draw(slot, voice)
            if slot in ENTITIES and value.strip():
                spans.append((len(text), len(text) + len(value), ENTITIES[slot]))
            text += value
        return text + template[at:], spans

    def _draw(self, slot: str, voice: _Voice) -> str:
        gazetteer, locale, language = self._gazetteer, voice.locale, voice.language
        # Now and then a second person comes from elsewhere.
        if slot in {"person", "first", "last"} and self._random.random() < 0.25:
            locale = gazetteer.locale(language)
        match slot:
            case "person":
                return self._person(locale)
            case "first" | "last" | "city" | "country" | "state" | "place":
                return str(getattr(gazetteer, slot)(locale))
            case "FIRST":
                return gazetteer.first(locale).upper()
            case "LAST" | "LASTC":
                return gazetteer.last(locale).upper()
            case "lastinitial":
                return f"{gazetteer.last(locale)}, {self._random.choice('ABCDEFGHJKLMNPRSTW')}."
            case "initials":
                letters = "".join(self._random.choices("abcdefghjklmnprstvw", k=2))
                return letters if self._random.random() < 0.5 else letters.upper()
            case "ORG":
                return gazetteer.coined().upper()
            case "org":
                return gazetteer.organization(language, locale)
            case "university" | "hospital" | "street" | "address" | "corner":
                return str(getattr(gazetteer, slot)(language, locale))
            case "addressline":
                return gazetteer.address(language, locale).replace("\n", ", ").replace(",,", ",")
            case "streetname":
                return gazetteer.street_name(language, locale)
            case "landmark":
                name = gazetteer.first if self._random.random() < 0.3 else gazetteer.last
                return self._random.choice(LANDMARKS).format(name(locale))
            case "zip":
                return gazetteer.postcode(locale)
            case "title":
                return self._random.choice(TITLES[language].split(","))
            case _:
                return self._filler(slot, voice)

    def _person(self, locale: str) -> str:
        """A name in one of the forms in which names are written."""
        draw, gazetteer = self._random.random(), self._gazetteer
        if draw < 0.12 and locale not in {"zu_ZA"}:
            # Titles and degrees that Faker adds belong to no name; see `TITLES`.
            return f"{gazetteer.first(locale)} {gazetteer.last(locale)}-{gazetteer.last(locale)}"
        first, last = gazetteer.first(locale), gazetteer.last(locale)
        if not first.isascii() and locale in {"ja_JP", "zh_CN", "ko_KR"} and not last.isascii():
            return last + first
        if draw < 0.68:
            return f"{first} {last}"
        if draw < 0.76:
            return f"{first} {self._random.choice('ABCDEFGHJKLMPRSTW')}. {last}"
        if draw < 0.82:
            return f"{first} {gazetteer.first(locale)} {last}"
        if draw < 0.87:
            return f"{first[0]}. {last}"
        if draw < 0.91:
            return f"{first} {last} {gazetteer.last(locale)}"
        if draw < 0.94:
            return f"{first} {self._random.choice(('de', 'van', 'von', 'bin', 'al', 'O'))} {last}"
        return first if draw < 0.97 else last

    def _filler(self, slot: str, voice: _Voice) -> str:
        draw = self._random
        faker = self._gazetteer.faker("en_US")
        match slot:
            case "email":
                if draw.random() < 0.3:
                    return self._speaking_email(voice.locale)
                return faker.email() if draw.random() < 0.5 else faker.company_email()
            case "phone":
                return self._gazetteer.faker(voice.locale).phone_number()
            case "date":
                return faker.date(draw.choice(("%Y-%m-%d", "%d/%m/%Y", "%B %d, %Y", "%d.%m.%Y")))
            case "time":
                return faker.time(draw.choice(("%H:%M", "%H:%M:%S", "%I:%M %p")))
            case "month":
                return _MONTHS[voice.language].split(",")[draw.randrange(12)]
            case "weekday":
                return _WEEKDAYS[voice.language].split(",")[draw.randrange(7)]
            case "year":
                return str(draw.randrange(1950, 2027))
            case "num":
                return str(draw.randrange(10 ** draw.randrange(1, 6)))
            case "money":
                number = f"{draw.randrange(1, 99999):,}"
                return draw.choice((f"${number}", f"€{number}", f"{number} EUR", f"${number}.99"))
            case "id":
                return faker.bothify(draw.choice(("??-#####", "########", "#####-##", "???####")))
            case "hash":
                return f"{draw.getrandbits(48):012x}"
            case "url":
                return faker.url() if draw.random() < 0.5 else faker.uri()
            case "ip":
                return faker.ipv4()
            case "user":
                return faker.user_name()
            case "job":
                return faker.job() if draw.random() < 0.5 else faker.job().lower()
            case "product":
                return draw.choice(PRODUCTS)
            case "thing":
                return draw.choice(THINGS)
            case "storm":
                return self._gazetteer.first("en_US")
            case "substance":
                name = self._gazetteer.substance()
                return name if draw.random() < 0.5 else name.capitalize()
            case "acronym":
                return "".join(draw.choices("ABCDEFGHILMNOPRSTUVX", k=draw.randrange(2, 6)))
            case "label":
                return draw.choice(FIELD_LABELS)
            case "nationality":
                return draw.choice(NATIONALITIES.split(","))
            case "language":
                return draw.choice(SPOKEN.split(","))
            case _:
                return self._words(slot, voice)

    def _speaking_email(self, locale: str) -> str:
        """An address that holds a name, which is found as an address."""
        draw, gazetteer = self._random, self._gazetteer
        first, last = gazetteer.first(locale), gazetteer.last(locale)
        middle = draw.choice((".", ".", "_", "", ".A.", "-"))
        name = f"{first}{middle}{last}".replace(" ", "").replace("'", "")
        host = f"{gazetteer.coined()}.{draw.choice(('com', 'com', 'org', 'net', 'de', 'co.uk'))}"
        return f"{name}@{host}" if draw.random() < 0.4 else f"{name}@{host}".lower()

    def _words(self, slot: str, voice: _Voice) -> str:
        match slot:
            case "word":
                return self._some(voice, 1).lower()
            case "Word":
                return self._some(voice, 1).capitalize()
            case "words":
                return self._some(voice, self._random.randrange(2, 5)).lower()
            case "Camel":
                return self._some(voice, self._random.randrange(2, 4)).title().replace(" ", "")
            case "snake":
                return self._some(voice, self._random.randrange(2, 4)).lower().replace(" ", "_")
            case "WORDS":
                return self._some(voice, self._random.randrange(1, 4)).upper()
            case "Title":
                return self._some(voice, self._random.randrange(1, 5)).title()
            case "Sentence" | "sentence":
                sentence = self._some(voice, self._random.randrange(4, 14))
                if self._random.random() < 0.7 or slot == "Sentence":
                    sentence = sentence[0].upper() + sentence[1:]
                sentence += self._random.choice((".", ".", ".", "!", "?", "..."))
                if self._random.random() < 0.05:
                    return f"{sentence} {self._random.choice(EMOJI.split(','))}"
                return sentence
        raise ValueError(f"no slot {slot}")

    def _some(self, voice: _Voice, count: int) -> str:
        """Words of the language, of which Faker has few, and in English rarer ones between."""
        words = self._gazetteer.faker(_LOREM[voice.language]).words(count)
        if voice.language == "en":
            rare = self._gazetteer.words(count)
            draws = zip(words, rare, strict=True)
            words = [other if self._random.random() < 0.4 else word for word, other in draws]
        return " ".join(words)


_LOREM = {
    "en": "en_US",
    "es": "es_ES",
    "de": "de_DE",
    "fr": "fr_FR",
    "it": "it_IT",
    "pt": "pt_BR",
    "nl": "nl_NL",
}
_MONTHS = {
    "en": "January,February,March,April,May,June,July,August,September,October,November,December",
    "es": "enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre,octubre,noviembre,"
    "diciembre",
    "de": "Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember",
    "fr": "janvier,février,mars,avril,mai,juin,juillet,août,septembre,octobre,novembre,décembre",
    "it": "gennaio,febbraio,marzo,aprile,maggio,giugno,luglio,agosto,settembre,ottobre,novembre,"
    "dicembre",
    "pt": "janeiro,fevereiro,março,abril,maio,junho,julho,agosto,setembro,outubro,novembro,"
    "dezembro",
    "nl": "januari,februari,maart,april,mei,juni,juli,augustus,september,oktober,november,december",
}
_WEEKDAYS = {
    "en": "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday",
    "es": "lunes,martes,miércoles,jueves,viernes,sábado,domingo",
    "de": "Montag,Dienstag,Mittwoch,Donnerstag,Freitag,Samstag,Sonntag",
    "fr": "lundi,mardi,mercredi,jeudi,vendredi,samedi,dimanche",
    "it": "lunedì,martedì,mercoledì,giovedì,venerdì,sabato,domenica",
    "pt": "segunda,terça,quarta,quinta,sexta,sábado,domingo",
    "nl": "maandag,dinsdag,woensdag,donderdag,vrijdag,zaterdag,zondag",
}


def _templates(name: str, held_out: bool) -> list[str]:
    lines = (TEMPLATES / f"{name}.txt").read_text().splitlines()
    chosen = [
        line.replace("\\n", "\n").replace("\\t", "\t")
        for line in lines
        if line and (zlib.crc32(line.encode()) % HELD_OUT_ONE_IN == 0) == held_out
    ]
    return chosen or [line for line in lines if line]
