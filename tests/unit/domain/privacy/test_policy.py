"""Policies: read whole or refused, with errors that name the field and never what is in it."""

import json
import tomllib
import traceback
from contextlib import suppress
from datetime import date

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid, Malformed, NotFound, TooLarge, VaultError
from datavault.domain.privacy.pointers import PointerPattern
from datavault.domain.privacy.policy import (
    Allowed,
    Denied,
    FieldRule,
    Policy,
    Residual,
    Rule,
    Threshold,
    canonical_json,
)
from datavault.domain.privacy.policy_text import parse_policy_json, parse_policy_toml
from datavault.domain.privacy.presets import PRESETS, preset
from datavault.domain.privacy.strategy import (
    PARAMETER_BOUNDS,
    STRATEGIES,
    DatePart,
    Form,
    Generalize,
    Keep,
    Mask,
    Redact,
    Tokenize,
)

TOML = b"""
name = "clinic"
residual = "refuse"
default = { strategy = "mask", keep_last = 2 }
threshold = { found_from = 0.3, sure_from = 0.5 }

[thresholds.PERSON]
found_from = 0.4

[[rules]]
entity = "CREDIT_CARD"
pointer = "/orders/*/note"
strategy = "tokenize"

[[rules]]
entity = "*"
strategy = "keep"
reason = "public"

[[fields]]
pointer = "/salary"
entity = "SALARY"
strategy = "generalize"
form = "number"
number_width = 10000

[[allow]]
value = "help@example.com"
entity = "EMAIL_ADDRESS"
reason = "our own"
expires = 2027-06-30

[[deny]]
value = "Blue Whale"
entity = "ORGANIZATION"
reason = "unannounced"
expires = "2027-01-31"
"""
POLICY = Policy(
    name="clinic",
    rules=(
        Rule("CREDIT_CARD", Tokenize(), PointerPattern("/orders/*/note")),
        Rule("*", Keep("public")),
    ),
    default=Mask(2),
    fields=(
        FieldRule(
            PointerPattern("/salary"), "SALARY", Generalize(form=Form.NUMBER, number_width=10_000)
        ),
    ),
    threshold=Threshold(0.3, 0.5),
    thresholds={"PERSON": Threshold(0.4, 0.5)},
    allowed=(Allowed("help@example.com", "EMAIL_ADDRESS", "our own", date(2027, 6, 30)),),
    denied=(Denied("Blue Whale", "ORGANIZATION", "unannounced", date(2027, 1, 31)),),
    residual=Residual.REFUSE,
)


def test_a_policy_reads_the_same_from_toml_and_json() -> None:
    assert parse_policy_toml(TOML) == POLICY
    as_json = json.dumps(tomllib.loads(TOML.decode()), default=str).encode()
    assert parse_policy_json(as_json) == POLICY


def test_the_least_policy_redacts_all() -> None:
    assert parse_policy_toml(b'name = "x"') == Policy("x")
    assert Policy("x").strategy_for("PERSON", ("a",)) == Redact()


@pytest.mark.parametrize(
    ("rules", "treats"),
    [
        ((), True),
        ((Rule("PERSON", Redact()),), True),
        ((Rule("*", Redact()),), True),
        ((Rule("PERSON", Keep("why")),), False),
        ((Rule("*", Keep("why")),), False),
        ((Rule("VIN", Keep("why")),), True),
        ((Rule("PERSON", Keep("why"), PointerPattern("/a")),), True),
        ((Rule("PERSON", Keep("why"), PointerPattern("/a")), Rule("*", Keep("why"))), False),
        ((Rule("PERSON", Mask(2), PointerPattern("/a")), Rule("*", Keep("why"))), True),
        ((Rule("*", Keep("why")), Rule("PERSON", Redact())), False),
    ],
)
def test_a_policy_treats_what_it_does_not_keep_everywhere(
    rules: tuple[Rule, ...], treats: bool
) -> None:
    assert Policy("x", rules).treats("PERSON") is treats


def entry(**changed: object) -> bytes:
    own = {"value": "canary", "entity": "PERSON", "reason": "r", "expires": "2027-01-01"} | changed
    return policy(allow=[own])


def policy(**members: object) -> bytes:
    return json.dumps({"name": "x"} | members).encode()


def with_rule(**members: object) -> bytes:
    return policy(rules=[{"entity": "PERSON", "strategy": "redact"}, members])


REFUSED = [
    (b"[]", "policy", "a table"),
    (b"{}", "/name", "1 to 500"),
    (policy(name=""), "/name", "1 to 500"),
    (policy(name="n" * 501), "/name", "1 to 500"),
    (policy(canary=1, canary2=2), "policy", "2 fields are not known here"),
    (policy(residual="canary"), "/residual", "skip, quarantine, refuse"),
    (policy(default={"strategy": "keep", "reason": "r"}), "default", "cannot be kept"),
    (policy(default="redact"), "/default", "a table"),
    (policy(rules={}), "/rules", "a list"),
    (policy(rules=[1]), "/rules/0", "a table"),
    (with_rule(entity="CANARY", strategy="redact"), "/rules/1/entity", "PHONE_NUMBER"),
    (with_rule(entity="PERSON", strategy="canary"), "/rules/1/strategy", "format"),
    (with_rule(entity="PERSON"), "/rules/1/strategy", "1 to 500"),
    (with_rule(entity="*", strategy="mask", keep_last=9), "/rules/1/keep_last", "0 to 8"),
    (with_rule(entity="*", strategy="mask", keep_last=True), "/rules/1/keep_last", "0 to 8"),
    (with_rule(entity="*", strategy="mask", keep_last="canary"), "/rules/1/keep_last", "0 to 8"),
    (with_rule(entity="*", strategy="truncate"), "/rules/1/chars", "1 to 1000"),
    (with_rule(entity="*", strategy="keep"), "/rules/1/reason", "1 to 500"),
    (with_rule(entity="*", strategy="redact", chars=2), "/rules/1", "1 fields are not known"),
    (with_rule(entity="*", strategy="generalize", form="canary"), "/rules/1/form", "postcode"),
    (with_rule(entity="*", strategy="redact", pointer="canary"), "/rules/1/pointer", "6901"),
    (with_rule(entity="*", strategy="redact", pointer=1), "/rules/1/pointer", "pointer"),
    (
        policy(fields=[{"pointer": "/a", "entity": "canary", "strategy": "redact"}]),
        "/fields/0/entity",
        "A-Z",
    ),
    (policy(threshold={"found_from": 1.1}), "/threshold/found_from", "0 to 1"),
    (policy(threshold={"found_from": 0.5, "sure_from": 0.4}), "/threshold/sure_from", "0.5"),
    (policy(thresholds={"CANARY": {}}), "/thresholds", "1 fields are not known"),
    (policy(thresholds={"PERSON": {"canary": 1}}), "/thresholds/PERSON", "not known"),
    (entry(value=""), "/allow/0/value", "1 to 500"),
    (entry(reason=None), "/allow/0/reason", "1 to 500"),
    (entry(expires="canary"), "/allow/0/expires", "a day"),
    (entry(expires="2027-02-30"), "/allow/0/expires", "a day"),
    (entry(expires="2027-01-01T00:00:00"), "/allow/0/expires", "a day"),
    (policy(deny=[{"value": "canary", "entity": "*", "reason": "r"}]), "/deny/0/entity", "one"),
    (
        policy(deny=[{"value": "-", "entity": "PERSON", "reason": "r", "expires": "2027-01-01"}]),
        "/deny/0/value",
        "1 to 16 words",
    ),
]


@pytest.mark.parametrize(("text", "field", "said"), REFUSED)
def test_what_is_wrong_is_named_and_not_shown(text: bytes, field: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_policy_json(text)
    assert refused.value.field == field
    assert said in str(refused.value)
    assert "canary" not in "".join(traceback.format_exception(refused.value)).lower()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'name = "canary', Malformed),
        (b'name = "\xff"', Malformed),
        (b"#" * (2**20 + 1), TooLarge),
    ],
)
def test_what_is_no_toml_is_refused(text: bytes, kind: type[VaultError]) -> None:
    with pytest.raises(kind) as refused:
        parse_policy_toml(text)
    assert "canary" not in "".join(traceback.format_exception(refused.value))


def test_what_is_no_json_is_refused() -> None:
    for text in (b'{"canary": NaN', b"[" * 100_000, b'{"name":"x","name":"y"}', b'{"name": 1' * 9):
        with pytest.raises(Malformed) as refused:
            parse_policy_json(text)
        assert refused.value.__context__ is None
    with pytest.raises(Malformed, match="at line 1, column 15"):
        parse_policy_json(b'{"canary": NaN')


def test_a_list_has_a_limit() -> None:
    with pytest.raises(TooLarge, match="10000 entries, not 10001") as refused:
        parse_policy_json(policy(rules=[1] * 10_001))
    assert refused.value.field == "/rules"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused(text: bytes) -> None:
    for parse in (parse_policy_json, parse_policy_toml):
        with suppress(VaultError):
            parse(text)


def test_parameters_are_bounded_in_code_too() -> None:
    for name, (low, high) in PARAMETER_BOUNDS.items():
        kind = next(each for each in STRATEGIES.values() if name in each.__dataclass_fields__)
        for value in (low - 1, high + 1):
            with pytest.raises(Invalid, match=f"{name} of .* is {low} to {high}"):
                Policy("x", default=kind(**{name: value}))  # type: ignore[arg-type]
        Policy("x", default=kind(**{name: low}))  # type: ignore[arg-type]


def test_a_policy_has_a_hash_that_anyone_can_recompute() -> None:
    text = (
        b'{"allowed":[],"default":{"name":"redact"},"denied":[],"fields":[],"name":"x",'
        b'"residual":"quarantine","rules":[{"entity":"PERSON","pointer":"/**",'
        b'"strategy":{"keep_last":0,"name":"mask"}}],'
        b'"threshold":{"found_from":0.0,"sure_from":0.0},"thresholds":{}}'
    )
    own = Policy("x", (Rule("PERSON", Mask()),))
    assert canonical_json(own) == text
    derived = blake3(text, derive_key_context="io.llm-data-vault/1/privacy policy")
    assert own.hash == derived.hexdigest()


def test_every_difference_changes_the_hash() -> None:
    policies = [
        POLICY,
        Policy("clinic"),
        Policy("x"),
        Policy("x", default=Mask()),
        Policy("x", default=Mask(1)),
        Policy("x", (Rule("PERSON", Mask()),)),
        Policy("x", (Rule("PERSON", Mask(), PointerPattern("/a")),)),
        Policy("x", threshold=Threshold(0.1, 0.1)),
        Policy("x", residual=Residual.SKIP),
        Policy("x", default=Generalize(date_part=DatePart.MONTH)),
        *PRESETS.values(),
    ]
    assert len({each.hash for each in policies}) == len(policies)


def test_lists_are_shown_nowhere() -> None:
    assert "help@example.com" not in repr(POLICY)
    assert "Whale" not in repr(POLICY)


def test_presets_go_by_their_names() -> None:
    assert set(PRESETS) == {"gdpr", "hipaa_safe_harbor", "pci_dss", "ccpa", "llm_training"}
    assert preset("gdpr") is PRESETS["gdpr"]
    with pytest.raises(NotFound, match="pci_dss"):
        preset("canary")
