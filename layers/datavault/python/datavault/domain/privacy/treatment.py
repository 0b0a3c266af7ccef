"""What becomes of the hits in one text: each by the policy, under keys."""

from collections.abc import Iterable
from dataclasses import dataclass

from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.hits import Hit, without_overlaps
from datavault.domain.privacy.json_leaves import Edit
from datavault.domain.privacy.keys import PrivacyKeys, Setting, key_purpose
from datavault.domain.privacy.lists import Lists
from datavault.domain.privacy.pointers import Tokens
from datavault.domain.privacy.policy import FieldRule, Policy
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.stand_ins import StandIn, Substitution, known_name

_DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class Treated:
    """A hit, what stands in its place, and whether it was certain enough for the policy."""

    hit: Hit
    stand_in: StandIn
    is_sure: bool

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

    def hits(self, text: str, spans: Iterable[Span]) -> list[Hit]:
        """What counts as found in ``text``, without overlaps: by the detector and the lists."""
        found = self._lists.denied_in(text)
        for span in spans:
            entity = known_name(span.entity)
            if span.score < self.policy.threshold_of(entity).found_from:
                continue
            start, end = max(span.start, 0), min(span.end, len(text))
            if not self._lists.allows(entity, text[start:end]):
                found.append(Hit(start, end, entity, span.score, span.reason))
        return without_overlaps(found)

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
        return (Treated(hit, stand_in, is_sure=True),)

    def _by_rules(self, text: str, hit: Hit, tokens: Tokens, conversation: Conversation) -> Treated:
        strategy = self.policy.strategy_for(hit.entity, tokens)
        value = text[hit.start : hit.end]
        stand_in = self._substitution.of(strategy, hit.entity, value, conversation)
        is_sure = hit.score >= self.policy.threshold_of(hit.entity).sure_from
        return Treated(hit, stand_in, is_sure)
