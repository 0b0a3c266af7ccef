"""Texts with spans that people marked, read from the forms they are published in.

Each source says which of its labels are the entities we look for. What a source labels otherwise
than we do, such as handles and hashtags on Twitter, becomes a span of ``None``: nothing is learnt
or measured there.
"""

import json
import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from generate import Generator, Labelled, joined
from gum import web_sentences

ENTITY_OF = {
    **dict.fromkeys(("PER", "PERSON", "RR", "AN"), "PERSON"),
    **dict.fromkeys(("POLITICIAN", "MUSICALARTIST", "WRITER", "SCIENTIST", "RESEARCHER"), "PERSON"),
    **dict.fromkeys(("LOC", "LOCATION", "ST", "LD", "LDS", "COUNTRY"), "LOCATION"),
    **dict.fromkeys(("ORG", "UN", "INN", "GRT"), "ORGANIZATION"),
    **dict.fromkeys(("ORGANISATION", "POLITICALPARTY", "UNIVERSITY", "BAND"), "ORGANIZATION"),
    **dict.fromkeys(("ADDRESS", "STR"), "STREET_ADDRESS"),
}
_HANDLE = re.compile(r"[@#]\s?\w+")
_GLUED_LEFT = set(".,;:!?)]}%…»”’")
_GLUED_RIGHT = set("([{«“‘$€£#@")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file of a source, how it is read, and how often each of its texts is used in a pass."""

    path: str
    read: Callable[[Path], Iterator[Labelled]]
    uses: float


def marked_lines(path: Path) -> Iterator[Labelled]:
    """JSON lines of ``{"text", "spans": [{"start", "end", "label"}]}``."""
    for line in path.read_text().splitlines():
        record = json.loads(line)
        spans: list[tuple[int, int, str | None]] = [
            (each["start"], each["end"], ENTITY_OF[each["label"]])
            for each in record["spans"]
            if each["label"] in ENTITY_OF
        ]
        yield Labelled(record["text"], tuple(spans), path.stem)


def presumed_lines(path: Path) -> Iterator[Labelled]:
    """``marked_lines`` as ``presume`` wrote them: of words marked IGNORED nothing is learnt."""
    for line in path.read_text().splitlines():
        record = json.loads(line)
        spans = tuple(
            (each["start"], each["end"], ENTITY_OF.get(each["label"])) for each in record["spans"]
        )
        yield Labelled(record["text"], spans, path.stem)


def first_half(path: Path) -> Iterator[Labelled]:
    """``marked_lines`` that are trained on, of a file of which the others are chosen by."""
    return (each for each in marked_lines(path) if zlib.crc32(each.text.encode()) % 2 == 0)


def second_half(path: Path) -> Iterator[Labelled]:
    """``marked_lines`` that are chosen by."""
    return (each for each in marked_lines(path) if zlib.crc32(each.text.encode()) % 2 == 1)


def tweets(path: Path) -> Iterator[Labelled]:
    """Like ``marked_lines``; handles and hashtags teach nothing, as annotators differ on them."""
    for each in marked_lines(path):
        marks = [(match.start(), match.end()) for match in _HANDLE.finditer(each.text)]
        spans = [
            span
            for span in each.spans
            if not any(start <= span[0] < end or start < span[1] <= end for start, end in marks)
        ]
        unsure: list[tuple[int, int, str | None]] = [(start, end, None) for start, end in marks]
        yield Labelled(
            each.text, tuple(sorted([*spans, *unsure], key=lambda span: span[0])), path.stem
        )


def universal(path: Path) -> Iterator[Labelled]:
    """Universal NER's tables: one token a line, its tag in the third column, texts in comments."""
    for block in path.read_text().split("\n\n"):
        text, rows = "", []
        for line in block.splitlines():
            if line.startswith("# text = "):
                text = line.removeprefix("# text = ")
            elif line and not line.startswith("#"):
                rows.append(line.split("\t")[1:3])
        if rows and (aligned := _aligned(text, rows)) is not None:
            yield Labelled(text, aligned, path.stem)


def gum(path: Path) -> Iterator[Labelled]:
    """GUM's tables, one document behind the other: the names in its web texts."""
    for text, spans in web_sentences(path):
        yield Labelled(text, spans, path.stem)


def columns(path: Path) -> Iterator[Labelled]:
    """``token tag`` a line, texts parted by empty lines, or else cut every thirty tokens."""
    rows: list[list[str]] = []
    for line in path.read_text(errors="replace").splitlines():
        fields = line.rsplit(maxsplit=1)
        if len(fields) == 2:
            rows.append(fields)
        ended = not fields or (len(rows) >= 30 and fields[-1] == "O" and fields[0] in {".", ";"})
        if rows and (ended or len(rows) >= 120):
            yield _spaced(rows, path.stem)
            rows = []


def in_documents(texts: Iterable[Labelled], draw: random.Random) -> Iterator[Labelled]:
    """Neighbouring texts joined at random, as sentences come in documents."""
    joint: list[Labelled] = []
    for each in texts:
        joint.append(each)
        if draw.random() < 0.45:
            yield _joined(joint, draw.choice((" ", " ", "\n")))
            joint = []
    if joint:
        yield _joined(joint, " ")


def renamed(labelled: Labelled, generator: Generator, draw: random.Random) -> Labelled:
    """The text with other people and places: what is said of them is kept, not who they are."""
    text, spans, at = "", [], 0
    language = {"pt": "pt", "de": "de", "le": "de", "fr": "fr", "nl": "nl"}.get(
        labelled.source.removeprefix("enp_")[:2].lower(), "en"
    )
    for start, end, entity in labelled.spans:
        old = labelled.text[start:end]
        slot = None
        if entity == "PERSON" and draw.random() < 0.8:
            slot = "person" if " " in old else draw.choice(("first", "first", "last"))
        elif entity == "LOCATION" and draw.random() < 0.4:
            slot = draw.choice(("city", "city", "country", "place"))
        elif entity == "ORGANIZATION" and draw.random() < 0.25:
            slot = "org"
        new = generator.value(slot, language) if slot else old
        if slot and old.isupper() and len(old) > 4:
            new = new.upper()
        elif slot and old.islower():
            new = new.lower()
        text += labelled.text[at:start]
        spans.append((len(text), len(text) + len(new), entity))
        text += new
        at = end
    return Labelled(text + labelled.text[at:], tuple(spans), labelled.source)


def _aligned(text: str, rows: list[list[str]]) -> tuple[tuple[int, int, str | None], ...] | None:
    """The spans of tagged tokens within the text they come from, or ``None`` where they differ."""
    spans: list[tuple[int, int, str | None]] = []
    at = 0
    for token, tag in rows:
        start = text.find(token, at)
        if start < 0 or start - at > 3:
            # Contractions are split into words that the text does not have: "do" is "de o".
            if tag == "O":
                continue
            return None
        at = start + len(token)
        _extend(spans, start, at, tag)
    return joined(text, spans)


def _spaced(rows: list[list[str]], source: str) -> Labelled:
    text, spans = "", []
    opened = True
    for token, tag in rows:
        if text and not opened and token[0] not in _GLUED_LEFT:
            text += " "
        start = len(text)
        text += token
        opened = token[-1] in _GLUED_RIGHT

        _extend(spans, start, len(text) - (token[-1] in ",;" and len(token) > 1), tag)
    return Labelled(text, tuple(spans), source)


def _extend(spans: list[tuple[int, int, str | None]], start: int, end: int, tag: str) -> None:
    mark, _, label = tag.partition("-")
    entity = ENTITY_OF.get(label.upper())
    if entity is None:
        return
    if mark == "I" and spans and spans[-1][2] == entity and start - spans[-1][1] <= 3:
        spans[-1] = (spans[-1][0], end, entity)
    else:
        spans.append((start, end, entity))


def _joined(texts: list[Labelled], separator: str) -> Labelled:
    text, spans = "", []
    for each in texts:
        if text:
            text += separator
        spans += [(start + len(text), end + len(text), entity) for start, end, entity in each.spans]
        text += each.text
    return Labelled(text, tuple(spans), texts[0].source)


TRAINING = (
    Corpus("train/btc_a.jsonl", tweets, 2),
    Corpus("train/btc_b.jsonl", tweets, 2),
    Corpus("train/btc_e.jsonl", tweets, 2),
    Corpus("train/btc_f.jsonl", tweets, 2),
    Corpus("train/btc_g.jsonl", tweets, 2),
    Corpus("train/wnut17_train.jsonl", tweets, 3),
    Corpus("train/wikigold.jsonl", marked_lines, 3),
    Corpus("dev/uner_ewt_dev.jsonl", first_half, 8),
    Corpus("more/ewt_train.jsonl", presumed_lines, 2),
    Corpus("more/crossner_ai.conll", columns, 2),
    Corpus("more/crossner_literature.conll", columns, 2),
    Corpus("more/crossner_music.conll", columns, 2),
    Corpus("more/crossner_politics.conll", columns, 2),
    Corpus("more/crossner_science.conll", columns, 2),
    Corpus("more/en_pud.iob2", universal, 5),
    Corpus("more/de_pud.iob2", universal, 2),
    Corpus("more/pt_bosque_train.iob2", universal, 0.5),
    Corpus("more/ler_dev.conll", columns, 0.3),
    Corpus("more/enp_DE.sbb.bio", columns, 0.5),
    Corpus("more/enp_DE.onb.bio", columns, 0.3),
    Corpus("more/enp_FR.bnf.bio", columns, 0.2),
    Corpus("more/enp_NL.kb.bio", columns, 0.2),
)
# Chosen by, never trained on.
CHOOSING = (
    Corpus("dev/uner_ewt_dev.jsonl", second_half, 1),
    Corpus("dev/wnut17_dev.jsonl", tweets, 1),
    Corpus("dev/presidio_generated_large.jsonl", marked_lines, 1),
    Corpus("dev/ambientmeta_ambiguous.jsonl", marked_lines, 1),
    Corpus("dev/ambientmeta_adversarial.jsonl", marked_lines, 1),
)
# Whole sources held out: read once, for the figures of the model card.
HELD_OUT = (
    Corpus("train/btc_h.jsonl", tweets, 1),
    Corpus("more/ewt_test.iob2", universal, 1),
    Corpus("more/gum_web.conllu", gum, 1),
    Corpus("more/pt_bosque_test.iob2", universal, 1),
    Corpus("more/ler_test.conll", columns, 1),
    Corpus("more/enp_DE.lft.bio", columns, 1),
)
