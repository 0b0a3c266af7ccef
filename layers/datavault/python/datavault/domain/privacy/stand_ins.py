"""What stands in a value's place: a strategy done with its key, or the value's kind alone.

The one rule when a strategy cannot be done is in ``Substitution.of``: redact.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from datavault.domain import digests
from datavault.domain.crypto.tokens import TokenPlace, tokenize
from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.format_preserving import FormatKey, encrypt_format
from datavault.domain.privacy.generalizing import generalized
from datavault.domain.privacy.keys import PrivacyKeys, Setting
from datavault.domain.privacy.masking import masked, truncated
from datavault.domain.privacy.noise import noisy
from datavault.domain.privacy.strategy import (
    Generalize,
    Hash,
    Keep,
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
    name_of,
    verdict_of,
)
from datavault.domain.privacy.surrogates import surrogate
from datavault.domain.privacy.values import canonical, framed

_ENTITY = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_UNKNOWN_ENTITY = "PERSONAL_DATA"


@dataclass(frozen=True, slots=True)
class StandIn:
    """What was put in a value's place, by which strategy in the end, and what that makes of it."""

    text: str
    strategy: str
    verdict: Verdict
    is_kept: bool = False


def known_name(entity: str) -> str:
    """The entity's name if it has the form of one, else ``PERSONAL_DATA``.

    Detectors may be others' and name things as they like; a name goes into labels and findings.
    """
    return str(entity) if _ENTITY.fullmatch(entity) else _UNKNOWN_ENTITY


class Substitution:
    """Puts stand-ins in the place of values, under keys and in a setting."""

    __slots__ = ("_keys", "_setting")

    def __init__(self, keys: PrivacyKeys, setting: Setting) -> None:
        self._keys = keys
        self._setting = setting

    def of(
        self, strategy: Strategy, entity: str, value: str, conversation: Conversation
    ) -> StandIn:
        """The stand-in for ``value``; ``entity`` has the form of a name.

        What the strategy cannot do, or would leave as it is, is redacted.

        Raises:
            Invalid: the strategy needs a key that was not given.
        """
        if isinstance(strategy, Keep):
            return StandIn(value, name_of(strategy), verdict_of(strategy), is_kept=True)
        made = self._made(strategy, entity, value, conversation)
        if made is None or made == value:
            return StandIn(f"[{entity}]", name_of(Redact()), verdict_of(Redact()))
        return StandIn(made, name_of(strategy), verdict_of(strategy))

    def _made(
        self, strategy: Strategy, entity: str, value: str, conversation: Conversation
    ) -> str | None:
        keys, setting = self._keys, self._setting
        match strategy:
            case Mask():
                return masked(value, strategy.keep_last)
            case Truncate():
                return truncated(value, strategy.chars)
            case Number():
                return conversation.label(entity, value)
            case Generalize():
                return generalized(entity, value, strategy, setting.on)
            case Tokenize():
                place = TokenPlace(setting.store, entity)
                return tokenize(value, key=keys.need("token"), place=place)
            case Hash():
                return _hashed(entity, value, strategy, keys.need("hash"))
            case PreserveFormat():
                key = digests.format_key(keys.need("format"))
                return encrypt_format(value, FormatKey(key, setting.store, entity))
            case Replace():
                key = digests.surrogate_key(keys.need("surrogate"))
                return surrogate(entity, value, key=key, scope=setting.scope)
            case Noise():
                key = digests.noise_key(keys.need("surrogate"))
                return noisy(entity, value, strategy, key=key, scope=setting.scope)
            case Redact() | Keep():
                return None


def _hashed(entity: str, value: str, how: Hash, key: bytes) -> str:
    """HMAC-SHA-256 over the entity and the value, however it is spelled."""
    said = framed(entity, canonical(entity, value))
    digest = hmac.digest(digests.keyed_hash_key(key), said, hashlib.sha256)[: how.digest_bytes]
    return f"[{entity}:h1:{base64.b32encode(digest).decode().rstrip('=').lower()}]"
