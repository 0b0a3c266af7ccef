"""Names in ``datavault scan`` and ``datavault anonymize``: found by a tier, or not promised."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from datavault.adapters.ner import model
from datavault.cli.privacy import search, workers
from datavault.cli.privacy.examining import Examiner
from datavault.cli.privacy.inputs import Form
from datavault.cli.privacy.pieces import Piece
from datavault.cli.privacy.search import Search
from datavault.domain.privacy.presets import PRESETS
from datavault.domain.privacy.tiers import Tier
from tests.unit.cli.privacy.conftest import CANARIES, Desk

SHIPPED = Path(__file__).parents[4] / "layers" / "privacy" / "model"
LETTER = (
    "\U0001f600 My name is Katarina Holmgren, katarina.holmgren@example.org. I live in Utrecht.\n"
    "Please ship it to 4812 Willow Creek Road, Boise, ID 83702."
)
KEPT = "".join(
    f'[[rules]]\nentity = "{each}"\nstrategy = "keep"\nreason = "logs of machines"\n'
    for each in ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS")
)


def values(answer: dict[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(each["entity"], each["value"]) for each in answer["spans"]]


def test_a_corpus_is_answered_with_names_and_values_side_by_side(desk: Desk) -> None:
    line = json.dumps({"id": 7, "text": LETTER})
    (answer,) = desk.found("--format", "jsonl", "--show-values", stdin=line)
    assert values(answer) == [
        ("PERSON", "Katarina Holmgren"),
        ("EMAIL_ADDRESS", "katarina.holmgren@example.org"),
        ("LOCATION", "Utrecht"),
        ("STREET_ADDRESS", "4812 Willow Creek Road, Boise, ID 83702"),
    ]
    for span in answer["spans"]:
        assert LETTER[span["start"] : span["end"]] == span["value"]
        assert 0 < span["score"] <= 1


def test_the_tier_of_patterns_finds_none_and_says_so(desk: Desk) -> None:
    done = desk.run("scan", "--tier", "patterns", "--output", "jsonl", stdin=LETTER.encode())
    assert [json.loads(each)["entity"] for each in done.stdout.splitlines()] == ["EMAIL_ADDRESS"]
    missing = "LOCATION, ORGANIZATION, PERSON, STREET_ADDRESS"
    assert f"not looked for by --tier patterns, but by --tier fast: {missing}" in done.stderr
    assert f"not looked for: {missing}" in desk.scan("--tier", "patterns", stdin=LETTER)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--entities", "VIN,person"), "--entities PERSON: --tier patterns does not look for it"),
        (("--fail-on", "LOCATION"), "LOCATION: --tier patterns does not look for it; --tier fast"),
        (("--fail-on", "PERSON", "--entities", "VIN"), "--tier fast or thorough does"),
    ],
)
def test_what_the_tier_does_not_find_cannot_be_asked_of_it(
    words: tuple[str, ...], told: str, desk: Desk
) -> None:
    done = desk.run("scan", "--tier", "patterns", *words, stdin=LETTER.encode())
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_scan_may_look_for_names_alone_and_fail_on_them(desk: Desk) -> None:
    words = ("--entities", "PERSON", "--show-values")
    found = desk.found(*words, stdin="My name is Katarina Holmgren and I live in Utrecht.")
    assert [each["value"] for each in found] == ["Katarina Holmgren"]
    done = desk.run("scan", "--fail-on", "PERSON", stdin=LETTER.encode())
    assert done.exit_code == 11
    assert "stdin:1:14: PERSON (names.person)" in done.stdout


def test_a_threshold_is_for_names_too(desk: Desk) -> None:
    one = [each["entity"] for each in desk.found("--threshold", "1", stdin=LETTER)]
    assert one == ["EMAIL_ADDRESS"]


def test_leaves_keys_and_cells_are_texts_of_their_own(desk: Desk) -> None:
    record = '{"customer": {"name": "Katarina Holmgren", "note": "lives in Utrecht"}}'
    found = desk.found("--show-values", stdin=record)
    assert [(each["pointer"], each["value"]) for each in found] == [
        ("/customer/name", "Katarina Holmgren"),
        ("/customer/note", "Utrecht"),
    ]
    desk.write("a.csv", "name,age\nKatarina Holmgren,41\n")
    assert [each["pointer"] for each in desk.found("a.csv")] == ["/name", "/age"]


def test_each_kind_of_name_is_a_rule_of_its_own(desk: Desk) -> None:
    log = json.loads(desk.scan("--output", "sarif", stdin=LETTER))["runs"][0]
    rules = {each["id"]: each["properties"]["entity"] for each in log["tool"]["driver"]["rules"]}
    names = {"names.person": "PERSON", "names.location": "LOCATION"}
    assert rules == {
        **names,
        "names.street_address": "STREET_ADDRESS",
        "email.address": "EMAIL_ADDRESS",
    }
    assert (log["properties"]["tier"], log["properties"]["notLookedFor"]) == ("fast", [])


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No detector and no model is loaded, neither before nor after."""
    monkeypatch.setattr(search, "_detector", search._detector.__wrapped__)
    monkeypatch.setattr(model, "names_model", model.names_model.__wrapped__)
    return monkeypatch


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (None, "corrupt: the names model is not installed"),
        ("fast.onnx", "corrupt: the names model's fast.onnx is not the one that was published"),
        ("tokenizer.json", "corrupt: the names model's tokenizer.json is not the one"),
    ],
)
@pytest.mark.parametrize("words", [("scan", "a.txt"), ("anonymize", "a.txt", "--policy", "p.toml")])
def test_without_its_model_nothing_is_read(
    broken: str | None,
    told: str,
    words: tuple[str, ...],
    desk: Desk,
    fresh: pytest.MonkeyPatch,
) -> None:
    folder = desk.folder / "model"
    if broken is not None:
        shutil.copytree(SHIPPED, folder)
        contents = bytearray((folder / broken).read_bytes())
        contents[len(contents) // 2] ^= 1
        (folder / broken).write_bytes(contents)
    fresh.setattr(model, "_PLACES", (folder,))
    desk.write("p.toml", 'name = "all"\n')
    desk.write("a.txt", LETTER)
    done = desk.run(*words)
    assert (done.exit_code, done.stdout) == (7, "")
    assert told in done.stderr
    assert "--tier patterns needs no model, and finds no names" in done.stderr


def test_who_looks_for_no_name_needs_no_model(desk: Desk, fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(model, "_PLACES", ())
    for words in (("--tier", "patterns"), ("--entities", "EMAIL_ADDRESS,VIN")):
        assert [each["entity"] for each in desk.found(*words, stdin=LETTER)] == ["EMAIL_ADDRESS"]


def test_other_processes_find_what_this_one_finds() -> None:
    examiner = Examiner(Search(Tier.FAST, Tier.FAST.entities, None, date(2026, 11, 27)))
    content = LETTER.encode()
    piece = Piece(0, Form.TEXT, False, content, 0, len(content))
    here, there = workers.in_order(examiner, [piece] * 2, jobs=2, alone_bytes=1)
    assert len(here.found) == 4
    assert there == here


@pytest.mark.parametrize("name", PRESETS)
def test_presets_treat_names_or_say_why_they_keep_them(name: str, desk: Desk) -> None:
    desk.write("key", "07" * 32)
    desk.write("a.txt", LETTER)
    words = ("a.txt", "--policy", name, "--key-file", "key", "--quarantine-file", "held")
    done = desk.run("anonymize", *words)
    assert done.exit_code == 0, done.output
    output = done.stdout + Path("held").read_text()
    assert CANARIES["PERSON"] not in output
    assert "Willow Creek" not in output
    assert ("Utrecht" in output) is (name == "pci_dss")
    assert "PERSON " in done.stderr
    assert "not looked for" not in done.stderr


def test_a_policy_that_would_treat_names_is_refused_where_nobody_looks(desk: Desk) -> None:
    desk.write("a.txt", LETTER)
    desk.write("all.toml", 'name = "all"\n')
    desk.write("kept.toml", f'name = "kept"\n{KEPT}')
    words = ("anonymize", "a.txt", "--tier", "patterns", "--policy")
    refused = desk.run(*words, "all.toml")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert (
        "the policy treats LOCATION, ORGANIZATION, PERSON, STREET_ADDRESS, which --tier patterns"
        " does not look for" in refused.stderr
    )
    expected = LETTER.replace("katarina.holmgren@example.org", "[EMAIL_ADDRESS]")
    for more in (("kept.toml",), ("all.toml", "--without-names")):
        done = desk.run(*words, *more)
        assert (done.exit_code, done.stdout) == (0, expected)
        assert "not looked for by --tier patterns, but by --tier fast: LOCATION" in done.stderr
    wrong = desk.run("anonymize", "a.txt", "--policy", "all.toml", "--without-names")
    assert "--without-names goes with --tier patterns" in wrong.stderr


def test_names_of_members_are_no_organizations(desk: Desk) -> None:
    members = ("SSN", "Mobile", "Department", "Hospital", "CPF", "NHS")
    name = desk.write("m.jsonl", json.dumps(dict.fromkeys(members)) + "\n")
    done = desk.run("anonymize", name, "--policy", "hipaa_safe_harbor")
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)) == list(members)
    assert desk.run("scan", name, "--fail-on", "ORGANIZATION,PERSON,LOCATION").exit_code == 0
