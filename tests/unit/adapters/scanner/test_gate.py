"""Gates let in whatever their rules could find."""

import random
import re

import pytest

from datavault.adapters.scanner.gate import Gate
from datavault.domain.privacy.recognizers.password import _RANDOM_GATE, _SECRET_NEAR
from datavault.domain.privacy.recognizers.registry import RULES
from datavault.domain.privacy.recognizers.rules import Candidate, Clue, Rule
from tests.support.samples import sample

SAMPLES = 25


def _rule(rule: Rule) -> str:
    return rule.name


@pytest.mark.parametrize("rule", RULES, ids=_rule)
def test_nothing_is_found_where_a_gate_stays_shut(rule: Rule) -> None:
    """A gate opens for all that looks like a value, or for a label without which nothing is one."""
    gate = Gate([rule])
    chance = random.Random(rule.name)
    pattern = re.compile(rule.pattern, re.ASCII)
    drawn = list(
        filter(pattern.search, (f" {sample(rule.pattern, chance)} " for _ in range(SAMPLES)))
    )
    assert drawn
    opened = [bool(gate.open_for([text.encode()])) for text in drawn]
    shut = [text for text, is_open in zip(drawn, opened, strict=True) if not is_open]
    assert not shut or not any(opened), shut
    for text in shut:
        for match in pattern.finditer(text):
            assert rule.judge(Candidate(text, *match.span(pattern.groups))) is None


@pytest.mark.parametrize("rule", RULES, ids=_rule)
def test_no_pattern_goes_over_a_line_break(rule: Rule) -> None:
    """Texts are joined by line breaks, and no value may lie in two of them."""
    chance = random.Random(rule.name)
    for _ in range(SAMPLES):
        for match in re.finditer(rule.pattern, sample(rule.pattern, chance)):
            value = match[0]
            at = chance.randrange(len(value) + 1)
            broken = f"{value[:at]}\n{value[at:]}"
            assert all("\n" not in found[0] for found in re.finditer(rule.pattern, broken))


@pytest.mark.parametrize("clue", [each for each in Clue if each is not Clue.NONE])
def test_a_clue_is_seldom_in_plain_words(clue: Clue) -> None:
    assert not re.search(
        clue.value, "On 12 May 2021 three of 14 people came to see what stood there"
    )


@pytest.mark.parametrize("label", sorted({*_SECRET_NEAR.words, *_SECRET_NEAR.phrases}))
def test_each_label_of_a_random_secret_opens_its_gate(label: str) -> None:
    for written in (label, label.upper(), label.title()):
        assert re.search(_RANDOM_GATE, f'"{written}":"'), written
