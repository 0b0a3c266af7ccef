"""What becomes of the hits in one text: each by the policy, under keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.hits import Hit, outside, without_overlaps
from datavault.domain.privacy.json_leaves import Edit
from datavault.domain.privacy.keys import PrivacyKeys, Setting, key_purpose
from datavault.domain.privacy.lists import Lists
from datavault.domain.privacy.overlaps import covering
from datavault.domain.privacy.pointers import Tokens
from datavault.domain.privacy.policy import FieldRule, Policy
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.stand_ins import StandIn, Substitution, known_name
from datavault.domain.privacy.strategy import Keep, KeptAs

_DECLARED = "declared"
_IN_TEXT = attrgetter("start")
# Which of what is found about the same characters counts first, by what becomes of it.
_LAYERS = _TREATED, _PERSONAL, _HARMLESS = range(3)


@dataclass(frozen=True, slots=True)
class Treated:
    """A hit, what stands in its place, and whether it was certain enough for the policy.

    ``field`` is the pointer of the field of the policy that says that it is personal, if one does.
    """

    hit: Hit
    stand_in: StandIn
    is_sure: bool
    field: str | None = None

    @property
    def edit(self) -> Edit:
        """The change of the text."""
        return Edit(self.hit.start, self.hit.end, self.stand_in.text)


class Treatment:
    """A policy with the keys that it needs, in its setting.

    Raises:
        Invalid: a strategy of the policy needs a key that is not there.
    """

    __slots__ = ("_lists", "_substitution", "policy")

    def __init__(self, policy: Policy, keys: PrivacyKeys, setting: Setting) -> None:
        for strategy in policy.strategies():
            purpose = key_purpose(strategy)
            if purpose is not None:
                keys.need(purpose)
        self.policy = policy
        self._lists = Lists(policy, setting.on)
        self._substitution = Substitution(keys, setting)

    def hits(self, text: str, spans: Iterable[Span], tokens: Tokens) -> list[Hit]:
        """What counts as found in ``text``, which stands at ``tokens``, without overlaps.

        What the policy keeps stands in nobody's way: of the same characters, what is treated
        counts before what is kept, and that as personal before that as harmless. What is allowed
        counts for nothing. So a URL that may stay hides no card number in it.
        """
        layers: list[list[Hit]] = [[] for _ in _LAYERS]
        denied: list[list[Hit]] = [[] for _ in _LAYERS]
        for hit in self._lists.denied_in(text):
            denied[self._layer(hit, tokens)].append(hit)
        for span in spans:
            entity = known_name(span.entity)
            if span.score < self.policy.threshold_of(entity).found_from:
                continue
            start, end = max(span.start, 0), min(span.end, len(text))
            if not self._lists.allows(entity, text[start:end]):
                hit = Hit(start, end, entity, span.score, span.reason)
                layers[self._layer(hit, tokens)].append(hit)
        counted: list[Hit] = []
        for found, phrases in zip(layers, denied, strict=True):
            if found or phrases:
                own = without_overlaps((*covering(found), *phrases))
                counted = sorted((*counted, *outside(own, counted)), key=_IN_TEXT)
        return counted

    def treat(
        self, text: str, hits: Iterable[Hit], tokens: Tokens, conversation: Conversation
    ) -> tuple[Treated, ...]:
        """What becomes of the hits in ``text``, which stands at ``tokens``."""
        return tuple(self._by_rules(text, hit, tokens, conversation) for hit in hits)

    def treat_field(
        self, text: str, rule: FieldRule, conversation: Conversation
    ) -> tuple[Treated, ...]:
        """The whole of a text, which a field of the policy declares to be personal."""
        hit = Hit(0, len(text), rule.entity, 1.0, _DECLARED)
        stand_in = self._substitution.of(rule.strategy, rule.entity, text, conversation)
        return (Treated(hit, stand_in, is_sure=True, field=rule.pointer.text),)

    def _layer(self, hit: Hit, tokens: Tokens) -> int:
        match self.policy.strategy_for(hit.entity, tokens):
            case Keep(kept_as=KeptAs.HARMLESS):
                return _HARMLESS
            case Keep():
                return _PERSONAL
            case _:
                return _TREATED

    def _by_rules(self, text: str, hit: Hit, tokens: Tokens, conversation: Conversation) -> Treated:
        strategy = self.policy.strategy_for(hit.entity, tokens)
        value = text[hit.start : hit.end]
        stand_in = self._substitution.of(strategy, hit.entity, value, conversation)
        is_sure = hit.score >= self.policy.threshold_of(hit.entity).sure_from
        return Treated(hit, stand_in, is_sure)
