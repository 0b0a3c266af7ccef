"""The engine: what comes out, what does not, and what is said of it."""

import json
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.keys import PrivacyKeys
from datavault.domain.privacy.pointers import PointerPattern
from datavault.domain.privacy.policy import (
    Allowed,
    Denied,
    FieldRule,
    Policy,
    Residual,
    Rule,
    Threshold,
)
from datavault.domain.privacy.presets import PRESETS
from datavault.domain.privacy.results import Part, QuarantineReason
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.strategy import (
    Generalize,
    Hash,
    Keep,
    KeptAs,
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
)
from datavault.privacy import Tier, detector
from tests.support.privacy import KEYS, PEOPLE, SETTING, TableDetector, anonymizer

REDACT = Policy("redact everything")
SOON, GONE = date(2026, 12, 1), date(2026, 11, 25)


def text_of(policy: Policy, text: str) -> str:
    return anonymizer(policy).texts([text])[0].output


def record_of(policy: Policy, body: str) -> str:
    return anonymizer(policy).records([body.encode()])[0].output.decode()


def rule(entity: str, strategy: Strategy, pointer: str = "/**") -> Policy:
    return Policy("one rule", (Rule(entity, strategy, PointerPattern(pointer)),))


def test_what_no_rule_is_for_is_redacted() -> None:
    assert text_of(REDACT, "Hi Bob, ada@example.com!") == "Hi [PERSON], [EMAIL_ADDRESS]!"


def test_offsets_are_code_points() -> None:
    found = anonymizer(REDACT).texts(["😀 Zoë 😀, שלום Bob"])[0]
    assert found.output == "😀 [PERSON], שלום [PERSON]"
    assert [(each.start, each.end) for each in found.findings] == [(2, 7), (14, 17)]


def test_the_first_rule_of_the_entity_and_the_place_decides() -> None:
    policy = Policy(
        "by place",
        (
            Rule("PERSON", Number(), PointerPattern("/chat/*/who")),
            Rule("*", Mask(), PointerPattern("/chat/**")),
        ),
    )
    body = '{"chat":[{"who":"Bob","text":"Bob"}],"note":"Bob"}'
    assert record_of(policy, body) == (
        '{"chat":[{"who":"PERSON_1","text":"***"}],"note":"[PERSON]"}'
    )


def test_keep_is_for_its_place_only_and_makes_the_verdict() -> None:
    policy = rule("PERSON", Keep("a public role"), "/public")
    found = anonymizer(policy).records([b'{"public":"Bob \\u0041","x":"Bob"}'])[0]
    assert found.output == b'{"public":"Bob \\u0041","x":"[PERSON]"}'
    assert found.verdict is Verdict.PERSONAL
    assert [each.strategy for each in found.findings] == ["keep", "redact"]


def test_an_entity_that_nobody_knows_is_redacted_under_a_harmless_name() -> None:
    class Foreign:
        def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
            name: Entity = "canary@x"  # type: ignore[assignment]  # As Presidio's may be.
            return [(Span(0, len(text), name, 0.9, "own"),) for text in texts]

    engine = Anonymizer(Foreign(), replace(REDACT, residual=Residual.SKIP), KEYS, SETTING)
    found = engine.texts(["secret words"])[0]
    assert found.output == "[PERSONAL_DATA]"
    assert found.findings[0].entity == "PERSONAL_DATA"


def test_a_policy_whose_key_is_missing_is_refused_before_a_text_is_read() -> None:
    detector = TableDetector(PEOPLE)
    with pytest.raises(Invalid, match="token"):
        Anonymizer(detector, rule("PERSON", Tokenize()), PrivacyKeys(), SETTING)
    fields = (FieldRule(PointerPattern("/x"), "X", PreserveFormat()),)
    with pytest.raises(Invalid, match="format"):
        Anonymizer(detector, Policy("x", fields=fields), PrivacyKeys(), SETTING)
    assert detector.calls == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Numbers as they are written, white space, escapes beside a change.
        (
            ' {"n" : 1.0, "big":12345678901234567890,\n"e":1E+2, "t":"\\u00e9 Bob\\/"} ',
            ' {"n" : 1.0, "big":12345678901234567890,\n"e":1E+2, "t":"\\u00e9 [PERSON]\\/"} ',
        ),
        ('["\\ud83d\\ude00 Bob \\n"]', '["\\ud83d\\ude00 [PERSON] \\n"]'),
        ('["\\u0042ob"]', '["[PERSON]"]'),
        # A number, whole and in part of an array; it becomes a string.
        ("[4111111111111111,-0.0]", '["[CREDIT_CARD]",-0.0]'),
        ('"Bob"', '"[PERSON]"'),
        ("4111111111111111", '"[CREDIT_CARD]"'),
        ("null", "null"),
        ('{"a":true,"b":null,"c":{},"d":[]}', '{"a":true,"b":null,"c":{},"d":[]}'),
        # Keys; one that is taken gets a number.
        ('{"Bob":1}', '{"[PERSON]":1}'),
        (
            '{"Bob":1,"Ada Lovelace":2,"[PERSON]_2":3,"in":{"Bob":4}}',
            '{"[PERSON]":1,"[PERSON]_3":2,"[PERSON]_2":3,"in":{"[PERSON]":4}}',
        ),
        ('{"Bob":1,"[PERSON]":2}', '{"[PERSON]_2":1,"[PERSON]":2}'),
    ],
)
def test_json_stays_json_and_what_is_not_touched_stays_as_it_is(body: str, expected: str) -> None:
    assert record_of(REDACT, body) == expected


def test_a_number_that_stays_a_number_is_written_as_one() -> None:
    policy = rule("CREDIT_CARD", PreserveFormat())
    policy = replace(policy, fields=(FieldRule(PointerPattern("/age"), "AGE", Generalize()),))
    found = json.loads(record_of(policy, '{"card":4111111111111111,"age":34}'))
    assert isinstance(found["card"], int)
    assert found["age"] == "30-39"


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_json_in_which_nothing_is_found_does_not_change_by_a_byte(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    assert anonymizer(REDACT, table={}).records([body])[0].output == body


def with_people(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    keys = st.sampled_from(["a", "Bob", "Ada Lovelace", "[PERSON]", "x Bob"])
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


PEOPLES_JSON = st.recursive(
    st.sampled_from(
        ["Bob", "hi \\ Bob\n\u00e9 😀Bob", 4111111111111111, 1.5, "ada@example.com", None]
    ),
    with_people,
    max_leaves=20,
)


@settings(deadline=None)
@given(PEOPLES_JSON, st.booleans())
def test_no_value_comes_out_and_the_shape_stays(value: object, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    engine = anonymizer(REDACT)
    found = engine.records([body])[0]
    text = json.dumps(json.loads(found.output), ensure_ascii=False)
    assert not any(secret in text for secret in PEOPLE)
    assert shape(json.loads(found.output)) == shape(value)
    assert found.remainders == ()
    again = engine.records([found.output])[0]
    assert again.output == found.output, "redacting is idempotent"


def shape(value: object) -> object:
    match value:
        case dict():
            return [shape(each) for each in value.values()]
        case list():
            return [shape(each) for each in value]
        case _:
            return value is None


def test_a_declared_field_is_personal_whatever_it_holds() -> None:
    policy = Policy(
        "fields",
        fields=(
            FieldRule(PointerPattern("/patient/*"), "PERSON", Redact()),
            FieldRule(PointerPattern("/*/salary"), "SALARY", Mask()),
        ),
    )
    body = '{"patient":{"name":"X Y","old":true,"n":7,"no":null,"e":""},"a":{"salary":41.50}}'
    found = anonymizer(policy).records([body.encode()])[0]
    assert found.output.decode() == (
        '{"patient":{"name":"[PERSON]","old":"[PERSON]","n":"[PERSON]","no":null,"e":""},'
        '"a":{"salary":"**.**"}}'
    )
    assert {each.reason for each in found.findings} == {"declared"}


def test_findings_say_where_and_how_and_never_what() -> None:
    body = b'{"a/b":[{"Bob":"hi Bob"}]}'
    found = anonymizer(rule("PERSON", Mask())).records([body])[0]
    assert found.output == b'{"a/b":[{"***":"hi ***"}]}'
    rows = [(each.pointer, each.part, each.start, each.end) for each in found.findings]
    assert rows == [("/a~1b/0/***", Part.KEY, 0, 3), ("/a~1b/0/***", Part.VALUE, 3, 6)]
    assert found.findings[0].strategy == "mask"
    assert found.findings[0].score == 0.9
    assert "Bob" not in repr(found)


def test_thresholds_ignore_treat_and_quarantine() -> None:
    policy = replace(REDACT, thresholds={"PERSON": Threshold(0.3, 0.6)})
    by_score = {
        score: anonymizer(policy, score=score).texts(["Bob"])[0] for score in (0.2, 0.3, 0.5, 0.6)
    }
    assert [found.output for found in by_score.values()] == ["Bob"] + ["[PERSON]"] * 3
    assert by_score[0.5].quarantine == (QuarantineReason.LOW_CONFIDENCE,)
    assert by_score[0.5].verdict is Verdict.QUARANTINE
    assert by_score[0.5].treated is Verdict.ANONYMISED
    assert by_score[0.6].verdict is Verdict.ANONYMISED


def test_verdicts() -> None:
    assert anonymizer(rule("*", Tokenize())).texts(["Bob"])[0].verdict is Verdict.PSEUDONYMISED
    assert anonymizer(rule("*", Redact())).texts(["Bob"])[0].verdict is Verdict.ANONYMISED
    assert anonymizer(rule("*", Tokenize())).texts(["none"])[0].verdict is Verdict.ANONYMISED


def test_allowed_values_stay_until_they_expire() -> None:
    entry = Allowed("ADA@example.com", "EMAIL_ADDRESS", "ours", SOON)
    text = "ada@example.com Bob"
    assert text_of(replace(REDACT, allowed=(entry,)), text) == "ada@example.com [PERSON]"
    assert text_of(replace(REDACT, allowed=(replace(entry, expires=SETTING.on),)), text) == (
        "ada@example.com [PERSON]"
    )
    for other in (replace(entry, expires=GONE), replace(entry, entity="PERSON")):
        assert text_of(replace(REDACT, allowed=(other,)), text) == "[EMAIL_ADDRESS] [PERSON]"
    anyone = replace(entry, entity="*")
    assert text_of(replace(REDACT, allowed=(anyone,)), text) == "ada@example.com [PERSON]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("about project  Blue-Whale today", "about [ORGANIZATION] today"),
        ("PROJECT BLUE WHALE", "[ORGANIZATION]"),
        ("project bluewhale", "project bluewhale"),
        ("project blue whales", "project blue whales"),
        ("project_blue_whale", "[ORGANIZATION]"),
        # Both the detector and the list: nothing of either is left.
        ("project blue whale Bob", "[ORGANIZATION] [PERSON]"),
    ],
)
def test_denied_phrases_are_found_as_whole_words(text: str, expected: str) -> None:
    entry = Denied("Project Blue Whale", "ORGANIZATION", "unannounced", SOON)
    assert text_of(replace(REDACT, denied=(entry,)), text) == expected
    assert text_of(
        replace(REDACT, denied=(replace(entry, expires=GONE),)), "project blue whale"
    ) == ("project blue whale")


def test_overlaps_become_one_that_covers_both() -> None:
    entry = Denied("Lovelace Street", "LOCATION", "ours", SOON)
    assert (
        text_of(replace(REDACT, denied=(entry,)), "at Ada Lovelace Street 5") == "at [LOCATION] 5"
    )


class OverlappingDetector:
    """Finds the URL, what stands in it and a telephone number's front; alone, the URL wins."""

    TEXT = "at https://x.example/u/ada@example.com?call=5550100"
    SPANS = (
        Span(3, 51, Entity.URL, 1.0, "url"),
        Span(23, 38, Entity.EMAIL_ADDRESS, 0.9, "mail"),
        Span(44, 51, Entity.PHONE_NUMBER, 0.6, "phone"),
    )

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [self.SPANS[:1] if text == self.TEXT else () for text in texts]

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [self.SPANS[::-1] if text == self.TEXT else () for text in texts]


def overlapping(policy: Policy, text: str = OverlappingDetector.TEXT) -> tuple[str, Verdict]:
    (found,) = Anonymizer(OverlappingDetector(), policy, KEYS, SETTING).texts([text])
    return found.output, found.verdict


def test_what_is_kept_hides_nothing_that_is_treated() -> None:
    kept = Rule("URL", Keep("ours", kept_as=KeptAs.HARMLESS))
    assert overlapping(replace(REDACT, rules=(kept,))) == (
        "at https://x.example/u/[EMAIL_ADDRESS]?call=[PHONE_NUMBER]",
        Verdict.ANONYMISED,
    )
    assert overlapping(REDACT) == ("at [URL]", Verdict.ANONYMISED)


def test_what_is_kept_as_personal_is_personal_within_what_is_harmless() -> None:
    rules = (
        Rule("URL", Keep("ours", kept_as=KeptAs.HARMLESS)),
        Rule("EMAIL_ADDRESS", Keep("ours")),
    )
    assert overlapping(replace(REDACT, rules=rules)) == (
        "at https://x.example/u/ada@example.com?call=[PHONE_NUMBER]",
        Verdict.PERSONAL,
    )


def test_an_allowed_value_hides_nothing_within_it() -> None:
    allowed = Allowed("https://x.example/u/ada@example.com?call=5550100", "URL", "ours", SOON)
    assert overlapping(replace(REDACT, allowed=(allowed,)))[0] == (
        "at https://x.example/u/[EMAIL_ADDRESS]?call=[PHONE_NUMBER]"
    )


def test_a_denied_phrase_within_what_is_kept_is_treated() -> None:
    policy = replace(
        REDACT,
        rules=(Rule("URL", Keep("ours")), Rule("EMAIL_ADDRESS", Keep("ours"))),
        denied=(Denied("Ada", "PERSON", "unannounced", SOON),),
    )
    assert overlapping(policy) == (
        "at https://x.example/u/[PERSON]@example.com?call=[PHONE_NUMBER]",
        Verdict.PERSONAL,
    )


def test_rules_of_a_place_decide_there_what_is_hidden() -> None:
    kept = Rule("*", Keep("ours"), PointerPattern("/text"))
    engine = Anonymizer(OverlappingDetector(), replace(REDACT, rules=(kept,)), KEYS, SETTING)
    # Names of what somebody says: nothing is read before the text.
    body = json.dumps(dict.fromkeys(("text", "body"), OverlappingDetector.TEXT))
    (record,) = engine.records([body.encode()])
    assert json.loads(record.output) == {"text": OverlappingDetector.TEXT, "body": "at [URL]"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://shop.example.com/pay?pan=4111111111111111&email=bob@corp.example",
            "https://shop.example.com/pay?pan=************1111&email=[EMAIL_ADDRESS]",
        ),
        (
            "https://x.example.com/u/bob@corp.example?ssn=219-09-9999",
            "https://x.example.com/u/[EMAIL_ADDRESS]?ssn=[US_SSN]",
        ),
        (
            "https://x.example.com/cb?access_token=ghp_" + "aB3dE5fG7h" * 3 + "iJ9kL1 ok",
            "https://x.example.com/cb?access_token=[SECRET] ok",
        ),
        ("https://x.example.com/docs?page=12", "https://x.example.com/docs?page=12"),
    ],
)
def test_a_preset_that_keeps_locators_treats_what_they_carry(text: str, expected: str) -> None:
    engine = Anonymizer(detector(Tier.PATTERNS), PRESETS["pci_dss"], KEYS, SETTING)
    (found,) = engine.texts([text])
    assert found.output == expected
    assert found.remainders == ()


def test_a_denied_phrase_outranks_an_allowed_value() -> None:
    both = replace(
        REDACT,
        allowed=(Allowed("Bob", "*", "ours", SOON),),
        denied=(Denied("Bob", "PERSON", "not him", SOON),),
    )
    assert text_of(both, "Bob") == "[PERSON]"


class LateDetector:
    """Finds a name only once those before it are gone, and with it all that stands before."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        self.calls.append(list(texts))
        return [tuple(self._spans(text)) for text in texts]

    def _spans(self, text: str) -> list[Span]:
        at = text.find("a@b.de")
        if at >= 0:
            return [Span(at, at + 6, Entity.EMAIL_ADDRESS, 0.9, "own")]
        for name in ("canary", "dove", "eagle"):
            at = text.find(name)
            if at >= 0:
                return [Span(0, at + len(name), Entity.PERSON, 0.9, "own")]
        return []


def late(policy: Policy = REDACT) -> Anonymizer:
    return Anonymizer(LateDetector(), policy, KEYS, SETTING)


def test_what_a_second_look_finds_is_treated_as_well() -> None:
    (found,) = late().texts(["a@b.de! canary, dove: 1"])
    assert found.output == "[EMAIL_ADDRESS]! [PERSON], [PERSON]: 1"
    assert [(each.entity, each.start, each.end) for each in found.findings] == [
        ("EMAIL_ADDRESS", 0, 6),
        ("PERSON", 8, 14),
        ("PERSON", 16, 20),
    ]
    assert (found.remainders, found.verdict) == ((), Verdict.ANONYMISED)
    body = b'{"x":["a@b.de canary"],"a@b.de dove":1, "\\u00e9 a@b.de, canary":2,"y":"canary"}'
    (record,) = late().records([body])
    assert record.output == (
        b'{"x":["[EMAIL_ADDRESS] [PERSON]"],"[EMAIL_ADDRESS] [PERSON]":1,'
        b' "[PERSON] [EMAIL_ADDRESS], [PERSON]":2,"y":"[PERSON]"}'
    )
    assert record.findings[1].pointer == "/x/0"


def test_texts_are_looked_at_again_only_while_something_is_found() -> None:
    detector = LateDetector()
    Anonymizer(detector, REDACT, KEYS, SETTING).texts(["a@b.de canary", "a@b.de", "fine"])
    assert detector.calls[1:] == [
        ["[EMAIL_ADDRESS] canary", "[EMAIL_ADDRESS]"],
        ["[EMAIL_ADDRESS] [PERSON]"],
    ]


def test_what_is_found_later_is_numbered_and_opened_as_what_is_found_first() -> None:
    numbered = replace(REDACT, default=Number())
    conversation = Conversation()
    engine = late(numbered)
    one, two = engine.texts(["a@b.de canary", "canary"], conversation=conversation)
    assert (one.output, two.output) == ("EMAIL_ADDRESS_1 PERSON_1", "PERSON_1")


def test_what_is_still_found_at_the_end_quarantines_it() -> None:
    (found,) = late().texts(["a@b.de canary dove eagle"])
    assert found.output == "[EMAIL_ADDRESS] [PERSON] [PERSON] eagle"
    assert found.quarantine == (QuarantineReason.RESIDUAL,)
    assert found.verdict is Verdict.QUARANTINE
    left = found.remainders[0]
    assert (left.entity, left.start, left.end) == ("PERSON", 0, 39)
    (record,) = late().records([b'{"x":["a@b.de canary dove eagle"]}'])
    assert record.remainders[0].pointer == "/x/0"


def test_what_the_policy_keeps_in_that_place_is_no_remainder() -> None:
    kept = Rule("PERSON", Keep("authors"), PointerPattern("/x/**"))
    (record,) = late(replace(REDACT, rules=(kept,))).records(
        [b'{"x":["a@b.de canary"],"y":"a@b.de canary dove eagle"}']
    )
    assert [each.pointer for each in record.remainders] == ["/y"]
    assert record.output.startswith(b'{"x":["[EMAIL_ADDRESS] canary"],')


def test_what_is_found_later_and_not_sure_holds_the_text_back() -> None:
    unsure = replace(REDACT, thresholds={"PERSON": Threshold(0.5, 0.95)})
    (found,) = late(unsure).texts(["a@b.de canary"])
    assert found.output == "[EMAIL_ADDRESS] [PERSON]"
    assert found.quarantine == (QuarantineReason.LOW_CONFIDENCE,)


def test_a_policy_may_refuse_what_is_still_found_or_not_look() -> None:
    with pytest.raises(Invalid, match="1 values are still found") as refused:
        late(replace(REDACT, residual=Residual.REFUSE)).texts(["fine", "a@b.de canary dove eagle"])
    assert refused.value.field == "texts/1"
    (skipped,) = late(replace(REDACT, residual=Residual.SKIP)).texts(["a@b.de canary"])
    assert (skipped.quarantine, skipped.output) == ((), "[EMAIL_ADDRESS] canary")


def test_our_own_stand_ins_are_no_remainders() -> None:
    table = PEOPLE | {"PERSON": Entity.PERSON, "EMAIL_ADDRESS": Entity.EMAIL_ADDRESS}
    found = anonymizer(REDACT, table=table).texts(["Bob and ada@example.com"])[0]
    assert found.output == "[PERSON] and [EMAIL_ADDRESS]"
    assert found.remainders == ()


def test_a_batch_is_detected_once_and_each_text_of_it_once() -> None:
    detector = TableDetector(PEOPLE)
    engine = Anonymizer(detector, REDACT, KEYS, SETTING)
    body = b'{"name":"Bob","also":"Bob","n":[1,1,2]}'
    engine.records([body] * 50)
    assert len(detector.calls) == 2, "once before and once after"
    assert detector.calls[0] == ["name", "name: Bob", "also", "also: Bob", "n", "n: 1", "n: 2"]
    assert detector.calls[1] == ["name: [PERSON]", "also: [PERSON]"]


def test_a_batch_comes_out_as_its_records_do_one_by_one() -> None:
    engine = anonymizer(rule("*", Number()))
    bodies = [b'{"a":"Bob"}', b'["Ada Lovelace","Bob"]', b"{}"]
    together = engine.records(bodies)
    assert together == [engine.records([body])[0] for body in bodies]
    assert engine.records([]) == []
    assert engine.texts([]) == []


def test_a_conversation_goes_on_from_text_to_text() -> None:
    engine, talk = anonymizer(rule("*", Number())), Conversation()
    said = engine.texts(["Ada Lovelace and Bob", "Bob again"], conversation=talk)
    assert [each.output for each in said] == ["PERSON_1 and PERSON_2", "PERSON_2 again"]
    later = engine.records([b'{"from":"Bob"}'], conversation=talk)[0]
    assert later.output == b'{"from":"PERSON_2"}'
    assert engine.texts(["Bob again"])[0].output == "PERSON_1 again"


EVERY = (
    *(Redact(), Mask(), Mask(4), Replace(), Hash(), Tokenize(), PreserveFormat(), Generalize()),
    *(Truncate(1), Noise(), Number()),
)


@pytest.mark.parametrize("strategy", EVERY, ids=repr)
def test_no_value_that_was_found_is_in_anything_that_comes_out(strategy: Strategy) -> None:
    """Outputs, findings and their pointers, remainders, representations."""
    engine, talk = anonymizer(rule("*", strategy)), Conversation()
    values = [each for each in PEOPLE if not each.isdigit()]
    texts = engine.texts([f"x {each} y" for each in values], conversation=talk)
    bodies = [json.dumps({f"k {each}": [each, {each: 1}]}).encode() for each in values]
    records = engine.records([*bodies, b'{"n":4111111111111111}'], conversation=talk)
    shown = [repr(each) + each.output for each in texts]
    shown += [repr(each) + str(each.output) for each in records]
    shown += [repr(engine), repr(talk), repr(rule("*", strategy))]
    decoded = [json.dumps(json.loads(each.output), ensure_ascii=False) for each in records]
    for value in PEOPLE:
        assert not any(value in each for each in (*shown, *decoded))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=20), max_size=3))
def test_texts_around_what_is_found_stay_as_they_are(around: list[str]) -> None:
    found = anonymizer(REDACT).texts(["\n".join(("Bob", *around, "Zoë 😀"))])[0]
    for value in PEOPLE:
        assert value not in found.output
    if not any(value in each for each in around for value in PEOPLE):
        assert found.output == "\n".join(("[PERSON]", *around, "[PERSON]"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"canary":', Malformed),
        (b'{"canary":"\xff"}', Malformed),
        (b'{"canary":1,"canary":2}', Invalid),
        (b"[" * 101 + b"]" * 101, Invalid),
        (b"[" + b"1," * 200_000 + b"1]", TooLarge),
        (b'"' + b"a" * (4 * 2**20) + b'"', TooLarge),
        (b"", Malformed),
    ],
)
def test_what_is_no_record_is_refused_without_its_content(
    body: bytes, kind: type[VaultError]
) -> None:
    with pytest.raises(kind) as refused:
        anonymizer(REDACT).records([b"{}", body])
    assert refused.value.field == "records/1"
    assert "canary" not in "".join(traceback.format_exception(refused.value))


def test_a_text_too_long_is_refused() -> None:
    with pytest.raises(TooLarge, match="4194304") as refused:
        anonymizer(REDACT).texts(["a" * (4 * 2**20 + 1)])
    assert refused.value.field == "texts/0"


def test_a_hundred_levels_and_ten_thousand_values_are_treated() -> None:
    deep = "[" * 100 + '"Bob"' + "]" * 100
    assert record_of(REDACT, deep) == deep.replace("Bob", "[PERSON]")
    many = json.dumps({f"Bob {at}": "Bob" for at in range(10_000)})
    found = json.loads(record_of(REDACT, many))
    assert len(found) == 10_000
    assert set(found.values()) == {"[PERSON]"}
    same = json.dumps([{"Bob": at} for at in range(3)])
    assert record_of(REDACT, same).count('"[PERSON]"') == 3


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/contacts", '{"contacts":{"[PERSON]":"[PERSON]","[PERSON]_2":{"[PERSON]":"[PERSON]"}}}'),
        ("/contacts/*", '{"contacts":{"zoltan_qx77":"[PERSON]","eve":{"[PERSON]":"[PERSON]"}}}'),
        ("/contacts/eve", '{"contacts":{"zoltan_qx77":1,"eve":{"[PERSON]":"[PERSON]"}}}'),
    ],
)
def test_a_field_covers_the_keys_below_it(pointer: str, expected: str) -> None:
    policy = Policy("x", fields=(FieldRule(PointerPattern(pointer), "PERSON", Redact()),))
    body = '{"contacts":{"zoltan_qx77":1,"eve":{"of":true}}}'
    assert record_of(policy, body) == expected


@pytest.mark.parametrize("strategy", [Mask(), Truncate(2), Number(), Hash(), Replace()])
def test_no_stand_in_tells_one_truth_from_the_other(strategy: Strategy) -> None:
    policy = Policy("x", fields=(FieldRule(PointerPattern("/*"), "CONSENT", strategy),))
    assert record_of(policy, '{"a":true,"b":false}') == '{"a":"[CONSENT]","b":"[CONSENT]"}'
    kept = replace(policy, fields=(replace(policy.fields[0], strategy=Keep("ours")),))
    assert record_of(kept, '{"a":true,"b":false}') == '{"a":true,"b":false}'


def test_a_mask_tells_a_length_and_is_no_anonymisation() -> None:
    (found,) = anonymizer(rule("PERSON", Mask())).texts(["Bob"])
    assert (found.output, found.verdict) == ("***", Verdict.PSEUDONYMISED)


def test_the_name_of_a_member_is_a_persons_only_if_that_is_sure() -> None:
    body = '{"Bob":"Bob","ada@example.com":1}'
    for score, key in ((0.84, "Bob"), (0.85, "[PERSON]")):
        (found,) = anonymizer(REDACT, score=score).records([body.encode()])
        assert list(json.loads(found.output)) == [key, "[EMAIL_ADDRESS]"]
        assert json.loads(found.output)[key] == "[PERSON]"
        assert found.remainders == ()
