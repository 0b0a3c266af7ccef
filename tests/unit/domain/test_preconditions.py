"""If-Match as RFC 9110 has it."""

import pytest

from datavault.domain.errors import Invalid, PreconditionFailed
from datavault.domain.preconditions import parse_precondition


@pytest.mark.parametrize("text", ['"3"', '"2", "3"', '"2","3"', "*", " * ", 'W/"2", "3"', '"3" '])
def test_a_version_that_was_seen_is_let_through(text: str) -> None:
    parse_precondition(text).require("3")


@pytest.mark.parametrize("text", ['"2"', 'W/"3"', '"33"', '""', '"2", "4"'])
def test_another_version_is_not(text: str) -> None:
    with pytest.raises(PreconditionFailed, match='its entity tag is "3" now') as refusal:
        parse_precondition(text).require("3")
    assert refusal.value.field == "If-Match"


@pytest.mark.parametrize(
    "text", ["", "3", "'3'", '"3', '"2" "3"', '*, "3"', '"a b"', ",", '"3",' * 17]
)
def test_what_is_no_precondition_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="If-Match is") as refusal:
        parse_precondition(text)
    assert refusal.value.field == "If-Match"
