"""The engine: texts and JSON records in, the same without personal data out.

It detects once for a whole batch, treats what was found by the policy, and looks again at what it
changed: a name is often seen only when what stood around it is gone. That is treated as well, and
looked at again, ``ROUNDS_MAX`` times at most; what is still found then holds the record back. The
output depends on the input, the policy, the keys and the setting, and on nothing
else. One rule holds throughout: nothing that was found comes out in clear unless the policy says
``keep`` there. A policy whose keys are missing is refused when the engine is made; a value with
which a strategy cannot do what it promises is redacted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Protocol, runtime_checkable

from datavault.domain.errors import Invalid, TooLarge
from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.hits import Hit
from datavault.domain.privacy.json_leaves import RECORDS, Leaf, LeafKind, Notation, tokens_of
from datavault.domain.privacy.keys import PrivacyKeys, Setting
from datavault.domain.privacy.members import Named, detect_named, named, of_members
from datavault.domain.privacy.passages import Passage, TreatedRecord, findings, worst
from datavault.domain.privacy.policy import REDACT, FieldRule, Policy, Residual
from datavault.domain.privacy.results import (
    Anonymized,
    Finding,
    Part,
    QuarantineReason,
    Remainder,
)
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.strategy import Keep
from datavault.domain.privacy.treatment import Treated, Treatment

TEXT_CHARS_MAX = 4 * 2**20
# Of 318 web texts, under three presets, a second look found something in 22 to 28; treated once, in
# one, and twice, in none.
ROUNDS_MAX = 2

type _Found = dict[Named, tuple[Span, ...]]


class Detects(Protocol):
    """What finds personal data."""

    def detect(self, texts: Sequence[str], /) -> list[tuple[Span, ...]]:
        """For each of the texts its spans, in code points; it raises rather than find less."""
        ...


@runtime_checkable
class DetectsOverlapping(Protocol):
    """What can also tell of findings that share characters."""

    def detect_overlapping(self, texts: Sequence[str], /) -> list[tuple[Span, ...]]:
        """As ``detect``, with all that is found, in any order, also where something else is."""
        ...


class Anonymizer:
    """A detector and a policy, with the keys that the policy needs, in a setting.

    A detector that can is asked for all that it finds, also about the same characters: the policy
    decides what of it counts, and what it keeps hides nothing that it treats.
    It keeps nothing of what it is given. A batch is worked on whole: its size bounds the memory,
    some 20 times the text and 300 bytes a leaf of a record.

    Raises:
        Invalid: the policy needs a key that is not there.
    """

    __slots__ = ("_found_in", "_policy", "_treatment")

    def __init__(
        self, detector: Detects, policy: Policy, keys: PrivacyKeys, setting: Setting
    ) -> None:
        self._found_in = (
            detector.detect_overlapping
            if isinstance(detector, DetectsOverlapping)
            else detector.detect
        )
        self._policy = policy
        self._treatment = Treatment(policy, keys, setting)

    def texts(
        self, texts: Sequence[str], *, conversation: Conversation | None = None
    ) -> list[Anonymized[str]]:
        """Each of the texts made harmless; each a conversation of its own if none is given.

        Raises:
            TooLarge: a text has more than ``TEXT_CHARS_MAX`` code points.
            Invalid: the policy refuses outputs in which something is found, as here.
        """
        for row, text in enumerate(texts):
            if len(text) > TEXT_CHARS_MAX:
                raise TooLarge(
                    f"a text has at most {TEXT_CHARS_MAX} characters, this has {len(text)}",
                    field=f"texts/{row}",
                )
        found = self._detect(("", text) for text in texts)
        talks = [conversation or Conversation() for _ in texts]
        passages, left, _ = self._all_treated(
            [
                self._passage(text, found["", text], talk)
                for text, talk in zip(texts, talks, strict=True)
            ],
            talks,
        )
        return [
            self._result(
                passage.output,
                [passage],
                findings(passage, ""),
                _remainders(left[row], passage, ""),
                field=f"texts/{row}",
            )
            for row, passage in enumerate(passages)
        ]

    def records(
        self,
        bodies: Sequence[bytes],
        *,
        notation: Notation = RECORDS,
        conversation: Conversation | None = None,
    ) -> list[Anonymized[bytes]]:
        """Each of the records made harmless; each a conversation of its own if none is given.

        Keys, strings and numbers are treated; all that is not changed stays byte for byte. A key
        that is personal gets another name, ``..._2`` if there is one of that name. A number that
        is no number any more becomes a string. They are JSON unless another ``notation`` is given.

        Raises:
            Malformed, TooLarge, Invalid: as ``notation.leaves``; ``field`` names the record.
            Invalid: the policy refuses outputs in which something is found, as here.
        """
        leaves = [notation.leaves(body, f"records/{row}") for row, body in enumerate(bodies)]
        found = self._detect(named(leaf) for own in leaves for leaf in own if _is_read(leaf))
        talks = [conversation or Conversation() for _ in bodies]
        first = [self._passages(own, found, talk) for own, talk in zip(leaves, talks, strict=True)]
        passages, left, again = self._all_treated(
            [*chain.from_iterable(first)],
            [talk for own, talk in zip(first, talks, strict=True) for _ in own],
        )
        rest, rest_left = iter(passages), iter(left)
        records = [
            TreatedRecord(body, notation, own, [*islice(rest, len(treated))])
            for body, own, treated in zip(bodies, leaves, first, strict=True)
        ]
        # Only a name that was told from another is not what was looked at.
        renamed = (each for record in records for each in record.passages if each.suffix)
        self._look_again(renamed, again)
        results: list[Anonymized[bytes]] = []
        for row, record in enumerate(records):
            done: list[Finding] = []
            remainders: list[Remainder] = []
            own = islice(rest_left, len(record.passages))
            for passage, hits in zip(record.passages, own, strict=True):
                if passage.suffix:
                    hits = passage.left_over(self._hits_in_output(passage, again))
                pointer = record.pointer(passage)
                done += findings(passage, pointer)
                remainders += _remainders(hits, passage, pointer)
            output = record.output()
            results.append(
                self._result(output, record.passages, done, remainders, field=f"records/{row}")
            )
        return results

    def _detect(self, texts: Iterable[Named]) -> _Found:
        """The spans of each text; of texts that occur often under one name, once."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return {}
        return dict(zip(distinct, detect_named(self._found_in, distinct), strict=True))

    def _passage(self, text: str, spans: Iterable[Span], conversation: Conversation) -> Passage:
        hits = self._treatment.hits(text, spans, ())
        return Passage.of(text, self._treatment.treat(text, hits, (), conversation))

    def _passages(
        self, leaves: Iterable[Leaf], found: _Found, conversation: Conversation
    ) -> list[Passage]:
        """The leaves in which something was found, or is by the word of the policy."""
        passages: list[Passage] = []
        for leaf in leaves:
            treated = self._treated(leaf, found, conversation)
            if treated:
                passages.append(Passage.of(leaf.text, treated, leaf=leaf))
        return passages

    def _treated(
        self, leaf: Leaf, found: _Found, conversation: Conversation
    ) -> tuple[Treated, ...]:
        if self._policy.fields and leaf.text:
            tokens = tokens_of(leaf.place)
            # A key lies in its object, and is not below the value that it names.
            rule = self._policy.field_at(tokens[:-1] if leaf.kind is LeafKind.KEY else tokens)
            if rule is not None and leaf.kind is LeafKind.TRUTH:
                rule = _for_truths(rule)
            if rule is not None:
                return self._treatment.treat_field(leaf.text, rule, conversation)
        if not _is_read(leaf):
            return ()
        spans = found[named(leaf)]
        if leaf.kind is LeafKind.KEY:
            spans = of_members(spans)
        if not (spans or self._policy.denied):
            return ()
        tokens = tokens_of(leaf.place)
        hits = self._treatment.hits(leaf.text, spans, tokens)
        return self._treatment.treat(leaf.text, hits, tokens, conversation)

    def _all_treated(
        self, passages: list[Passage], talks: Sequence[Conversation]
    ) -> tuple[list[Passage], list[list[Hit]], _Found]:
        """The passages, each of one of ``talks``, with what is found in their outputs treated too;
        what is left over in each, and what was found in all outputs."""
        again: _Found = {}
        left: list[list[Hit]] = [[] for _ in passages]
        rows: Sequence[int] = range(len(passages))
        for round_number in range(ROUNDS_MAX + 1):
            self._look_again([passages[row] for row in rows], again)
            changed: list[int] = []
            for row in rows:
                passage = passages[row]
                hits = self._hits_in_output(passage, again)
                if round_number == ROUNDS_MAX:
                    left[row] = passage.left_over(hits)
                elif rests := passage.rests(hits):
                    treated = self._treatment.treat(passage.text, rests, passage.tokens, talks[row])
                    passages[row] = passage.also(treated)
                    changed.append(row)
            rows = changed
        return passages, left, again

    def _look_again(self, passages: Iterable[Passage], again: _Found) -> None:
        """Add to ``again`` what is found in the outputs that are not as they were."""
        if self._policy.residual is Residual.SKIP:
            return
        outputs = (_output(passage) for passage in passages if passage.edits)
        again |= self._detect(each for each in outputs if each not in again)

    def _hits_in_output(self, passage: Passage, again: _Found) -> list[Hit]:
        """What is found in an output and to be treated where it is."""
        if self._policy.residual is Residual.SKIP:
            return []
        spans = again.get(_output(passage), ())
        if not (spans or self._policy.denied):
            return []
        if passage.part is Part.KEY:
            spans = of_members(spans)
        tokens = passage.tokens
        return [
            hit
            for hit in self._treatment.hits(passage.output, spans, tokens)
            # What the policy keeps in clear may be seen the second time only, and stays as well.
            if not isinstance(self._policy.strategy_for(hit.entity, tokens), Keep)
        ]

    def _result[T: (str, bytes)](
        self,
        output: T,
        passages: Sequence[Passage],
        done: Sequence[Finding],
        left: Sequence[Remainder],
        *,
        field: str,
    ) -> Anonymized[T]:
        if left and self._policy.residual is Residual.REFUSE:
            raise Invalid(f"{len(left)} values are still found in the output", field=field)
        is_sure = all(each.is_sure for passage in passages for each in passage.treated)
        reasons = [] if is_sure else [QuarantineReason.LOW_CONFIDENCE]
        if left:
            reasons.append(QuarantineReason.RESIDUAL)
        return Anonymized(
            output=output,
            findings=tuple(done),
            remainders=tuple(left),
            treated=worst(passages),
            quarantine=tuple(reasons),
            policy_hash=self._policy.hash,
            fields=frozenset(
                each.field
                for passage in passages
                for each in passage.treated
                if each.field is not None
            ),
        )


def _remainders(hits: Iterable[Hit], passage: Passage, pointer: str) -> list[Remainder]:
    return [
        Remainder(hit.entity, pointer, passage.part, hit.start, hit.end, hit.score) for hit in hits
    ]


def _output(passage: Passage) -> Named:
    """What came of a passage, under its name."""
    before = named(passage.leaf)[0] if passage.leaf is not None else ""
    return before, passage.output


def _is_read(leaf: Leaf) -> bool:
    """Whether a leaf says anything that could be personal by itself."""
    return leaf.kind is not LeafKind.TRUTH and bool(leaf.text)


def _for_truths(rule: FieldRule) -> FieldRule:
    """Of two values any stand-in but their kind tells which, if by its length alone."""
    return rule if isinstance(rule.strategy, Keep) else replace(rule, strategy=REDACT)
