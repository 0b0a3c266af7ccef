"""What a model takes for a name and is none, told by rule and not by how sure it is.

* Words that announce a value (``Steuer-ID``, ``Codice Fiscale``) are none, also where the value is
  missing or of a form that nobody knows. Some are surnames, too (Driver, Key, Handy): under a label
  that asks for a name, beside a person and where the model is sure of a single one, they are names.
* Nor are forms, units and abbreviations of computing (``NDJSON``, ``MiB``), alone or together.
* Figures alone are a house number or a postcode, or nothing: of fewer than ``FIGURES_MIN`` digits
  they count only beside another finding of the model's, as in ``Apt. 566``.
* Of a member or a column that has figures alone they count only if its name says that they are an
  address: ``zip`` and ``house_number`` do, ``start``, ``qty`` and ``CPF`` do not.
"""

import re
from collections.abc import Iterator, Sequence

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.tiers import NAMES

# As many digits as a postcode has at least, but for Iceland's.
FIGURES_MIN = 4
# Between figures and what they belong to stands no more than a comma, a dash or a line end.
_JOINT = re.compile(r"[\s,.·/#-]{0,4}")
_WORD = re.compile(r"[^\W_]+")
# Words of which nothing but labels consists. People are called by some of them.
_LABEL_WORDS = frozenset(
    """account accounts address adresse adres anschrift api apellido apellidos assurance assuré
    ausweis ausweisnummer banking bankverbindung benutzername birth birthdate birthday bsn
    burgerservicenummer cédula codice code código cognome compte contraseña contribuinte conto
    cpf credential credentials customer cuenta data date datum dirección dni dob driver drivers
    email empfänger endereço expiration expiry fax fecha fiscal fiscale forename
    führerschein führerscheinnummer geboortedatum geburtsdatum geburtsort gender handy handynummer
    hausnummer iban id identification identifiant identificación identity indirizzo invoice
    kennwort kennzeichen kenteken key konto kontonummer krankenkasse krankenversicherung
    krankenversicherungsnummer kundennummer kundennr lastname licence license matricule
    medical mobilnummer mrn nachname naissance naam nascimento nascita nif no nom nombre
    número numero number nummer nr numéro passeport passaporte passaporto paspoort pasaporte
    passport password passwort patient patienten patientennummer personalausweis
    personalausweisnummer phone plate plz policy postcode postleitzahl prénom prénoms record
    reference referenz reisepass reisepassnummer rekeningnummer rentenversicherungsnummer rijbewijs
    rufnummer secret sécurité sexo sobrenome sociale sozialversicherung sozialversicherungsnummer
    ssn steuer steueridentifikationsnummer steuernr steuernummer straße strasse surname tax
    telefon telefone telefono teléfono telefonnummer telefoon telefoonnummer tel telephone téléphone
    timestamp token user username versichertennummer versicherungsnummer vorname voornaam
    wachtwoord wohnort zip""".split()  # noqa: SIM905 - a list of words.
)
# Words of labels behind which names stand.
_NAME_WORDS = frozenset(
    """achternaam apellido apellidos cognome firstname fname forename lastname lname nachname naam
    name names nom nombre nome prénom prénoms sobrenome surname voornaam
    vorname""".split()  # noqa: SIM905 - a list of words.
)
_LABEL_END = re.compile(r"([^\W_]+)\s?:\s{0,2}\Z")
# Further back the last word of a label does not begin.
_LABEL_CHARS = 32
# Of 170 words of labels in three sentences each, the model of ``Tier.FAST`` took 42 for names and
# one of them with such a score; surnames under ``owner`` get 0.93.
SINGLE_SCORE_MIN = 0.85
# Between the words of a name of which a model makes two: Adam Driver; Driver, Adam.
_NAME_JOINT = re.compile(r"[ ]|, ?")
# Letters of labels that stand beside such words: e-mail, c. fiscale, n. tel.
_LABEL_LETTERS = frozenset({"c", "d", "e", "f", "mail", "n"})
# As they are written; nobody's initials, and no firm's or country's.
_TERMS = frozenset(
    """API APIs ASCII BMP CLI CPU CPUs CRLF CRUD CSS CSV DNS EOF FTP GB GET GHz GPU GPUs GUI GiB
    HTML HTTP HTTPS INT8 IPv4 IPv6 JPEG JPG JSON JSONL JWT KB KiB LF MB MHz MiB NDJSON NaN OAuth
    OIDC OOM PATCH PDF PNG POST PUT RAM README REST RPC SDK SHA SQL SSH SSL SVG TCP TLS TODO TSV
    UDP URI URIs URL URLs UTF UUID UUIDs VM XML YAML ZIP array arrays chunk chunks field fields
    file files line lines object objects record records row rows schema text""".split()  # noqa: SIM905 - a list of words.
)
_ADDRESS_WORDS = frozenset(
    """address addr addresses apartment apt building cap cep cp domicile endereço flat hausnr
    hausnummer house huisnummer plz post postal postalcode postcode postleitzahl postnr postnummer
    street streetnumber suite zip zipcode""".split()  # noqa: SIM905 - a list of words.
)


def without_no_names(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Of what a model of names found in ``text``, in order, what may be names."""
    return tuple(
        span
        for at, span in enumerate(spans)
        if (not _is_label(text[span.start : span.end]) or _is_surname(text, spans, at))
        and (_says_enough(text[span.start : span.end]) or _has_neighbour(text, spans, at))
    )


def of_figures(label: str, spans: Sequence[Span]) -> Iterator[Span]:
    """Of what is found in a value of figures alone, what counts under a ``label``, empty if none.

    Other findings than a model's of names pass.
    """
    is_address = not label or not _ADDRESS_WORDS.isdisjoint(_WORD.findall(label.casefold()))
    return (span for span in spans if is_address or span.entity not in NAMES)


def _is_label(value: str) -> bool:
    """Whether it says nothing but what kind of a value or a thing this is."""
    words = _WORD.findall(value)
    said = [word for word in words if word.casefold() not in _LABEL_LETTERS]
    return bool(said) and all(word in _TERMS or word.casefold() in _LABEL_WORDS for word in said)


def _is_surname(text: str, spans: Sequence[Span], at: int) -> bool:
    """Whether what might be a label is somebody's name where it stands."""
    own = spans[at]
    label = _LABEL_END.search(text[max(0, own.start - _LABEL_CHARS) : own.start])
    if label is not None and label[1].casefold() in _NAME_WORDS:
        return True
    if len(_WORD.findall(text[own.start : own.end])) > 1:
        return False
    return own.score >= SINGLE_SCORE_MIN or any(
        each.entity is Entity.PERSON
        and not _is_label(text[each.start : each.end])
        and _NAME_JOINT.fullmatch(text[min(each.end, own.end) : max(each.start, own.start)])
        for each in (*spans[max(0, at - 1) : at], *spans[at + 1 : at + 2])
    )


def _says_enough(value: str) -> bool:
    """Whether it has a letter, or as many digits as a postcode."""
    return any(map(str.isalpha, value)) or sum(map(str.isdigit, value)) >= FIGURES_MIN


def _has_neighbour(text: str, spans: Sequence[Span], at: int) -> bool:
    """Whether another finding stands right beside one."""
    own = spans[at]
    before = text[spans[at - 1].end : own.start] if at else None
    behind = text[own.end : spans[at + 1].start] if at + 1 < len(spans) else None
    return any(each is not None and _JOINT.fullmatch(each) for each in (before, behind))
