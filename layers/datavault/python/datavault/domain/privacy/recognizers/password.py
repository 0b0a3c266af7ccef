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
    clave senha contraseña wachtwoord""".split()  # noqa: SIM905 - a list of words, not of strings
)
_TEMPLATE = re.compile(
    r"[$<{\[(%]|\*{3}|x{4}|\.\.\.|[Yy]our[_-]|[A-Za-z_][\w.]*\(|os\.|process\.|self\."
)
_NOTHING_SECRET = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # A UUID.
    r"|(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
    r"|(?:sha(?:1|224|256|384|512)|md5)[-:=].*"  # A hash that says so: integrity, a digest.
)
_ENCODED = labels(
    "base64 data sha1 sha224 sha256 sha384 sha512 md5 integrity checksum digest commit etag uuid "
    "guid hash fingerprint"
)
_SECRET_NEAR = labels(
    "bearer auth pwd", "secret", "token", "api key", "api_key", "api-key", "apikey", "password",
    "credential", "private key", "private_key",
)  # fmt: skip

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
    value = candidate.value.rstrip(".,;)")
    if len(value) < 4 or value.lower() in _PLACEHOLDERS or _TEMPLATE.match(value):
        return None
    if _NOTHING_SECRET.fullmatch(value) and len(value) == 36:
        return Finding(candidate.start, candidate.start + len(value), LIKELY)
    return Finding(candidate.start, candidate.start + len(value), STRONG)


def _said(candidate: Candidate) -> Finding | None:
    """A value told in a sentence: more than a plain word, for "the password is wrong"."""
    value = candidate.value.rstrip(".,;:)\"'")
    mixed = any(map(str.isdigit, value)) or any(not char.isalnum() for char in value)
    if len(value) < 4 or not mixed or value.lower() in _PLACEHOLDERS or _TEMPLATE.match(value):
        return None
    if not any(map(str.isalnum, value)) or value.replace("'", "").replace("-", "").isalpha():
        return None
    return Finding(candidate.start, candidate.start + len(value), STRONG)


def _random(candidate: Candidate) -> Finding | None:
    """A long random run of letters and digits near a word for secrets."""
    value = candidate.value
    if not TOKEN_CHARS_MIN <= len(value) <= TOKEN_CHARS_MAX or _NOTHING_SECRET.fullmatch(value):
        return None
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
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
        "secret.said",
        Entity.SECRET,
        rf"(?i)(?:{_KEY_ENDS})[\"'`]? (?:is|was|ist|lautet|es|est|[ée]|è) ",
        rf"(?i)(?:{_KEYS})[\"'`]? (?:is|was|ist|lautet|es|est|[ée]|è) [\"'`]?([^\s\"'`]{{4,100}})",
        _said,
    ),
    Rule(
        "secret.random",
        Entity.SECRET,
        "[0-9]",
        r"[0-9A-Za-z+/_=-]{20,257}",
        _random,
        clue=Clue.RUN,
    ),
)
