"""What the scanner promises whatever it reads: linear work, true offsets, the same answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.adapters.scanner.blocks import STRETCH_CHARS, blocks_of
from datavault.adapters.scanner.scanning import RuleDetector, Selection
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.registry import RULES
from datavault.domain.privacy.recognizers.rules import Candidate, Finding, Rule
from datavault.privacy import Scanner

SCANNER = Scanner()
VALUE = "jo@example.org"
HOSTILE = (
    "a", "0", "1 ", "4111 ", "@", "a@", "a.b@c.", "://", "x://", ":", "1.1.", "eyJ", "+", "(",
    "-----BEGIN ", "password=", "A1", "passport ", "\u200b1", "é", "١", "((((", "ssn 1", "dob ",
)  # fmt: skip


class Counted:
    """A rule whose judge is counted."""

    def __init__(self, rule: Rule) -> None:
        self.calls = 0
        self._rule = rule
        self.rule = replace(rule, judge=self._judge)

    def _judge(self, candidate: Candidate) -> Finding | None:
        self.calls += 1
        return self._rule.judge(candidate)


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_text_takes_linear_work(unit: str) -> None:
    """Sixteen times the text is at most about sixteen times the candidates."""
    calls: list[int] = []
    for size in (1 << 12, 1 << 16):
        counted = [Counted(rule) for rule in RULES]
        selection = Selection(dict.fromkeys(Entity, 0.0), frozenset())
        detector = RuleDetector(tuple(each.rule for each in counted), selection)
        detector.detect([(unit * (size // len(unit) + 1))[:size]])
        calls.append(sum(each.calls for each in counted))
    assert calls[1] <= 17 * calls[0] + 100
    assert calls[1] <= 4 * (1 << 16)


def test_what_stands_behind_a_hostile_megabyte_is_found() -> None:
    selection = Selection(dict.fromkeys(Entity, 0.5), frozenset())
    (found,) = RuleDetector(RULES, selection).detect(["a" * (1 << 20) + " jo@example.org"])
    assert (found[-1].start, found[-1].entity) == ((1 << 20) + 1, Entity.EMAIL_ADDRESS)


@pytest.mark.parametrize("filler", ["x,", "x\n", "x\t", "ab "])
@pytest.mark.parametrize(
    ("label", "value"),
    [
        ('"api_key":"', "7q7Zk2LmP9xWvT4sR8yBn1cD"),
        ('"auth":{"kind":"basic","user":"svc_build_01","v":"', "7q7Zk2LmP9xWvT4sR8yBn1cD"),
        ('"password":"', "hunter2x!"),
        ('"passport":"', "C01X00T47"),
        ('"ssn":"', "219099999"),
    ],
)
def test_a_label_counts_wherever_a_long_text_is_cut(label: str, value: str, filler: str) -> None:
    # The label, then the value, go over where the first stretch ends, and over what it overlaps.
    texts = []
    for at in range(STRETCH_CHARS - 70, STRETCH_CHARS + 20):
        before = (filler * at)[: at - len(label) - 1]
        texts.append(f'{before},{label}{value}",{filler * 1000}')
    for text, spans in zip(texts, SCANNER.detect(texts), strict=True):
        at = text.index(label) + len(label)
        assert any(each.start <= at and each.end >= at + len(value) for each in spans), at


def test_blocks_are_bounded_whatever_the_text() -> None:
    for text in ("x" * 100_000, "é " * 100_000, "\n" * 100_000):
        assert max(len(block.text) for block in blocks_of([text, "a", text])) <= 5120


@given(before=st.text(max_size=60), behind=st.text(max_size=60), filler=st.integers(0, 2500))
def test_offsets_are_true_wherever_a_value_stands(before: str, behind: str, filler: int) -> None:
    text = f"{before}{'wörd ' * (filler // 5)} \n{VALUE}\n {behind}"
    start = text.rindex(f"\n{VALUE}\n") + 1
    spans = SCANNER.find(text)
    assert any(
        (span.start, span.end, span.entity) == (start, start + len(VALUE), Entity.EMAIL_ADDRESS)
        for span in spans
    )


@given(texts=st.lists(st.text(max_size=80), max_size=8))
def test_texts_do_not_touch_each_other(texts: list[str]) -> None:
    alone = [SCANNER.find(text) for text in texts]
    assert SCANNER.find_all(texts) == alone
    for text, spans in zip(texts, alone, strict=True):
        assert all(0 <= span.start < span.end <= len(text) for span in spans)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("👩‍👩‍👧 +49\u200b30\u200b1234567 ok", "+49\u200b30\u200b1234567"),
        ("カード４１１１ １１１１ １１１１ １１１１です", "４１１１ １１１１ １１１１ １１１１"),
        ("رقم +٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨ هنا", "+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨"),
        ("e\u0301te\u0301: 308‑63‑0237", "308‑63‑0237"),
        ("电话+8613812345678请", "+8613812345678"),
    ],
)
def test_digits_are_read_in_any_script_and_through_invisible_characters(
    text: str, value: str
) -> None:
    assert value in [text[span.start : span.end] for span in SCANNER.find(text)]


def test_half_a_character_does_no_harm() -> None:
    assert [span.start for span in SCANNER.find("\ud800 jo@example.org")] == [2]


def test_a_label_before_a_cut_counts() -> None:
    for size in range(900, 1100):
        text = "w" * size + " passport number is C01X00T47 " + "word " * 300
        assert Entity.PASSPORT in [span.entity for span in SCANNER.find(text)], size


@pytest.mark.parametrize("noise", ["ab1-", "Zz9+/", "\u0416\u200b"])
def test_the_gate_opens_after_any_amount_of_noise(noise: str) -> None:
    """The automaton's cache fills and is emptied; it never forgets a rule."""
    varied = " ".join(noise * (place % 50) + str(place) for place in range(20_000))
    assert SCANNER.find(f"{varied} {VALUE}")[-1].entity is Entity.EMAIL_ADDRESS
