"""The page: complete, self-contained, and what it shows works."""

import base64
import hashlib
import re
import shlex
from html import unescape
from html.parser import HTMLParser

import pytest

from datavault.contracts.openapi import document
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.contracts.reference import curl, render, security_policy

PAGE = render(document())
VOID = {"meta", "input", "br"}


class Outline(HTMLParser):
    """Which tags are open, which ids and references there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src", "action"}:
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def outline() -> Outline:
    parsed = Outline()
    parsed.feed(PAGE)
    return parsed


def test_the_page_is_well_formed(outline: Outline) -> None:
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_the_page_asks_nothing_of_any_server(outline: Outline) -> None:
    assert {each for each in outline.references if not each.startswith("#")} == {"openapi.json"}
    # Examples are text, and one of a presigned URL is a URL.
    live = re.sub(r"<pre.*?</pre>", "", PAGE, flags=re.DOTALL)
    assert not re.search(r"url\(|@import|fetch\(|https?://", live)


def test_a_reference_leads_somewhere(outline: Outline) -> None:
    wanted = {each[1:] for each in outline.references if each.startswith("#")}
    assert wanted <= set(outline.ids)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_operation_is_shown_with_a_command_that_a_shell_can_run(row: Operation) -> None:
    assert f'<h2 id="{row.name}">' in PAGE
    command = curl(row.path, row.method.lower(), document()["paths"][row.path][row.method.lower()])
    assert command in unescape(PAGE)
    words = shlex.split(command.replace("\\\n", ""))
    assert words[0] == "curl"
    assert words[1].startswith("$API/")
    assert "{" not in words[1]


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_names_what_the_page_has_inside(tag: str) -> None:
    (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}'" in security_policy()
