"""Names in the Georgetown University Multilayer corpus, whose mentions are of all kinds.

GUM marks every mention of anything, named or not ("the mayor", "she"), one within the other. Asked
for are names alone, and they have to be cut out of the mentions. The rule was written down before
anything was measured by it:

- Read are the genres that were written for the web (``WEB_GENRES``: Wikipedia, Wikinews twice,
  Wikivoyage, wikiHow). Left out are transcripts of speech (conversation, court, podcast, speech,
  vlog), books and papers (academic, essay, fiction, letter, textbook), and reddit, whose words the
  corpus does not hold.
- A mention of a person, place or organization is named if its head, the word that depends on none
  within the mention, is a proper noun (NNP, NNPS) with a capital. Of mentions that share a head
  ("Google and Microsoft") the shortest counts.
- The name is the head and the words beside it within the mention that are proper nouns or, other
  than at the beginning of the sentence, have a capital; for places and organizations also numbers.
  Hyphens and particles ("de", "van") may stand between them; for places and organizations "of",
  "the", "and", "for" and "'s" too, unless the "'s" is another mention's. Articles are left out. A
  person's name ends at what describes its head (nmod:desc) and has no words of ``ROLES`` in
  front. "U.S. President Donald Trump" gives "Donald Trump"; "the University of Oslo in Norway",
  "University of Oslo" and, as it is a mention, "Norway".
- Of names that overlap the longest counts, as the other sources are flat.
- Neither asked for nor held against a finding (``None``): persons by an article ("the Pope", "an
  American"), in the plural, or with a head of ``ROLES``; organizations that are called what a place
  somewhere in the source is called ("Sweden won"), as other sources say that they are places; heads
  without a capital; names of animals; a common noun and the proper nouns before it that belong to
  it (compound) in a mention of the three types ("the Obama administration"), unless there is a name
  in it. What is not asked for gives way to a name that it overlaps or stands right beside, lest a
  finding across both be lost.
- All other names, such as products, events, works and months, are no names: a finding is wrong.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

WEB_GENRES = frozenset(("bio", "interview", "news", "voyage", "whow"))
ENTITY_OF = {"person": "PERSON", "place": "LOCATION", "organization": "ORGANIZATION"}
# Offices, ranks, addresses and kin, which are written like names and name nobody by themselves.
ROLES = frozenset(
    (
        "administrator,ambassador,archbishop,aunt,baron,bishop,brother,captain,cardinal,chairman,"
        "chairwoman,chancellor,chief,colonel,commander,commissioner,congressman,congresswoman,"
        "count,countess,dad,daddy,dame,dean,director,doctor,dr,duchess,duke,earl,editor,emperor,"
        "empress,father,fellow,general,god,governor,grandfather,grandma,grandmother,grandpa,imam,"
        "judge,justice,king,lady,lieutenant,lord,madam,madame,major,mayor,minister,miss,mister,"
        "mom,mother,mp,mr,mrs,ms,mum,officer,pope,premier,president,prince,princess,prof,"
        "professor,protector,queen,rector,rep,representative,rev,reverend,saint,secretary,sen,"
        "senator,sergeant,shah,sheriff,sir,sister,student,tsar,uncle,undersecretary"
    ).split(",")
)
_PROPER = frozenset(("NNP", "NNPS"))
_NO_NAME = frozenset(("DT", "PDT", "PRP", "PRP$", "WP", "WDT", "IN", "TO", "CC", "POS", "EX"))
_PARTICLES = frozenset(("-", "–", "al", "bin", "da", "de", "del", "der", "di", "du", "el", "la"))
_PARTICLES |= frozenset(("le", "van", "von", "y"))
_CONNECTORS = _PARTICLES | frozenset(("of", "the", "and", "&", "for", "'s", "’s", "'", "’"))
_CONNECTORS_MAX = 2
_BRACKET = re.compile(r"\([^()]+\)?|[^()]+\)")

type Span = tuple[int, int, str | None]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence; ``start`` and ``end`` are its place in the text, in code points."""

    id: str
    form: str
    tag: str
    head: str
    relation: str
    entities: str
    start: int
    end: int

    @property
    def capital(self) -> bool:
        return any(letter.isupper() for letter in self.form)

    @property
    def role(self) -> bool:
        return self.form.lower().rstrip(".") in ROLES


@dataclass(frozen=True, slots=True)
class Mention:
    """The words from ``first`` to ``last``, of which ``head`` is the head."""

    kind: str
    first: int
    last: int
    head: int


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    words: Sequence[Word]
    mentions: Sequence[Mention]


def web_sentences(path: Path) -> Iterator[tuple[str, tuple[Span, ...]]]:
    """Each sentence of the web's genres with its spans, from documents one behind the other.

    Raises:
        ValueError: a word is not in its sentence's text or depends on none there, or a mention
            does not begin and end in its sentence or has no head; the message names the sentence.
    """
    sentences = list(_sentences(path))
    places = {
        sentence.text[start:end]
        for sentence in sentences
        for start, end, entity in names(sentence)
        if entity == "LOCATION"
    }
    for sentence in sentences:
        yield sentence.text, spans(sentence, places)


def names(sentence: Sentence) -> Iterator[Span]:
    """Names, and what is neither asked for nor held against a finding; they may overlap."""
    shortest: dict[int, Mention] = {}
    for each in sorted(sentence.mentions, key=lambda each: each.first - each.last):
        shortest[each.head] = each
    for mention in shortest.values():
        head = sentence.words[mention.head]
        entity = ENTITY_OF.get(mention.kind)
        if entity is None and mention.kind != "animal":
            continue
        if head.tag in _PROPER:
            first, last = _name(sentence, mention)
            certain = head.capital and not (entity == "PERSON" and _nobody(sentence, mention))
            yield _span(sentence, first, last, entity if certain else None)
        elif entity and (parts := _compound(sentence, mention)):
            yield _span(sentence, min(parts), mention.head, None)


def spans(sentence: Sentence, places: set[str]) -> tuple[Span, ...]:
    """``names`` without overlaps, in order; ``places`` are the names of the source's places."""
    sure: list[Span] = []
    unsure: list[Span] = []
    for start, end, entity in names(sentence):
        if entity == "ORGANIZATION" and sentence.text[start:end] in places:
            entity = None
        (unsure if entity is None else sure).append((start, end, entity))
    taken: list[Span] = []
    for each in sorted(sure, key=lambda span: span[0] - span[1]):
        if not any(each[0] < end and start < each[1] for start, end, _ in taken):
            taken.append(each)
    for each in sorted(unsure, key=lambda span: span[0] - span[1]):
        if not any(each[0] <= end + 1 and start - 1 <= each[1] for start, end, _ in taken):
            taken.append(each)
    return tuple(sorted(taken, key=lambda span: span[0]))


def _name(sentence: Sentence, mention: Mention) -> tuple[int, int]:
    """The first and the last word of the name that the mention's head is part of."""
    words, person = sentence.words, mention.kind not in {"place", "organization"}
    ends = {each.last for each in sentence.mentions if each.last < mention.head}
    connectors = _PARTICLES if person else _CONNECTORS

    def part(at: int) -> bool:
        word = words[at]
        if person and _describes(words, at, mention.head):
            return False
        capital = at > 0 and word.form[0].isupper() and word.tag not in _NO_NAME
        return word.tag in _PROPER or capital or (not person and word.tag == "CD")

    def between(at: int) -> bool:
        return words[at].form.lower() in connectors and not (words[at].tag == "POS" and at in ends)

    def reach(way: Sequence[int]) -> int:
        reached, bridged = mention.head, 0
        for at in way:
            if part(at):
                reached, bridged = at, 0
            elif between(at) and bridged < _CONNECTORS_MAX:
                bridged += 1
            else:
                break
        return reached

    first = reach(range(mention.head - 1, mention.first - 1, -1))
    last = reach(range(mention.head + 1, mention.last + 1))
    if person:
        first += len(list(takewhile(lambda at: words[at].role, range(first, mention.head))))
    return first, last


def _describes(words: Sequence[Word], at: int, head: int) -> bool:
    """Whether a word belongs to an office or trade in front of a person's name."""
    for _ in words:
        if at == head or words[at].head == "0":
            break
        if words[at].relation == "nmod:desc":
            return True
        at = int(words[at].head) - 1
    return False


def _nobody(sentence: Sentence, mention: Mention) -> bool:
    """Whether the head is an office, a people or a family rather than a person's name."""
    head = sentence.words[mention.head]
    within = sentence.words[mention.first : mention.last + 1]
    article = any(word.relation == "det" and word.head == head.id for word in within)
    return article or head.tag == "NNPS" or head.role


def _compound(sentence: Sentence, mention: Mention) -> list[int]:
    head = sentence.words[mention.head]
    return [
        at
        for at in range(mention.first, mention.head)
        if (word := sentence.words[at]).tag in _PROPER
        and word.relation == "compound"
        and word.head == head.id
    ]


def _span(sentence: Sentence, first: int, last: int, entity: str | None) -> Span:
    return sentence.words[first].start, sentence.words[last].end, entity


def _sentences(path: Path) -> Iterator[Sentence]:
    genre = ""
    for block in path.read_text().split("\n\n"):
        said, rows = {}, []
        for line in block.splitlines():
            if line.startswith("# "):
                key, _, value = line[2:].partition(" = ")
                said[key] = value
            elif line and line.partition("\t")[0].isdigit():
                # "3-4" is two words written as one, "8.1" a word that is only meant.
                rows.append(line.split("\t"))
        genre = said.get("meta::genre", genre)
        if rows and genre in WEB_GENRES:
            words = _words(said["text"], rows, said["sent_id"])
            yield Sentence(said["text"], words, _mentions(words, said["sent_id"]))


def _words(text: str, rows: Sequence[Sequence[str]], sentence_id: str) -> list[Word]:
    words, at = [], 0
    for number, form, _, _, tag, _, head, relation, _, more in rows:
        start = text.find(form, at)
        if not 0 <= start - at <= 1:
            raise ValueError(f"{sentence_id}: word {number} is not where the text has it")
        if not (head.isdigit() and int(head) <= len(rows)):
            raise ValueError(f"{sentence_id}: word {number} depends on no word of the sentence")
        at = start + len(form)
        marks = [each for each in more.split("|") if each.startswith("Entity=")]
        entities = marks[0].removeprefix("Entity=") if marks else ""
        words.append(Word(number, form, tag, head, relation, entities, start, at))
    return words


def _mentions(words: Sequence[Word], sentence_id: str) -> list[Mention]:
    opened: list[tuple[str, str, int]] = []
    mentions = []
    for at, word in enumerate(words):
        for bracket in _BRACKET.findall(word.entities):
            if bracket[0] == "(":
                number, kind, *_ = bracket[1:].rstrip(")").split("-")
                opened.append((number, kind, at))
            if bracket[-1] == ")":
                number = bracket.strip("()").partition("-")[0]
                matching = [each for each in opened if each[0] == number]
                if not matching:
                    raise ValueError(f"{sentence_id}: a mention ends that did not begin")
                opened.remove(matching[-1])
                _, kind, first = matching[-1]
                head = _head(words, first, at)
                if head is None:
                    raise ValueError(f"{sentence_id}: a mention has no head")
                mentions.append(Mention(kind, first, at, head))
    if opened:
        raise ValueError(f"{sentence_id}: a mention does not end")
    return mentions


def _head(words: Sequence[Word], first: int, last: int) -> int | None:
    within = {word.id for word in words[first : last + 1]}
    outside = (at for at in range(first, last + 1) if words[at].head not in within)
    return next(outside, None)
