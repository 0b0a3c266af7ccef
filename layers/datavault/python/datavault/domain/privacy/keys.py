"""The keys that strategies need, each named for its purpose, and what else outputs depend on."""

from dataclasses import dataclass, fields
from datetime import date

from datavault.domain.errors import Invalid
from datavault.domain.privacy.strategy import (
    Hash,
    Noise,
    PreserveFormat,
    Replace,
    Strategy,
    Tokenize,
)

KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class PrivacyKeys:
    """Keys of 32 uniformly random bytes each; those that no strategy uses may be left out.

    ``surrogate`` draws stand-ins and noise, ``hash`` is that of HMACs, ``token`` is the subject's,
    ``format`` that of FF1. What is used is derived from them, each with a tag of its own, so one
    key given for all is as safe as four.
    """

    surrogate: bytes | None = None
    hash: bytes | None = None
    token: bytes | None = None
    format: bytes | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            key = getattr(self, field.name)
            if key is not None and len(key) != KEY_BYTES:
                raise Invalid(
                    f"a key has {KEY_BYTES} bytes, this has {len(key)}", field=f"keys/{field.name}"
                )

    def need(self, purpose: str) -> bytes:
        """The key of that name; ``Invalid`` without one."""
        key: bytes | None = getattr(self, purpose)
        if key is None:
            raise Invalid(f"the policy needs a key for this: {purpose}", field=f"keys/{purpose}")
        return key


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a policy is applied; outputs depend on it as they do on the keys.

    ``store`` is where tokens and FF1 values are at home. Within ``scope`` (a dataset, a
    conversation) a value has one surrogate. Entries of lists that have expired ``on`` that day do
    not apply, and ages are counted to it.
    """

    store: str
    scope: str
    on: date


def key_purpose(strategy: Strategy) -> str | None:
    """The field of ``PrivacyKeys`` that a strategy cannot do without."""
    match strategy:
        case Replace() | Noise():
            return "surrogate"
        case Hash():
            return "hash"
        case Tokenize():
            return "token"
        case PreserveFormat():
            return "format"
        case _:
            return None
