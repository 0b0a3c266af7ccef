"""SARIF 2.1.0: what its schema requires of the members that are written, and where things are.

The schema is in no package that is installed, so the part of it that applies is here: required
members, types and enumerations, and nothing else allowed where the schema allows nothing else.
"""

import json
from typing import Any

import jsonschema
import pytest

from tests.unit.cli.privacy.conftest import CANARIES, TEXT, Desk

POSITIVE = {"type": "integer", "minimum": 1}


def closed(required: list[str], **properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


MESSAGE = closed(["text"], text={"type": "string", "minLength": 1})
REGION = closed(
    ["startLine"],
    startLine=POSITIVE,
    startColumn=POSITIVE,
    endLine=POSITIVE,
    endColumn=POSITIVE,
)
ARTIFACT = closed(["uri"], uri={"type": "string", "format": "uri-reference"})
LOCATION = closed(
    ["physicalLocation"],
    physicalLocation=closed(
        ["artifactLocation", "region"], artifactLocation=ARTIFACT, region=REGION
    ),
    logicalLocations={
        "type": "array",
        "items": closed(
            [], fullyQualifiedName={"type": "string"}, kind={"const": "member"}, properties={}
        ),
    },
)
RESULT = closed(
    ["message", "ruleId"],
    ruleId={"type": "string"},
    level={"enum": ["none", "note", "warning", "error"]},
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    properties={"type": "object"},
)
RULE = closed(["id"], id={"type": "string"}, shortDescription=MESSAGE, properties={})
DRIVER = closed(
    ["name"],
    name={"type": "string"},
    version={"type": "string"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
RUN = closed(
    ["tool"],
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
    tool=closed(["driver"], driver=DRIVER),
    properties={"type": "object"},
)
LOG = closed(
    ["version", "runs"],
    **{
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
    },
)


def sarif(desk: Desk, *words: str, stdin: str = "") -> Any:
    log = json.loads(desk.scan(*words, "--output", "sarif", stdin=stdin))
    jsonschema.validate(log, LOG)
    return log["runs"][0]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_a_log_is_valid_and_its_rules_are_those_of_its_results(name: str, desk: Desk) -> None:
    record = json.dumps({"text": TEXT})
    desk.write("a.txt", TEXT)
    desk.write("a.jsonl", record)
    desk.write("a.csv", f'"{TEXT}",1')
    run = sarif(desk, name)
    rules = {each["id"] for each in run["tool"]["driver"]["rules"]}
    assert {each["ruleId"] for each in run["results"]} == rules
    assert len(run["results"]) == len(CANARIES)


def test_nothing_found_is_a_valid_log_too(desk: Desk) -> None:
    assert sarif(desk)["results"] == []


def test_a_place_is_a_region_of_a_file_and_a_member_of_a_record(desk: Desk) -> None:
    desk.write("a b/é.txt", "x\n\U0001f600 jo@example.org")
    desk.write("r.jsonl", '\n{"é":["jo@example.org"]}')
    text, record = (each["locations"][0] for each in sarif(desk, "a b", "r.jsonl")["results"])
    assert text["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/%C3%A9.txt"},
        "region": {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 17},
    }
    assert record["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 7,
        "endLine": 2,
        "endColumn": 23,
    }
    assert record["logicalLocations"][0]["fullyQualifiedName"] == "/é/0"


def test_a_message_holds_a_value_only_if_values_are_asked_for(desk: Desk) -> None:
    desk.write("a.txt", "jo@example.org")
    (hidden,) = sarif(desk, "a.txt")["results"]
    (shown,) = sarif(desk, "a.txt", "--show-values")["results"]
    assert hidden["message"]["text"] == "EMAIL_ADDRESS, score 1"
    assert shown["message"]["text"] == "EMAIL_ADDRESS, score 1: jo@example.org"
