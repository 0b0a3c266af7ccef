"""The one place that imports Presidio, without spaCy and without its way to the network.

Presidio imports spaCy as it is imported, for names of types and for engines that are not used
here; 200 MB do not fit into a layer. Where spaCy is not installed, empty modules stand in for it:
what Presidio takes from them are classes that hold nothing. Where it is installed, it is left
alone. ``tldextract``, by which Presidio's recognizer of e-mail asks the network for a list of
suffixes, is made to use the list that it ships.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import cast

# spaCy, and the part of it that is a package of its own.
_SPACY = (
    "spacy",
    "spacy.cli",
    "spacy.language",
    "spacy.pipeline",
    "spacy.tokens",
    "spacy.util",
    "spacy.vocab",
    "thinc",
    "thinc.api",
)


def _unregistered[Thing](*_: object, **__: object) -> Callable[[Thing], Thing]:
    """A decorator of spaCy's that would make a component known by a name."""
    return lambda thing: thing


class _Registries(type):
    """``registry.tokenizers("name")``, ``Language.factory("name")`` and the like."""

    def __getattr__(cls, name: str) -> Callable[..., Callable[[object], object]]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unregistered


class _Nothing(metaclass=_Registries):
    """A class of spaCy's: takes whatever it is given and holds no tokens."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __iter__(self) -> "_Nothing":
        return self

    def __next__(self) -> object:
        raise StopIteration

    def __len__(self) -> int:
        return 0


class _Absent(ModuleType):
    """A module in which every public name is an empty class."""

    def __getattr__(self, name: str) -> type[_Nothing]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing


def _stand_in_for_spacy() -> None:
    if "spacy" in sys.modules or importlib.util.find_spec("spacy") is not None:
        return
    for name in _SPACY:
        module = _Absent(name)
        module.__path__ = []
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


_stand_in_for_spacy()

import presidio_analyzer  # noqa: E402 - after what stands in for spaCy
import tldextract  # noqa: E402

_shipped = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
tldextract.extract = _shipped  # type: ignore[assignment]  # called the same way

__all__ = ["NO_ARTIFACTS", "EntityRecognizer", "RecognizerResult", "presidio_analyzer"]

# Recognizers of patterns take no artifacts for nothing to boost by.
NO_ARTIFACTS = cast("presidio_analyzer.nlp_engine.NlpArtifacts", None)
EntityRecognizer = presidio_analyzer.EntityRecognizer
RecognizerResult = presidio_analyzer.RecognizerResult
