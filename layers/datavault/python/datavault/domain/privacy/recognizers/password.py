"""Passwords and keys that only their label, or only their randomness, gives away."""

import math
import re
from collections import Counter

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import labels
from datavault.domain.privacy.recognizers.rules import (
    LIKELY,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
)

_KEYS = (
    r"pass(?:word|wd|phrase|code)?s?|pwd|kennwort|passwort|contrase[ñn]a|clave|mot de passe|mdp|"
    r"senha|palavra-passe|wachtwoord|parola d'ordine|"
    r"(?:[a-z]{1,20}[_-]?)?(?:secret|token|api[_ -]?key|apikey|access[_ -]?key|auth[_ -]?key|"
    r"private[_ -]?key|encryption[_ -]?key|client[_ -]?secret|credentials?)"
)
_KEY_ENDS = (
    r"pass(?:word|wd|phrase|code)?s?|pwd|kennwort|passwort|contrase[ñn]a|clave|mot de passe|mdp|"
    r"senha|palavra-passe|wachtwoord|parola d'ordine|secret|token|key|credentials?"
)
# Words that stand where a secret would, in documentation, programs and forms.
_PLACEHOLDERS = frozenset(
    """none null nil true false undefined required optional string str int bool password passwort
    secret token changeme change_me redacted hidden example placeholder xxx todo tbd empty unset
    your_password yourpassword your-password field input type text reset manager policy hash
    expired incorrect wrong invalid forgotten protected here is was the and for not must should
    clave senha contraseña wachtwoord test bytes from undefined credential credentials""".split()  # noqa: SIM905 - a list of words, not of strings
)
_AMOUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_TEMPLATE = re.compile(
    r"[$<{\[(%]|\*{3}|x{4}|\.\.\.|(?:[Yy]our|YOUR)[_-]|[A-Za-z_][\w.]*[(\[]|os\.|process\.|self\."
)
_NOTHING_SECRET = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # A UUID.
    r"|(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
    r"|(?:sha(?:1|224|256|384|512)|md5)[-:=].*"  # A hash that says so: integrity, a digest.
)
_WORD_ENDS = re.compile(r"[^0-9A-Za-z]+")
_ENCODED = labels(
    "base64 data sha1 sha224 sha256 sha384 sha512 md5 integrity checksum digest commit etag uuid "
    "guid hash fingerprint"
)
_SECRET_NEAR = labels(
    "bearer auth pwd", "secret", "token", "api key", "api_key", "api-key", "apikey", "password",
    "credential", "private key", "private_key",
)  # fmt: skip

# Those labels' words; letters that are one of them in another case are matched by RE2, but for the
# one that becomes two.
_RANDOM_GATE = (
    r"(?i)bearer|auth|pwd|secret|token|api[ _-]?key|pa(?:ss|[ßẞ])word|credential|private[ _]key"
)

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.]*")
_KEY_CHARS = 48
_KEY_BEFORE = re.compile(r"([A-Za-z_'-]+?)[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*$")
_WORD_ALLOWED = re.compile(
    r"(?i)pass|pwd|kennwort|contrase|clave|mdp|senha|wachtwoord|parola|mot de"
)
# Two words in one, as in camelCase and snake_case.
_NAMED = re.compile(r"[a-z][A-Z]|\w[_.]\w|^_")
_CODE_BEHIND = re.compile(r"[)\]},]|[ \t]*(?:\||=|\+|\(|or\b|and\b|if\b)")

# What a text between quotes is about, if it holds one of them.
_SUBJECTS = frozenset(
    """password passwords passwort passphrase passcode kennwort contraseña senha token tokens key
    keys secret secrets credential credentials""".split()  # noqa: SIM905 - a list of words.
)
_ENDS = re.compile(r"\\.|[\"'`\n]")
QUOTED_CHARS_MAX = 200

# Bits a character. Twenty random characters of base64 have about 4.1, of hexadecimals 3.3; names
# in programs and words run together stay below.
ENTROPY_BITS_MIN = 3.7
TOKEN_CHARS_MIN, TOKEN_CHARS_MAX = 20, 256


def entropy(value: str) -> float:
    """Bits a character, by the frequencies of the value's own characters (Shannon)."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def _assigned(candidate: Candidate) -> Finding | None:
    """A value assigned to a name of something secret."""
    value = candidate.value.rstrip(".,;:)]}")
    if len(value) < 4 or value.lower() in _PLACEHOLDERS or _TEMPLATE.match(value):
        return None
    if _IDENTIFIER.fullmatch(value) and _is_of_a_program(candidate, value):
        return None
    if _NOTHING_SECRET.fullmatch(value) and len(value) == 36:
        return Finding(candidate.start, candidate.start + len(value), LIKELY)
    return Finding(candidate.start, candidate.start + len(value), STRONG)


def _quoted(candidate: Candidate) -> Finding | None:
    """All of several words between quotes, as of a passphrase.

    A text that names what it is about ("enter your password") is a message. One word is left to
    ``_assigned``, and so is a quote that does not close.
    """
    text, start = candidate.text, candidate.start
    end = _closing(text, start, text[start - 1], start + QUOTED_CHARS_MAX)
    value = text[start:end].rstrip() if end is not None else ""
    words = _WORD_ENDS.split(value.lower())
    if " " not in value or _TEMPLATE.match(value) or not _SUBJECTS.isdisjoint(words):
        return None
    if len(value) < 4 or not value[0].strip():
        return None
    return Finding(start, start + len(value), STRONG)


def _closing(text: str, start: int, quote: str, limit: int) -> int | None:
    """Where the quote closes, on the same line and without a backslash before it."""
    for found in _ENDS.finditer(text, start, limit):
        if found[0] == quote:
            return found.start()
        if found[0] == "\n":
            return None
    return None


def _is_of_a_program(candidate: Candidate, value: str) -> bool:
    """Whether an identifier without quotes is the name of a variable or of a type."""
    text, start, end = candidate.text, candidate.start, candidate.start + len(value)
    if text[start - 1 : start] in ("'", '"', "`"):
        return False
    key = _KEY_BEFORE.search(text, max(0, start - _KEY_CHARS), start)
    if key is None:
        return False
    # Passwords may be words, tokens and keys are not.
    if not _WORD_ALLOWED.search(key[1]) or value == key[1]:
        return True
    return _NAMED.search(value) is not None or _CODE_BEHIND.match(text, end) is not None


def _said(candidate: Candidate) -> Finding | None:
    """A value told in a sentence: more than a plain word, for "the password is wrong"."""
    value = candidate.value.rstrip(".,;:)\"'")
    mixed = any(map(str.isdigit, value)) or any(not char.isalnum() for char in value)
    if len(value) < 4 or not mixed or value.lower() in _PLACEHOLDERS or _TEMPLATE.match(value):
        return None
    if _AMOUNT.fullmatch(value):
        return None
    if not any(map(str.isalnum, value)) or value.replace("'", "").replace("-", "").isalpha():
        return None
    return Finding(candidate.start, candidate.start + len(value), STRONG)


def _is_mixed(part: str) -> bool:
    """Whether letters and digits alternate in it, unlike in words and names of things."""
    return len(part) >= 8 and not part.isalpha() and not part.isdigit()


def _random(candidate: Candidate) -> Finding | None:
    """A long random run of letters and digits near a word for secrets."""
    value = candidate.value
    if not TOKEN_CHARS_MIN <= len(value) <= TOKEN_CHARS_MAX or _NOTHING_SECRET.fullmatch(value):
        return None
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return None
    if not any(map(_is_mixed, _WORD_ENDS.split(value))):
        return None
    if entropy(value) < ENTROPY_BITS_MIN or candidate.after(_ENCODED):
        return None
    return candidate.found(STRONG) if candidate.after(_SECRET_NEAR) else None


RULES = (
    Rule(
        "secret.assigned",
        Entity.SECRET,
        rf"(?i)(?:{_KEY_ENDS})[\"'`]?[ \t]*[:=]",
        rf"(?i)(?:{_KEYS})[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*[\"'`]?([^\s\"'`,;]{{4,200}})",
        _assigned,
    ),
    Rule(
        "secret.quoted",
        Entity.SECRET,
        rf"(?i)(?:{_KEY_ENDS})[\"'`]?[ \t]*[:=]",
        rf"(?i)(?:{_KEYS})[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*[\"'`]([^\s\"'`][^\n\"'`]{{1,200}})",
        _quoted,
    ),
    Rule(
        "secret.said",
        Entity.SECRET,
        rf"(?i)(?:{_KEY_ENDS})[\"'`]? (?:is|was|ist|lautet|es|est|[ée]|è) ",
        rf"(?i)(?:{_KEYS})[\"'`]? (?:is|was|ist|lautet|es|est|[ée]|è) [\"'`]?([^\s\"'`]{{4,100}})",
        _said,
    ),
    Rule(
        "secret.random",
        Entity.SECRET,
        _RANDOM_GATE,
        r"[0-9A-Za-z+/_=-]{20,257}",
        _random,
        clue=Clue.RUN,
    ),
)
